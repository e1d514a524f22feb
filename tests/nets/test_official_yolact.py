"""YOLACT++ against outputs of the official code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from golden import Golden

from vcmflow.nets.yolact.load import load
from vcmflow.nets.yolact.postprocess import NmsSettings, detect, finish, soft_masks
from vcmflow.task.coco_ids import COCO_IDS
from vcmflow.task.yolact_plus import resnet50


def official_file(golden: Golden, path: Path) -> Path:
    """The weights as the authors publish theirs: with layers that the network no longer has."""
    state = {
        key: value
        for key, value in golden.state().items()
        if not key.endswith("num_batches_tracked")
    }
    state["backbone.layer1.0.conv1.weight"] = torch.zeros(64, 64, 1, 1)
    state["fpn.downsample_layers.2.weight"] = torch.zeros(256, 256, 3, 3)
    torch.save(state, path)
    return path


@pytest.mark.slow
def test_every_array(tmp_path: Path) -> None:
    golden = Golden("yolact_plus_resnet50")
    weights = official_file(golden, tmp_path / "yolact_plus_resnet50_54_800000.pth")
    network = load("yolact_plus_resnet50", weights)
    offsets = {}
    for name, module in network.named_modules():
        if name.endswith("conv_offset_mask"):
            module.register_forward_hook(
                lambda _module, _input, output, name=name: offsets.update({name: output})
            )
    frame = np.ascontiguousarray(golden.array("image")[..., ::-1])
    with torch.inference_mode():
        images = network.prepare(torch.from_numpy(frame)[None])
        golden.check("net_input_slice", images[0, :, ::10, ::10])
        golden.check_stats("net_input", images)
        maps = network.backbone(images)
        stem = torch.relu(network.backbone.bn1(network.backbone.conv1(images)))
        c2 = network.backbone.layers[0](torch.nn.functional.max_pool2d(stem, 3, 2, 1))
        for index, x in enumerate([c2, *maps], start=2):
            step = max(1, x.shape[2] // 17)
            part = x[0, :: x.shape[1] // 8, ::step, ::step]
            golden.check(f"backbone_c{index}_slice", part, atol=1e-3)
            golden.check_stats(f"backbone_c{index}", x)
        for index, x in enumerate(network.fpn(maps), start=3):
            step = max(1, x.shape[2] // 17)
            golden.check(f"fpn_p{index}_slice", x[0, ::32, ::step, ::step], atol=1e-3)
            golden.check_stats(f"fpn_p{index}", x)
        for name, x in offsets.items():
            golden.check_stats(name, x)
            if f"{name}_out_slice" in golden.arrays:
                golden.check(f"{name}_out_slice", x[0, :, ::4, ::4], atol=1e-3)
        output = network(images)
        softmax = output.logits.softmax(-1)
        for name, value in (
            ("loc", output.deltas[0]),
            ("conf_logits", output.logits[0]),
            ("conf_softmax", softmax[0]),
            ("mask_coeff", output.coefficients[0]),
        ):
            golden.check(f"{name}_every37", value[::37], atol=1e-3)
            golden.check_stats(name, value)
        golden.check("priors_every37", output.anchors[::37])
        golden.check("priors_first18", output.anchors[:18])
        golden.check("priors_last9", output.anchors[-9:])
        golden.check_stats("priors", output.anchors)
        golden.check("proto", output.prototypes[0], atol=1e-3)
        golden.check_stats("proto", output.prototypes)

        found = detect(output)
        golden.check("det_box", found.boxes, atol=1e-3)
        golden.check("det_mask", found.coefficients, atol=1e-3)
        golden.check("det_score", found.scores, atol=1e-3)
        golden.check("det_class", found.classes)
        joint = detect(output, settings=NmsSettings(across_classes=True))
        golden.check("detcc_box", joint.boxes, atol=1e-3)
        golden.check("detcc_score", joint.scores, atol=1e-3)
        golden.check("detcc_class", joint.classes)
        soft = soft_masks(output.prototypes[0], found)
        golden.check("soft_masks_first10", soft[:10], atol=1e-3)
        golden.check_stats("soft_masks", soft[:, None])
        assert network.maskiou_net is not None
        golden.check("maskiou_out", network.maskiou_net(soft[:, None]), atol=1e-3)

        size = (frame.shape[0], frame.shape[1])
        final = finish(output.prototypes[0], found, size, network.maskiou_net)
    golden.check("post_class", final.classes)
    golden.check("post_box_score", final.scores, atol=1e-3)
    golden.check("post_mask_score", final.mask_scores, atol=1e-3)
    golden.check("post_box", final.boxes)
    packed = golden.array("post_mask_packbits")
    masks = np.unpackbits(packed, axis=1)[:, : frame[..., 0].size].reshape(-1, *size).astype(bool)
    ours = final.masks.numpy()
    union = (masks | ours).sum(axis=(1, 2))
    assert ((masks & ours).sum(axis=(1, 2)) >= 0.99 * union).all()
    np.testing.assert_allclose(ours.sum(axis=(1, 2)), golden.array("post_mask_area"), atol=40)
    assert golden.left == set()

    # The detector that the task stage uses gives the same, re-scored and sorted.
    detector = resnet50(weights, "cpu", score_threshold=0.0, detections=100)
    (detections,) = detector.detect([frame])
    order = np.argsort(-final.mask_scores.numpy(), kind="stable")
    order = order[masks[order].any(axis=(1, 2))]
    np.testing.assert_allclose(detections.scores, final.mask_scores.numpy()[order], atol=1e-3)
    assert set(detections.categories) <= set(COCO_IDS[golden.arrays["post_class"]])
