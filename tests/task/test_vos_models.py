"""Masks of the first frame carried through a video: by flow, and by a program of the user's."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vcmflow.__main__ import stage
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.core.rle import decode_mask, encode_mask
from vcmflow.core.runs import Run, read_run
from vcmflow.core.video import Frame, write_video
from vcmflow.task.registry import PROPAGATORS
from vcmflow.task.vos_flow import carried
from vcmrender.api import SceneSpec, render_scene

# What XMem's eval.py does with these flags, with a mask that stays where it is.
PROGRAM = """
import argparse, pathlib
from PIL import Image
parser = argparse.ArgumentParser()
for flag in ("dataset", "generic_path", "output", "model", "size"):
    parser.add_argument("--" + flag)
args = parser.parse_args()
assert args.dataset == "G" and pathlib.Path(args.model).is_file()
root = pathlib.Path(args.generic_path)
for video in (root / "JPEGImages").iterdir():
    out = pathlib.Path(args.output) / video.name
    out.mkdir(parents=True)
    (first,) = (root / "Annotations" / video.name).iterdir()
    for frame in sorted(video.iterdir()):
        Image.open(first).save(out / (frame.name[:-4] + ".png"))
{more}
"""


def moving(frames: int = 6) -> tuple[list[Frame], list[dict[int, np.ndarray]]]:
    """Two textured squares on a textured ground, one to the right, one down, 2 px a frame."""
    rng = np.random.default_rng(0)
    ground = rng.integers(60, 120, (72, 96, 3)).astype(np.uint8)
    things = rng.integers(0, 256, (2, 24, 24, 3)).astype(np.uint8)
    pictures, masks = [], []
    for t in range(frames):
        picture = ground.copy()
        own = {}
        for number, (top, left) in {3: (8, 6 + 2 * t), 8: (10 + 2 * t, 60)}.items():
            place = slice(top, top + 24), slice(left, left + 24)
            picture[place] = things[0 if number == 3 else 1]
            own[number] = np.zeros(picture.shape[:2], bool)
            own[number][place] = True
        pictures.append(picture)
        masks.append(own)
    return pictures, masks


def decoded(results: list[dict[str, Any]]) -> dict[tuple[int, int], np.ndarray]:
    return {(r["image_id"], r["object_id"]): decode_mask(r["segmentation"]) for r in results}


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def test_flow_carries_masks_along() -> None:
    pictures, masks = moving()
    found = decoded(build(PROPAGATORS, "flow", "model", {}).run(pictures, masks[0]))
    for t, own in enumerate(masks):
        for number, mask in own.items():
            assert overlap(found[t, number], mask) > 0.75
    # Left where they were, they would be far off by the end.
    assert max(overlap(masks[0][n], masks[-1][n]) for n in (3, 8)) < 0.5


def test_labels_come_from_where_the_flow_points() -> None:
    labels = np.zeros((20, 30), np.uint8)
    labels[5:10, 5:10] = 1
    flow = np.zeros((20, 30, 2), np.float32)
    flow[..., 0] = -3  # what is seen at x was at x - 3 before
    expected = np.zeros_like(labels)
    expected[5:10, 8:13] = 1
    assert np.array_equal(carried(labels, flow, 1), expected)


def test_flow_on_a_rendered_scene_is_better_than_standing_still() -> None:
    spec = SceneSpec("street_crossing", 208, 120, tuple(0.06 * k for k in range(8)), "left")
    frames = render_scene(spec, np.random.default_rng(4))
    first = {thing.object_id: thing.mask for thing in frames[0].objects}
    results = build(PROPAGATORS, "flow", "model", {}).run([f.picture for f in frames], first)
    found = decoded(results)
    carried_on, still = [], []
    for index, frame in enumerate(frames[1:], start=1):
        for thing in frame.objects:
            if thing.object_id in first:
                nothing = np.zeros_like(thing.mask)
                carried_on.append(overlap(found.get((index, thing.object_id), nothing), thing.mask))
                still.append(overlap(first[thing.object_id], thing.mask))
    assert np.mean(carried_on) > np.mean(still) + 0.05
    assert np.mean(carried_on) > 0.6


def xmem(folder: Path, more: str = "") -> dict[str, Any]:
    (folder / "eval.py").write_text(PROGRAM.replace("{more}", more))
    (folder / "XMem.pth").write_bytes(b"x")
    offered = {"weights": folder / "XMem.pth"}
    options = {"checkout": str(folder), "python": sys.executable}
    return {"options": options, "offered": offered}


def test_another_program_gets_frames_and_masks_and_gives_masks_back(tmp_path: Path) -> None:
    pictures, masks = moving(3)
    model = build(PROPAGATORS, "xmem", "model", **xmem(tmp_path))
    found = decoded(model.run(pictures, masks[0]))
    assert set(found) == {(t, number) for t in range(3) for number in (3, 8)}
    for (_, number), mask in found.items():
        assert np.array_equal(mask, masks[0][number])
    assert model.run(pictures, {}) == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("raise SystemExit('out of memory')", "eval.py: failed with status 1: out of memory"),
        ("import shutil; shutil.rmtree(args.output)", r"00000\.png"),
        ("Image.new('L', (4, 4)).save(out / '00001.png')", "has another size"),
    ],
)
def test_what_the_program_does_wrong_is_one_clear_line(
    more: str, message: str, tmp_path: Path
) -> None:
    pictures, masks = moving(3)
    model = build(PROPAGATORS, "xmem", "model", **xmem(tmp_path, more))
    with pytest.raises(VcmflowError, match=message) as caught:
        model.run(pictures, masks[0])
    assert "\n" not in str(caught.value)


def test_a_missing_program_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(VcmflowError, match="the option checkout has to name a folder"):
        build(PROPAGATORS, "xmem", "model", {}, offered={"weights": None})
    words = xmem(tmp_path)
    (tmp_path / "XMem.pth").unlink()
    with pytest.raises(VcmflowError, match=r"XMem\.pth are not there"):
        build(PROPAGATORS, "xmem", "model", **words)
    words = xmem(tmp_path)
    words["options"]["python"] = "/no/python"
    with pytest.raises(VcmflowError, match="/no/python: cannot be started"):
        build(PROPAGATORS, "xmem", "model", **words).run(moving(2)[0], moving(2)[1][0])
    with pytest.raises(VcmflowError, match="the first frame's masks are 5x4, the frames 96x72"):
        build(PROPAGATORS, "flow", "model", {}).run(moving(2)[0], {1: np.ones((4, 5), bool)})


def test_the_command_hands_the_first_masks_of_each_video_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures, masks = moving(4)
    write_video(tmp_path / "v.mkv", pictures, 10)
    entries = [
        {
            "image_id": t,
            "category_id": 1,
            "bbox": [0, 0, 1, 1],
            "object_id": number,
            "segmentation": encode_mask(mask),
            "iscrowd": 0,
            "ignore": int(number == 8),
        }
        for t, own in enumerate(masks)
        for number, mask in own.items()
    ]
    truth = {"images": [{"id": t} for t in range(4)], "categories": [{"id": 1, "name": "object"}]}
    (tmp_path / "t.json").write_text(json.dumps(truth | {"annotations": entries}))
    words = ["task", "--kind", "vos", "--model", "flow", "--videos", str(tmp_path / "v.mkv")]
    words += ["--runs-out", str(tmp_path / "r.json"), "--sequence-ids", "v"]
    assert stage([*words, "--truths", str(tmp_path / "t.json")]) == 0
    results = read_run(tmp_path / "r.json", Run("v"))
    assert {entry["object_id"] for entry in results} == {3}
    assert [entry["image_id"] for entry in results] == [0, 1, 2, 3]
    assert stage(words) == 2
    assert "--truths has 0 entries for 1 videos" in capsys.readouterr().err
    for entry in entries:
        del entry["segmentation"]
    (tmp_path / "t.json").write_text(json.dumps(truth | {"annotations": entries}))
    assert stage([*words, "--truths", str(tmp_path / "t.json")]) == 2
    assert "has no number or no mask, which the model goes on from" in capsys.readouterr().err
