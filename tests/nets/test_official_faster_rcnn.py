"""Faster R-CNN X101-FPN against outputs of detectron2."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from golden import Golden
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from vcmflow.nets.faster_rcnn.boxes import cell_anchors, level_anchors, pooling_levels
from vcmflow.nets.faster_rcnn.load import load
from vcmflow.nets.faster_rcnn.network import FasterRcnn, Found, to_output
from vcmflow.nets.faster_rcnn.resize import resize, resized_shape
from vcmflow.task.coco_ids import COCO_IDS
from vcmflow.task.faster_rcnn_x101 import build


def official_file(golden: Golden, path: Path) -> Path:
    """The weights in the form of detectron2's model zoo, with the constants of older files."""
    model = {key: value.numpy() for key, value in golden.state().items()}
    model["pixel_mean"] = np.zeros((3, 1, 1), np.float32)
    model["proposal_generator.anchor_generator.cell_anchors.0"] = np.zeros((3, 4), np.float32)
    with path.open("wb") as file:
        pickle.dump({"model": model, "__author__": "a test", "matching_heuristics": True}, file)
    return path


def same_order(
    ours: tuple[Tensor, Tensor],
    theirs: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
) -> npt.NDArray[np.int64]:
    """Which of our (boxes, scores) each of theirs is; every one of both has one partner."""
    assert ours[0].shape == theirs[0].shape
    far = np.abs(ours[0].numpy()[None] - theirs[0][:, None]).max(axis=2)
    apart = np.abs(ours[1].numpy()[None] - theirs[1][:, None])
    # Clipping makes equal boxes of several proposals; their scores tell them apart.
    rows, partner = linear_sum_assignment(np.minimum(far, 10) + 10 * np.minimum(apart, 1))
    assert far[rows, partner].max() <= 0.05
    assert apart[rows, partner].max() <= 1e-3
    return np.asarray(partner, np.int64)


