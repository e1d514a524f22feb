"""Operation counts against arithmetic, and ``vcmflow stage complexity``."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from vcmflow.__main__ import stage
from vcmflow.complexity.count import (
    detector_cost,
    embedder_cost,
    gmacs_at,
)
from vcmflow.core.detections import no_detections
from vcmflow.core.embedding import load_embedder
from vcmflow.core.operations import multiply_accumulates
from vcmflow.core.video import write_video
from vcmflow.embed.registry import EMBEDDERS

FRAME = np.zeros((60, 80, 3), np.uint8)


def test_one_multiply_accumulate_counts_once():
    layer = torch.nn.Conv2d(3, 5, 3, padding=1)
    pictures = torch.zeros(2, 3, 10, 12)
    assert multiply_accumulates(lambda: layer(pictures)) == 2 * 10 * 12 * 5 * 3 * 3 * 3


def test_resnet18_costs_what_the_paper_says():
    embedder = load_embedder(EMBEDDERS, "{embedder: random, short_side: 224}", None)
    assert gmacs_at(embedder, 224) == pytest.approx(1.82, abs=0.01)
    cost = embedder_cost(embedder, np.zeros((240, 416, 3), np.uint8))
    assert (cost.input_width, cost.input_height) == (388, 224)
    assert cost.gmacs_per_frame == pytest.approx(1.82 * 388 / 224, rel=0.05)
    assert cost.parameters_millions == pytest.approx(11.2, abs=0.05)


def test_grey_pixels_cost_nothing():
    cost = embedder_cost(load_embedder(EMBEDDERS, "grey", None), FRAME)
    assert cost.gmacs_per_frame == cost.parameters_millions == 0


def test_a_detector_is_counted_per_frame():
    class OneLayer:
        parameters = 1_234_567

        def __init__(self):
            self.layer = torch.nn.Conv2d(3, 100, 1, bias=False)

        def detect(self, frames):
            pictures = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float()
            with torch.inference_mode():
                self.layer(pictures)
            return [no_detections() for _ in frames]

    cost = detector_cost(OneLayer(), FRAME)
    assert cost.gmacs_per_frame == pytest.approx(60 * 80 * 300 / 1e9, abs=1e-4)
    assert cost.parameters_millions == pytest.approx(1.2346)


def command(folder, *more):
    return [
        "complexity", "--embedding", "{embedder: random, short_side: 48}",
        "--detector", "faster_rcnn_mini", "--repeat", "1", "--video", str(folder / "a.mkv"),
        "--out", str(folder / "c.json"), *more,
    ]  # fmt: skip


def test_the_command_separates_what_is_exact_from_what_was_measured(tmp_path):
    random = np.random.default_rng(0)
    frames = [random.integers(0, 256, FRAME.shape, dtype=np.uint8) for _ in range(4)]
    write_video(tmp_path / "a.mkv", frames, 10)
    written = []
    for _ in range(2):
        assert stage(command(tmp_path)) == 0
        written.append(json.loads((tmp_path / "c.json").read_text()))
    measured = [content.pop("measured") for content in written]
    assert written[0] == written[1]
    assert written[0]["video"] == {"frames": 4, "width": 80, "height": 60}
    assert written[0]["manifold"]["input_height"] == 48
    assert written[0]["tracking"]["gmacs_per_frame"] > 0
    for method in ("manifold", "tracking"):
        assert measured[0][method]["frames_per_second"] > 0
        assert measured[0][method]["latency_ms"] > 0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--video", "none.mkv"], "none.mkv: no such video"),
        (["--repeat", "0"], "repeat is 0"),
        (["--embedding", "gray"], "grey"),
        (["--detector", "yolo"], "faster_rcnn_mini"),
        (["--embedding", "{embedder: random, side: 3}"], "short_side"),
        (["--tracker", "{tracker: deepsort, score_threshold: -1}"], "score_threshold"),
    ],
)
def test_the_command_refuses_in_one_line(tmp_path, capsys, more, words):
    write_video(tmp_path / "a.mkv", [FRAME], 10)
    assert stage(command(tmp_path, *more)) == 2
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1
    assert not (tmp_path / "c.json").exists()
