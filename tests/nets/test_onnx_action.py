"""Networks of clips in ONNX files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_onnx import mean_times

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.task.recogniser import Recogniser
from vcmflow.task.registry import RECOGNISERS


def model(name: str, weights: Path | None = None, **options: Any) -> Recogniser:
    found: Recogniser = build(
        RECOGNISERS, name, "model", options, offered={"weights": weights, "device": "cpu"}
    )
    return found


def names(path: Path, count: int) -> Path:
    path.write_text("".join(f"class {k}\n" for k in range(count)))
    return path


def test_any_network_in_an_onnx_file(tmp_path: Path) -> None:
    """One that gives each class its weight times the mean of the clip."""
    labels = names(tmp_path / "classes.txt", 3)
    frames = [np.full((20, 20, 3), 200, np.uint8)] * 5
    options = {"classes": str(labels), "frames": 4, "stride": 1, "short_side": 16, "crop": 16}
    for axes, shape in (("channels_first", (1, 3, 4, 16, 16)), ("frames_first", (1, 4, 3, 16, 16))):
        (tmp_path / "m.onnx").write_bytes(mean_times([1.0, -2.0, 3.0], shape))
        found = model("onnx", tmp_path / "m.onnx", axes=axes, **options).run(frames)
        assert [entry["label"] for entry in found] == ["class 2", "class 0", "class 1"]
        mean = float(np.mean((200 / 255 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225]))
        shares = np.exp(mean * np.array([3.0, 1.0, -2.0]))
        assert [e["score"] for e in found] == pytest.approx(shares / shares.sum(), abs=1e-4)
    with pytest.raises(VcmflowError, match=r"m\.onnx: does not take the clip"):
        model("onnx", tmp_path / "m.onnx", **options | {"frames": 5}).run(frames)
    with pytest.raises(VcmflowError, match="needs the option classes"):
        model("onnx", tmp_path / "m.onnx")
    with pytest.raises(VcmflowError, match="needs a weights file"):
        model("onnx", classes=str(labels))
    with pytest.raises(VcmflowError, match="gives 3 scores for 4 names"):
        more = options | {"classes": str(names(tmp_path / "more.txt", 4))}
        model("onnx", tmp_path / "m.onnx", axes="frames_first", **more).run(frames)