class Runner:
    """One case of the reference, stage by stage."""

    def __init__(self, golden: Golden, network: FasterRcnn, case: str) -> None:
        self.golden, self.network, self.case = golden, network, case

    def check(self, name: str, value: Tensor, atol: float, rtol: float = 0.0) -> None:
        """Compare if the reference holds this array."""
        if f"{self.case}_{name}" in self.golden.arrays:
            self.golden.check(f"{self.case}_{name}", value, atol, rtol)

    def stats(self, name: str, value: Tensor) -> None:
        if f"{self.case}_{name}" in self.golden.manifest["stats"]:
            self.golden.check_stats(f"{self.case}_{name}", value)

    def partners(
        self, boxes: str, scores: str, our_boxes: Tensor, our_scores: Tensor
    ) -> npt.NDArray[np.int64]:
        """Check boxes and scores as a set; which of ours each of the reference's is."""
        theirs = (
            self.golden.array(f"{self.case}_{boxes}"),
            self.golden.array(f"{self.case}_{scores}"),
        )
        return same_order((our_boxes, our_scores), theirs)

    def pyramid(self, images: Tensor) -> list[Tensor]:
        stages = self.network.backbone.stages(images)
        for index, x in enumerate(stages, start=2):
            step = max(1, x.shape[2] // 12)
            part = x[0, :: x.shape[1] // 8, ::step, ::step]
            self.check(f"res{index}_slice", part, 1e-4, 1e-4)
            self.stats(f"res{index}", x)
        levels = self.network.backbone(images)
        for index, x in enumerate(levels, start=2):
            step = max(1, x.shape[2] // 25)
            scale = 1e-4 * float(x.abs().max())
            self.check(f"p{index}", x[0], scale)
            self.check(f"p{index}_slice", x[0, ::32, ::step, ::step], scale)
            self.stats(f"p{index}", x)
        return levels

    def heads(self, levels: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
        config = self.network.config
        raw = [self.network.rpn_head(level) for level in levels]
        for index, (logits, deltas) in enumerate(raw):
            name = f"p{index + 2}"
            step = {0: 4, 1: 2}.get(index, 1)
            for key, value in (("rpn_logits", logits), ("rpn_deltas", deltas)):
                self.check(f"{key}_{name}", value[0], 1e-3)
                self.check(f"{key}_{name}_slice", value[0, :, ::step, ::step], 1e-3)
                self.stats(f"{key}_{name}", value)
            size = (logits.shape[2], logits.shape[3])
            cell = cell_anchors(config.anchor_sides[index], config.anchor_ratios)
            anchors = level_anchors(size, config.strides[index], cell)
            self.check(f"anchors_{name}_first12", anchors[:12], 1e-6)
            self.check(f"anchors_{name}_last3", anchors[-3:], 1e-6)
            self.stats(f"anchors_{name}", anchors)
        return raw

    def detect(
        self, levels: list[Tensor], raw: list[tuple[Tensor, Tensor]], size: tuple[int, int]
    ) -> Found:
        (proposals,) = self.network.propose(raw, size)
        ours = self.partners("proposal_boxes", "proposal_logits", proposals.boxes, proposals.logits)
        chosen = torch.from_numpy(ours)
        self.check("proposal_levels", pooling_levels(proposals.boxes)[chosen], 0)
        pooled = self.network.pool(levels, [proposals.boxes])
        self.stats("roi_pooled", pooled)
        count, channels, *_ = self.golden.arrays[f"{self.case}_roi_pooled_slice"].shape
        part = pooled[chosen[:count], :: pooled.shape[1] // channels]
        self.check("roi_pooled_slice", part, 1e-3)
        features = self.network.box_head.features(pooled)
        self.stats("box_head", features)
        self.check("box_head_slice", features[chosen[:64]], 1e-3)
        logits, deltas = self.network.box_head(features)
        for name, value in (("cls_logits", logits), ("bbox_deltas", deltas)):
            self.stats(name, value)
            self.check(name, value[chosen], 1e-3)
            if f"{self.case}_{name}_slice" in self.golden.arrays:
                count = len(self.golden.arrays[f"{self.case}_{name}_slice"])
                self.check(f"{name}_slice", value[chosen[:count]], 1e-3)
        found = self.network.select(logits, deltas, proposals.boxes, size)
        order = self.partners("det_boxes_model_coords", "det_scores", found.boxes, found.scores)
        self.check("det_classes", found.classes[order], 0)
        index = self.golden.array(f"{self.case}_det_proposal_index")
        np.testing.assert_array_equal(found.proposals[order].numpy(), ours[index])
        return found

    def finish(self, found: Found, size: tuple[int, int], output: tuple[int, int]) -> None:
        final = to_output(found, size, output)
        order = self.partners("final_boxes", "final_scores", final.boxes, final.scores)
        self.check("final_classes", final.classes[order], 0)


@pytest.mark.slow
def test_every_array(tmp_path: Path) -> None:
    golden = Golden("faster_rcnn_x101_fpn")
    weights = official_file(golden, tmp_path / "model_final_68b088.pkl")
    network = load(weights)
    for case in ("C", "B", "A"):
        runner = Runner(golden, network, case)
        frame = golden.array(f"{case}_image")[..., ::-1]
        output = (frame.shape[0], frame.shape[1])
        size = resized_shape(*output, 800, 1333) if case == "A" else output
        resized = np.array(resize(np.ascontiguousarray(frame), size))
        if case == "A":
            np.testing.assert_array_equal(resized[..., ::-1], golden.array("A_image_resized"))
        with torch.inference_mode():
            images = network.prepare(torch.from_numpy(resized)[None])
            levels = runner.pyramid(images)
            found = runner.detect(levels, runner.heads(levels), size)
            runner.finish(found, size, output)
    assert golden.left == set()

    # The detector that the task stage uses does all of it at once.
    del network
    (detections,) = build(weights, "cpu").detect(
        [np.ascontiguousarray(golden.arrays["A_image"][..., ::-1])]
    )
    order = same_order(
        (torch.from_numpy(detections.boxes), torch.from_numpy(detections.scores)),
        (golden.arrays["A_final_boxes"], golden.arrays["A_final_scores"]),
    )
    np.testing.assert_array_equal(
        detections.categories[order], COCO_IDS[golden.arrays["A_final_classes"]]
    )


def test_the_resizing_rule() -> None:
    golden = Golden("faster_rcnn_x101_fpn")
    for height, width, *expected in golden.manifest["resize_shortest_edge_800_1333"]["rows"]:
        assert list(resized_shape(height, width, 800, 1333)) == expected
