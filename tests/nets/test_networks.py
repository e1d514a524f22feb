"""The networks' tensors, counted without making them, and what they compute in small."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torchvision.models import get_model

from vcmflow.core.detections import to_results
from vcmflow.core.errors import VcmflowError
from vcmflow.nets import deeplab
from vcmflow.nets.ema_vfi.attention import Layout, MotionBlock, from_windows, to_windows
from vcmflow.nets.ema_vfi.backbone import places_of
from vcmflow.nets.ema_vfi.config import CONFIGS as EMA_VFI
from vcmflow.nets.ema_vfi.load import load as load_ema_vfi
from vcmflow.nets.ema_vfi.network import EmaVfi, warp
from vcmflow.nets.ema_vfi.strips import Strips
from vcmflow.nets.faster_rcnn.boxes import apply_deltas, cell_anchors, level_anchors, pooling_levels
from vcmflow.nets.faster_rcnn.load import SIDES, SPACE, own_name
from vcmflow.nets.faster_rcnn.network import (
    R50,
    FasterRcnn,
    FasterRcnnConfig,
    Found,
    to_output,
)
from vcmflow.nets.faster_rcnn.resize import resize, resized_shape
from vcmflow.nets.spaces import SPACES
from vcmflow.nets.yolact.config import CONFIGS as YOLACT
from vcmflow.nets.yolact.config import LightSpec, ResNetSpec, YolactConfig
from vcmflow.nets.yolact.network import Yolact, YolactOutput
from vcmflow.nets.yolact.postprocess import NmsSettings, crop, decode, detect, finish, survivors
from vcmflow.task.faster_rcnn_x101 import FasterRcnnX101


def count(module: nn.Module) -> int:
    return sum(value.numel() for value in module.parameters())


class TestTensorsOfTheOfficialNetworks:
    @pytest.fixture(autouse=True)
    def _without_memory(self):  # type: ignore[no-untyped-def]
        with torch.device("meta"):
            yield

    @pytest.mark.parametrize(
        ("size", "parameters", "tensors"), [("full", 65_662_359, 266), ("small", 14_489_815, 186)]
    )
    def test_ema_vfi(self, size: str, parameters: int, tensors: int) -> None:
        network = EmaVfi(EMA_VFI[size])
        assert count(network) == parameters
        state = network.state_dict()
        assert len(state) == tensors
        assert state["block.0.conv.0.0.weight"].shape[1] == {"full": 134, "small": 70}[size]
        assert "feature_bone.block5.1.attn.cor_embed.weight" in state

    @pytest.mark.parametrize(
        ("name", "parameters", "keys", "deformable"),
        [
            (
                "yolact_plus_resnet50",
                33_766_460,
                405,
                {1: range(4), 2: range(6), 3: range(3)},
            ),
            (
                "yolact_plus_base",
                52_571_142,
                705,
                {1: (0, 3), 2: range(0, 23, 3), 3: (0,)},
            ),
        ],
    )
    def test_yolact(
        self, name: str, parameters: int, keys: int, deformable: dict[int, range]
    ) -> None:
        network = Yolact(YOLACT[name])
        assert count(network) == parameters
        state = network.state_dict()
        assert len(state) == keys
        expected = {
            f"backbone.layers.{stage}.{block}.conv2.conv_offset_mask.weight"
            for stage, blocks in deformable.items()
            for block in blocks
        }
        assert {key for key in state if key.endswith("conv_offset_mask.weight")} == expected

    def test_faster_rcnn(self) -> None:
        network = FasterRcnn()
        assert count(network) == 104_784_480
        assert len(network.state_dict()) == 550
        assert sum(value.numel() for value in network.buffers()) == 405_760


@pytest.fixture(scope="module")
def small() -> EmaVfi:
    return load_ema_vfi("small", None)


def pictures(height: int, width: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    first = torch.rand(1, 3, height // 8, width // 8, generator=generator)
    first = nn.functional.interpolate(first, size=(height, width), mode="bicubic").clamp(0, 1)
    return first, first.roll(3, 3)


class TestEmaVfi:
    @torch.inference_mode()
    @pytest.mark.parametrize(
        ("size", "down_scale"), [((96, 64), 1.0), ((64, 160), 1.0), ((192, 64), 0.5)]
    )
    def test_strips_change_nothing(
        self, small: EmaVfi, size: tuple[int, int], down_scale: float
    ) -> None:
        pair = pictures(*size)
        (whole,) = small(*pair, [0.4], down_scale)
        for values in (1, 1 << 12, 1 << 15):
            (part,) = small(*pair, [0.4], down_scale, Strips(values))
            assert float((whole - part).abs().max()) < 1e-5

    @torch.inference_mode()
    def test_one_network_serves_sizes_of_equal_area(self) -> None:
        used = load_ema_vfi("small", None)
        for size in ((64, 96), (96, 64), (64, 96)):
            pair = pictures(*size)
            fresh = load_ema_vfi("small", None)
            assert torch.equal(used(*pair, [0.5])[0], fresh(*pair, [0.5])[0])

    @torch.inference_mode()
    def test_times_together_equal_times_one_by_one(self, small: EmaVfi) -> None:
        pair = pictures(64, 64)
        together = small(*pair, [0.25, 0.5, 0.75])
        assert len(together) == 3
        for time, picture in zip((0.25, 0.5, 0.75), together, strict=True):
            assert torch.equal(picture, small(*pair, [time])[0])
        assert not torch.equal(together[0], together[2])
        assert small(*pair, []) == []

    @torch.inference_mode()
    def test_pairs_of_a_batch_do_not_mix(self, small: EmaVfi) -> None:
        pairs = [pictures(64, 64, seed) for seed in (1, 2)]
        (both,) = small(*(torch.cat(parts) for parts in zip(*pairs, strict=True)), [0.5])
        for index, pair in enumerate(pairs):
            assert float((both[index : index + 1] - small(*pair, [0.5])[0]).abs().max()) < 1e-5

    @pytest.mark.parametrize(
        ("size", "down_scale"), [((64, 80), 1.0), ((33, 64), 1.0), ((32, 64), 0.25)]
    )
    def test_sizes_that_do_not_fit(
        self, small: EmaVfi, size: tuple[int, int], down_scale: float
    ) -> None:
        with pytest.raises(VcmflowError, match="pad them to multiples of 32"):
            small(torch.zeros(1, 3, *size), torch.zeros(1, 3, *size), [0.5], down_scale)

    def test_warping_by_whole_pixels_shifts(self) -> None:
        picture = torch.rand(1, 2, 6, 9)
        flow = torch.zeros(1, 2, 6, 9)
        flow[:, 0], flow[:, 1] = 2, -1
        warped = warp(picture, flow)
        torch.testing.assert_close(warped[:, :, 1:, :7], picture[:, :, :5, 2:])
        torch.testing.assert_close(
            warped[:, :, 1:, 7:], picture[:, :, :5, 8:].expand(-1, -1, -1, 2)
        )
        torch.testing.assert_close(warp(picture, flow, 2, 5), warped[:, :, 2:5])


class TestWindows:
    @given(
        height=st.integers(1, 30),
        width=st.integers(1, 30),
        window=st.integers(2, 7),
        shifted=st.booleans(),
    )
    @settings(max_examples=60, deadline=None)
    def test_masks_separate_padding(
        self, height: int, width: int, window: int, shifted: bool
    ) -> None:
        layout = Layout(height, width, window, window // 2 if shifted else 0)
        left, right, top, bottom = layout.padding
        rows, columns = layout.grid
        assert (top + height + bottom, left + width + right) == (rows * window, columns * window)
        assert 0 <= bottom - top <= 1 and 0 <= right - left <= 1
        mask = layout.mask()
        if not shifted and not any(layout.padding):
            assert mask is None
            return
        assert mask is not None and mask.shape == (rows, columns, window**2, window**2)
        assert set(mask.unique().tolist()) <= {0.0, -100.0}
        assert torch.equal(mask, mask.transpose(-1, -2))
        assert (mask.diagonal(dim1=-2, dim2=-1) == 0).all()
        inside = torch.zeros(1, rows * window, columns * window, 1)
        inside[:, top : top + height, left : left + width] = 1
        cells = to_windows(inside, window)[0, ..., 0]
        apart = cells[..., :, None] != cells[..., None, :]
        assert (mask[apart] == -100).all()

    @given(st.integers(1, 3), st.integers(1, 3), st.integers(2, 4))
    def test_windows_and_back(self, rows: int, columns: int, window: int) -> None:
        x = torch.rand(2, rows * window, columns * window, 3)
        windows = to_windows(x, window)
        assert torch.equal(windows[1, 0, 0, 1], x[1, 0, 1])
        assert torch.equal(from_windows(windows, window), x)

    @torch.inference_mode()
    def test_a_block_keeps_one_mask_per_shape(self) -> None:
        block = MotionBlock(32, 8, 1, window=7, shift=3).eval()
        results = []
        for height, width in ((7, 28), (14, 14), (28, 7), (9, 21), (7, 28)):
            x = torch.rand(2, height, width, 32, generator=torch.Generator().manual_seed(0))
            results.append(block(x, places_of(height, width, x.device), Strips())[0])
        assert torch.equal(results[0], results[4])


def bfloat16() -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16)


def close(half: Tensor, exact: Tensor, share: float) -> None:
    """Compare with what eight bits of mantissa leave, relative to the largest value."""
    assert bool(half.isfinite().all())
    assert 0 < float((half.float() - exact).abs().max()) < share * float(exact.abs().max())


class TestHalfPrecision:
    """Under autocast, as on a GPU; coordinates and scores stay in single precision."""

    @torch.inference_mode()
    @pytest.mark.parametrize("down_scale", [1.0, 0.5])
    def test_ema_vfi(self, small: EmaVfi, down_scale: float) -> None:
        pair = pictures(64, 96)
        exact = small(*pair, [0.3, 0.5], down_scale)
        with bfloat16():
            half = small(*pair, [0.3, 0.5], down_scale)
            in_strips = small(*pair, [0.3, 0.5], down_scale, Strips(1 << 12))
        for index, picture in enumerate(exact):
            assert half[index].dtype == torch.float32
            close(half[index], picture, 0.05)
            close(in_strips[index], picture, 0.05)

    @torch.inference_mode()
    def test_faster_rcnn(self, detector: FasterRcnn) -> None:
        generator = torch.Generator().manual_seed(2)
        frame = torch.randint(0, 256, (1, 64, 96, 3), dtype=torch.uint8, generator=generator)
        images = detector.prepare(frame)
        boxes = [torch.tensor([[3.3, 4.7, 40.2, 50.9], [10, 10, 90, 60]])]
        exact, pooled = detector.backbone(images), []
        with bfloat16():
            half = detector.backbone(images)
            pooled = [detector.pool(levels, boxes) for levels in (exact, half)]
            (found,) = detector(images, (64, 96))
        for one, other in zip(half, exact, strict=True):
            assert one.dtype == torch.bfloat16
            close(one, other, 0.05)
        assert torch.equal(pooled[0], detector.pool(exact, boxes))
        close(pooled[1], pooled[0], 0.05)
        (expected,) = detector(images, (64, 96))
        assert found.boxes.dtype == found.scores.dtype == torch.float32
        assert 0 < len(found.scores) == len(expected.scores)
        assert float((found.scores[:10] - expected.scores[:10]).abs().max()) < 0.02

    @torch.inference_mode()
    def test_yolact_with_deformable_convolutions(self) -> None:
        spec = ResNetSpec((1, 1, 1, 1), deformable_stages=(1, 2, 3))
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = Yolact(replace(CONFIG, backbone=spec)).eval()
            for name, value in network.named_parameters():
                if "conv_offset_mask.weight" in name:
                    value.normal_(0, 0.02)
            images = network.prepare(torch.randint(0, 256, (1, 64, 96, 3)))
        exact = network(images)
        with bfloat16():
            half = network(images)
            found = detect(half, settings=NmsSettings(confidence=0.2))
            result = finish(half.prototypes[0], found, (31, 47), None)
        for name in ("deltas", "logits", "coefficients", "prototypes"):
            close(getattr(half, name), getattr(exact, name), 0.1)
        assert len(result.scores) > 0 and result.scores.dtype == torch.float32


SHAPE = FasterRcnnConfig(blocks=(1, 1, 1, 1), groups=1, pyramid=16, hidden=32, classes=5)


@pytest.fixture(scope="module")
def detector() -> FasterRcnn:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return FasterRcnn(SHAPE).eval()


def test_detectron2s_resnet_50_is_the_published_one() -> None:
    """Its perception network has TransVFC's counts; strides are where Caffe's are."""
    with torch.device("meta"):
        network = FasterRcnn(R50)
    body = network.backbone.body
    later = [body["layer2"], body["layer3"], body["layer4"], network.backbone.fpn]
    assert sum(count(part) for part in later) == 26_576_896
    assert sum(value.numel() for part in later for value in part.buffers()) == 100_352
    for name in ("layer2", "layer3", "layer4"):
        first = body[name][0]
        assert [layer.stride for layer in (first.conv1, first.conv2)] == [(2, 2), (1, 1)]
        assert first.downsample[0].stride == (2, 2)
    assert body["layer1"][0].conv2.stride == (1, 1)
    names = {
        "backbone.bottom_up.stem.conv1.weight": (64, 3, 7, 7),
        "backbone.bottom_up.res2.0.conv2.weight": (64, 64, 3, 3),
        "backbone.bottom_up.res5.2.conv3.norm.running_mean": (2048,),
        "backbone.fpn_lateral2.weight": (256, 256, 1, 1),
        "proposal_generator.rpn_head.anchor_deltas.weight": (12, 256, 1, 1),
        "roi_heads.box_predictor.cls_score.weight": (81, 1024),
    }
    state = network.state_dict()
    assert {name: tuple(state[own_name(name)].shape) for name in names} == names


@torch.inference_mode()
def test_deeplab_goes_on_from_its_first_stage() -> None:
    network = deeplab.load(None, 3)
    published = set(get_model(deeplab.NAME, weights=None, weights_backbone=None, aux_loss=True)
                    .state_dict())  # fmt: skip
    assert set(network.state_dict()) == published
    images = network.prepare(torch.full((1, 33, 50, 3), 200, dtype=torch.uint8))
    x = network.features(images)
    assert tuple(x.shape[1:]) == SPACES[deeplab.SPACE].shape(33, 50)
    logits = network(images)
    assert logits.shape == (1, 3, 33, 50)
    assert torch.equal(network.from_features(x, (33, 50)), logits)


class TestFasterRcnn:
    @torch.inference_mode()
    def test_resnet_50s_features_say_what_the_frame_says(self) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            shape = replace(SHAPE, stride_in_1x1=True, std=(1.0, 1.0, 1.0), score_threshold=0.0)
            network = FasterRcnn(shape).eval()
        frame = np.random.default_rng(1).integers(0, 256, (20, 400, 3)).astype(np.uint8)
        size = resized_shape(20, 400, *SIDES)
        prepared = network.prepare(torch.from_numpy(resize(frame, size).copy())[None])
        maps = network.backbone.features(prepared)[0].numpy()
        assert maps.shape == SPACES[SPACE].shape(20, 400)
        model = FasterRcnnX101(network, "cpu", SIDES, 1)
        expected = to_results(0, model.detect([frame])[0])
        found = list(model.run([{SPACE: maps, "size": np.array([20, 400])}]))
        assert len(found) == len(expected) > 0
        for one, other in zip(found, expected, strict=True):
            assert one["category_id"] == other["category_id"]
            assert one["score"] == pytest.approx(other["score"], abs=1e-3)
            np.testing.assert_allclose(one["bbox"], other["bbox"], atol=0.05)
        with pytest.raises(VcmflowError, match="maps of 8x8 are not those"):
            list(model.run([{SPACE: maps[:, :8, :8], "size": np.array([20, 400])}]))

    @torch.inference_mode()
    def test_pictures_of_a_batch_do_not_mix(self, detector: FasterRcnn) -> None:
        frames = torch.randint(
            0, 256, (3, 50, 70, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
        )
        together = detector(detector.prepare(frames), (50, 70))
        assert sum(len(found.scores) for found in together) > 0
        for index, found in enumerate(together):
            (alone,) = detector(detector.prepare(frames[index : index + 1]), (50, 70))
            assert torch.equal(found.classes, alone.classes)
            torch.testing.assert_close(found.boxes, alone.boxes, atol=1e-2, rtol=0)

    def test_boxes_are_those_of_the_frame_however_large_the_network_sees_it(
        self, detector: FasterRcnn
    ) -> None:
        frame = np.random.default_rng(1).integers(0, 256, (25, 35, 3)).astype(np.uint8)
        larger = resize(frame, (50, 70))
        (seen,), (found,) = (
            FasterRcnnX101(detector, "cpu", (50, 100), 1).detect([picture])
            for picture in (larger, frame)
        )
        assert len(found) > 0
        np.testing.assert_allclose(found.boxes, seen.boxes / 2, atol=1e-3)

    @torch.inference_mode()
    def test_nothing_found(self, detector: FasterRcnn) -> None:
        detector = FasterRcnn(replace(SHAPE, score_threshold=1.0)).eval()
        (found,) = detector(detector.prepare(torch.zeros(1, 33, 40, 3)), (33, 40))
        assert found.boxes.shape == (0, 4) and found.scores.shape == found.classes.shape == (0,)
        assert to_output(found, (33, 40), (66, 80)).boxes.shape == (0, 4)

    @torch.inference_mode()
    def test_no_proposals_at_all(self, detector: FasterRcnn) -> None:
        none = torch.zeros(0, 4)
        levels = [torch.rand(1, 16, 8 // 2**level, 8 // 2**level) for level in range(4)]
        pooled = detector.pool(levels, [none])
        logits, deltas = detector.box_head(detector.box_head.features(pooled))
        assert len(detector.select(logits, deltas, none, (32, 32)).scores) == 0

    def test_padding_is_zero_and_at_the_end(self, detector: FasterRcnn) -> None:
        images = detector.prepare(torch.full((1, 33, 40, 3), 200, dtype=torch.uint8))
        assert images.shape == (1, 3, 64, 64)
        assert (images[:, :, 33:] == 0).all() and (images[:, :, :, 40:] == 0).all()
        red = torch.zeros(1, 32, 32, 3)
        red[..., 0] = 255
        assert detector.prepare(red)[0, :, 0, 0].argmax() == 2  # BGR

    def test_anchors_are_not_rounded_and_start_at_the_corner(self) -> None:
        cell = cell_anchors(32, (0.5, 1.0, 2.0))
        width, height = (cell[:, 2] - cell[:, 0]), (cell[:, 3] - cell[:, 1])
        torch.testing.assert_close(width * height, torch.full((3,), 1024.0))
        torch.testing.assert_close(height / width, torch.tensor([0.5, 1.0, 2.0]))
        anchors = level_anchors((2, 3), 64, cell)
        assert anchors.shape == (18, 4)
        torch.testing.assert_close(anchors[:3], cell)
        torch.testing.assert_close(anchors[-1], cell[2] + torch.tensor([128.0, 64, 128, 64]))

    def test_deltas(self) -> None:
        box = torch.tensor([[10.0, 20.0, 30.0, 60.0]])
        zero = torch.zeros(1, 1, 4)
        torch.testing.assert_close(apply_deltas(zero, box, (1, 1, 1, 1))[:, 0], box)
        moved = apply_deltas(torch.tensor([[[10.0, 0, 0, 100.0]]]), box, (10, 10, 5, 5))[0, 0]
        torch.testing.assert_close(moved, torch.tensor([30.0, 40 - 1250, 50, 40 + 1250]))

    def test_pooling_levels(self) -> None:
        sides = torch.tensor([0.0, 10.0, 111.9, 112.0, 223.9, 224.0, 448.0, 5000.0])
        boxes = torch.stack((sides * 0, sides * 0, sides, sides), 1)
        assert pooling_levels(boxes).tolist() == [2, 2, 2, 3, 3, 4, 5, 5]

    def test_scaling_back_drops_what_becomes_empty(self) -> None:
        boxes = torch.tensor([[0.0, 0, 10, 10], [20.0, 5, 20, 9]])
        scores = torch.tensor([0.9, 0.8])
        found = Found(boxes, scores, torch.tensor([1, 2]), torch.tensor([0, 1]))
        final = to_output(found, (20, 20), (40, 10))
        assert final.boxes.tolist() == [[0, 0, 5, 20]]

    @given(st.integers(20, 3000), st.integers(20, 3000))
    def test_resized_shapes_keep_the_aspect(self, height: int, width: int) -> None:
        new_height, new_width = resized_shape(height, width, 800, 1333)
        assert min(new_height, new_width) <= 800 and max(new_height, new_width) <= 1333
        assert abs(new_height * width - new_width * height) <= max(height, width)
        assert min(new_height, new_width) == 800 or max(new_height, new_width) == 1333

    @pytest.mark.parametrize(("height", "width"), [(1, 3000), (3000, 1), (1, 1), (2, 1601)])
    def test_no_side_vanishes(self, height: int, width: int) -> None:
        size = resized_shape(height, width, 800, 1333)
        assert min(size) >= 1 and max(size) <= 1333
        assert resize(np.zeros((height, width, 3), np.uint8), size).shape == (*size, 3)

    def test_resizing_smooths_when_shrinking(self) -> None:
        checks = np.indices((64, 64)).sum(0) % 2 * 255
        frame = np.repeat(checks[..., None], 3, 2).astype(np.uint8)
        assert resize(frame, (16, 16)).std() < 3
        assert resize(frame, (64, 64)) is frame


CONFIG = YolactConfig(
    backbone=LightSpec(),
    classes=4,
    input_size=(64, 96),
    fpn_width=16,
    prototypes=8,
    proto_convs=1,
    anchor_scales=((8.0, 12.0), (16.0, 24.0), (32.0, 48.0), (64.0, 96.0)),
    mask_iou=False,
)


@pytest.fixture(scope="module")
def segmenter() -> Yolact:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return Yolact(CONFIG).eval()


class TestYolact:
    @torch.inference_mode()
    def test_heads_fit_together(self, segmenter: Yolact) -> None:
        output = segmenter(segmenter.prepare(torch.randint(0, 256, (2, 50, 90, 3))))
        cells = sum(h * w for h, w in ((8, 12), (4, 6), (2, 3), (1, 2)))
        assert output.anchors.shape == (cells * 6, 4)
        assert output.logits.shape == (2, cells * 6, 4)
        assert output.coefficients.abs().max() <= 1
        assert output.prototypes.shape == (2, 16, 24, 8) and output.prototypes.min() >= 0
        assert output.semantic is None

    def test_training_also_gives_semantic_logits_and_gradients(self) -> None:
        network = Yolact(CONFIG).train()
        output = network(network.prepare(torch.randint(0, 256, (2, 64, 96, 3))))
        assert output.semantic is not None and output.semantic.shape == (2, 3, 8, 12)
        total = output.semantic.mean() + sum(
            x.mean() for x in (output.deltas, output.logits, output.coefficients, output.prototypes)
        )
        total.backward()
        untouched = [
            name
            for name, p in network.named_parameters()
            if p.grad is None and "maskiou" not in name
        ]
        assert untouched == []

    def test_anchors_are_relative_to_each_side(self, segmenter: Yolact) -> None:
        anchors = segmenter.anchors(((8, 12), (4, 6), (2, 3), (1, 2)))
        first = anchors[:6] * torch.tensor([96.0, 64.0, 96.0, 64.0])
        expected = [
            (4, 4, side * ratio**0.5, side / ratio**0.5)
            for side, ratio in itertools.product((8, 12), (1, 0.5, 2))
        ]
        torch.testing.assert_close(first, torch.tensor(expected))

    @torch.inference_mode()
    def test_nothing_found(self, segmenter: Yolact) -> None:
        output = segmenter(torch.zeros(1, 3, 64, 96))
        for across in (False, True):
            found = detect(output, 0, NmsSettings(confidence=1.0, across_classes=across))
            assert len(found.scores) == 0
            result = finish(output.prototypes[0], found, (31, 47), segmenter.maskiou_net)
            assert result.masks.shape == (0, 31, 47) and result.boxes.shape == (0, 4)
            assert len(result.mask_scores) == 0

    def test_a_suppressed_box_still_suppresses(self) -> None:
        steps = torch.tensor([0.0, 4.0, 8.0])
        boxes = torch.stack((steps, steps * 0, steps + 10, steps * 0 + 10), 1)
        assert survivors(boxes, 0.4).tolist() == [True, False, False]
        assert survivors(boxes[[0, 2]], 0.4).tolist() == [True, True]

    def test_objects_of_two_classes_share_a_place_unless_told_otherwise(self) -> None:
        logits = torch.full((1, 2, 4), -9.0)
        logits[0, 0, 1], logits[0, 1, 2] = 5.0, 4.0
        output = YolactOutput(
            deltas=torch.zeros(1, 2, 4),
            logits=logits,
            coefficients=torch.ones(1, 2, 8),
            prototypes=torch.ones(1, 16, 24, 8),
            anchors=torch.tensor([[0.5, 0.5, 0.5, 0.5]] * 2),
            semantic=None,
        )
        # The third class has no score worth the name; there is no second look at scores.
        assert detect(output).classes.tolist() == [0, 1, 2]
        assert detect(output, settings=NmsSettings(across_classes=True)).classes.tolist() == [0]
        result = finish(output.prototypes[0], detect(output), (32, 48), None, score_threshold=0.5)
        assert result.boxes.tolist() == [[12, 8, 36, 24]] * 2
        assert result.masks[0, 16, 24] and not result.masks[0, 0, 0]
        assert torch.equal(result.scores, result.mask_scores)

    def test_boxes_decode_as_they_were_encoded(self) -> None:
        anchors = torch.tensor([[0.5, 0.4, 0.2, 0.1]])
        box = torch.tensor([[0.3, 0.3, 0.7, 0.6]])
        centre, size = (box[:, :2] + box[:, 2:]) / 2, box[:, 2:] - box[:, :2]
        deltas = torch.cat(
            (
                (centre - anchors[:, :2]) / (0.1 * anchors[:, 2:]),
                (size / anchors[:, 2:]).log() / 0.2,
            ),
            1,
        )
        torch.testing.assert_close(decode(deltas, anchors), box)

    def test_masks_are_cropped_with_one_pixel_to_spare(self) -> None:
        cropped = crop(torch.ones(1, 10, 20), torch.tensor([[0.5, 0.2, 0.25, 0.4]]))[0]
        rows, columns = cropped.nonzero().unbind(1)
        assert (rows.min(), rows.max()) == (1, 4)
        assert (columns.min(), columns.max()) == (4, 10)

    @pytest.mark.parametrize(
        "change",
        [
            {"classes": 1},
            {"mask_iou": True},
            {"anchor_scales": ((1.0,),)},
            {"anchor_scales": ((1.0,),) * 2},
        ],
    )
    def test_shapes_that_make_no_network(self, change: dict[str, object]) -> None:
        with pytest.raises(VcmflowError, match="YOLACT"):
            replace(CONFIG, **change)  # type: ignore[arg-type]
