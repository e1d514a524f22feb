"""Features as mosaics: what comes back, and that nothing is believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vcmflow.core.encoding import Shape
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.encode.codec import Video
from vcmflow.encode.registry import CODECS
from vcmflow.encode.x265_mosaic import tiled, untiled
from vcmflow.nets.faster_rcnn_mini import SPACE

WEIGHTS = Path(__file__).parents[2] / "models" / "faster_rcnn_mini.safetensors"


def test_tiles() -> None:
    feature = np.arange(32 * 3 * 5, dtype=np.float32).reshape(32, 3, 5)
    picture = tiled(feature)
    assert picture.shape == (12, 40)
    np.testing.assert_array_equal(picture[3:6, 5:10], feature[9])
    np.testing.assert_array_equal(untiled(picture), feature)


@pytest.mark.parametrize("chroma", ["4:0:0", "4:2:0"])
def test_round_trip(chroma: str, moving_frames: Any, tmp_path: Path) -> None:
    frames = moving_frames(3, 101, 77)
    codec = build(CODECS, "x265_mosaic", "codec", {"chroma": chroma}, offered={"weights": WEIGHTS})
    shape = Shape(101, 77, 3, 10.0)
    errors, sizes = [], []
    for point in (20, 40):
        names = CODECS["x265_mosaic"].files(point).items()
        out = {role: tmp_path / name for role, name in names}
        codec.encode(Video(shape, lambda: iter(frames), tmp_path), {}, point, out)
        decoded = list(codec.decode(out, shape))
        expected = [codec.network.extract(frame)[0].numpy() for frame in frames]
        pairs = zip(decoded, expected, strict=True)
        errors.append(np.mean([np.square(one[SPACE] - other).mean() for one, other in pairs]))
        sizes.append(sum(path.stat().st_size for path in out.values()))
    assert errors[0] < errors[1] < 0.3 * np.mean(np.square(expected))
    assert sizes[0] > sizes[1]
    good = out["ranges"].read_bytes()
    for changed in (good[:-1], b"NOPE" + good[4:], good[:4] + b"\xff" * 4 + good[8:]):
        out["ranges"].write_bytes(changed)
        with pytest.raises(VcmflowError, match="damaged"):
            next(codec.decode(out, shape))
    out["ranges"].write_bytes(good)
    with pytest.raises(VcmflowError, match="holds 3 pictures, 4 are expected"):
        next(codec.decode(out, Shape(101, 77, 4, 10.0)))
