"""``python -m vcmrender``: files in the layouts of OSDaR23, DAVIS 2017 and Kinetics."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import av
import numpy as np
import pytest
import raillabel
from PIL import Image

from vcmflow.__main__ import stage as vcmflow
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import record
from vcmrender import __main__ as command
from vcmrender import osdar, warp
from vcmrender.__main__ import main
from vcmrender.catalogue import (
    DETECTION_TEST,
    FLICKERING,
    SEGMENTATION_TEST,
    TEST_SETS,
)
from vcmrender.characters import CHARACTERS, build
from vcmrender.davis import palette
from vcmrender.draw import render_scene
from vcmrender.scene import RenderedFrame, SceneSpec
from vcmrender.seeds import stream
from vcmrender.speed import read_speed

SIZE = ["--width", "208", "--height", "120"]
ONE = "10_station_suelldorf_10.1"
TWO = "1_calibration_1.1"


def files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("[!.]*"))
        if path.is_file()
    }


def render(*arguments: str | Path) -> int:
    return main([*SIZE, *(str(argument) for argument in arguments)])


def expected(kind: str, name: str, frames: int, step: float, seed: int) -> list[RenderedFrame]:
    """The sequence as the in-memory interface draws it."""
    item = next(item for item in TEST_SETS[kind] if item.name == name)
    rng = stream(seed, kind, "test", name)
    times = warp.rests_and_bursts(rng, frames, step)
    return render_scene(SceneSpec(item.scene, 208, 120, times, "left"), rng)


@pytest.mark.parametrize(
    ("kind", "split", "what"),
    [
        ("detection", "test", [ONE]),
        ("segmentation", "test", ["yard-crew"]),
        ("detection", "train", ["1"]),
        ("videos", "train", ["1"]),
    ],
)
def test_same_seed_same_bytes_another_seed_other_pictures(
    kind: str, split: str, what: list[str], tmp_path: Path
) -> None:
    flags = ["--kind", kind, "--split", split, "--sequences", *what, "--frames", "2"]
    for out, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert render(*flags, "--seed", str(seed), "--out", tmp_path / out) == 0
    first, again, other = (files(tmp_path / name) for name in "abc")
    assert first == again
    assert first.keys() == other.keys()
    for name in first:
        if name.endswith((".png", ".jpg", ".mp4")):
            assert first[name] != other[name], name


def test_detection_sequence_is_read_by_raillabel(tmp_path: Path) -> None:
    out = tmp_path / "railway"
    assert render("--kind", "detection", "--sequences", ONE, "--frames", "3", "--out", out) == 0
    first = next(item.first_frame for item in DETECTION_TEST if item.name == ONE)
    scene = raillabel.load(out / ONE / f"{ONE}_labels.json")
    assert sorted(scene.frames) == [first, first + 1, first + 2]
    drawn = expected("detection", ONE, 3, 0.15, 1)
    raw = json.loads((out / ONE / f"{ONE}_labels.json").read_text("utf-8"))["openlabel"]
    types = {"person": "person", "bicycle": "bicycle", "car": "road_vehicle"}
    keys: dict[object, int] = {}
    for frame, picture in zip(sorted(scene.frames), drawn, strict=True):
        boxes = list(scene.frames[frame].annotations.values())
        assert len(boxes) == len(picture.objects) > 0
        for box, thing in zip(boxes, picture.objects, strict=True):
            x, y, w, h = thing.bbox
            assert (box.pos.x, box.pos.y) == (x + w / 2, y + h / 2)
            assert (box.size.x, box.size.y) == (w, h)
            assert scene.objects[box.object_id].type == types[thing.category]
            assert box.attributes["occlusion"] == osdar.occlusion_label(thing.occlusion)
            assert (box.attributes.get("type") == "car") == (thing.category == "car")
            assert keys.setdefault(box.object_id, thing.object_id) == thing.object_id
        uri = raw["frames"][str(frame)]["frame_properties"]["streams"]["rgb_center"]["uri"]
        image = np.asarray(Image.open(out / ONE / uri.lstrip("/")))
        assert np.array_equal(image, picture.picture)
    stamps = [float(frame["frame_properties"]["timestamp"]) for frame in raw["frames"].values()]
    assert np.allclose(np.diff(stamps), 0.1)


def test_labels_have_the_shape_of_a_real_file(tmp_path: Path, real: Path) -> None:
    assert (
        render("--kind", "detection", "--sequences", TWO, "--frames", "2", "--out", tmp_path) == 0
    )
    ours = json.loads((tmp_path / TWO / f"{TWO}_labels.json").read_text("utf-8"))["openlabel"]
    theirs = json.loads((real / "osdar23" / f"{TWO}_labels.json").read_text("utf-8"))["openlabel"]
    assert ours.keys() == theirs.keys()
    assert ours["coordinate_systems"].keys() <= theirs["coordinate_systems"].keys()
    for kind in ("person", "road_vehicle"):
        found = []
        for scene in (ours, theirs):
            frame = next(iter(scene["frames"].values()))
            key = next(k for k in frame["objects"] if scene["objects"][k]["type"] == kind)
            boxes = frame["objects"][key]["object_data"]["bbox"]
            found.append(next(box for box in boxes if box["coordinate_system"] == "rgb_center"))
            assert isinstance(scene["frame_intervals"][0]["frame_start"], int)
        mine, original = found
        assert mine.keys() == original.keys()
        assert mine["name"] == original["name"]
        assert mine["attributes"].keys() == original["attributes"].keys()
        for values in ("boolean", "text"):
            names = {attribute["name"] for attribute in original["attributes"][values]}
            assert {attribute["name"] for attribute in mine["attributes"][values]} <= names
    frame = next(iter(ours["frames"].values()))
    assert frame["frame_properties"].keys() == (
        next(iter(theirs["frames"].values()))["frame_properties"].keys()
    )


def test_segmentation_sequence_has_davis_layout(tmp_path: Path) -> None:
    name = "cars-crossing"
    assert (
        render("--kind", "segmentation", "--sequences", name, "--frames", "3", "--out", tmp_path)
        == 0
    )
    assert (tmp_path / "ImageSets/2017/val.txt").read_text("utf-8") == f"{name}\n"
    drawn = expected("segmentation", name, 3, 0.06, 1)
    ids = sorted({thing.object_id for frame in drawn for thing in frame.objects})
    for index, frame in enumerate(drawn):
        mask = Image.open(tmp_path / f"Annotations/480p/{name}/{index:05d}.png")
        assert mask.mode == "P"
        palette = mask.getpalette()
        assert palette is not None
        assert palette[:15] == [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0, 0, 0, 128]
        labels = np.zeros((120, 208), np.uint8)
        for thing in frame.objects:
            labels[thing.mask] = ids.index(thing.object_id) + 1
        assert np.array_equal(np.asarray(mask), labels)
        picture = np.asarray(Image.open(tmp_path / f"JPEGImages/480p/{name}/{index:05d}.jpg"))
        assert np.abs(picture.astype(int) - frame.picture).mean() < 4
    categories = json.loads((tmp_path / f"Categories/480p/{name}.json").read_text("utf-8"))
    of = {thing.object_id: thing.category for frame in drawn for thing in frame.objects}
    assert categories == {str(k): of[identity] for k, identity in enumerate(ids, start=1)}


@pytest.mark.parametrize(
    ("kind", "name", "file"),
    [
        ("detection", ONE, f"{ONE}/content_speed.json"),
        ("segmentation", "yard-crew", "ContentSpeed/480p/yard-crew.json"),
    ],
)
def test_the_true_content_speed_stands_beside_the_annotations(
    kind: str, name: str, file: str, tmp_path: Path
) -> None:
    flags = ["--kind", kind, "--sequences", name, "--frames", "5", "--step", "0.04"]
    assert render(*flags, "--seed", "3", "--out", tmp_path) == 0
    speed = read_speed(tmp_path / file)
    times = warp.rests_and_bursts(stream(3, kind, "test", name), 5, 0.04)
    assert speed.seconds == pytest.approx(np.diff(times))
    assert sum(speed.seconds) == pytest.approx(0.04 * 4)
    assert speed.sequence == name and not speed.flicker
    (tmp_path / file).write_text('{"sequence": "x", "scene": "y", "flicker": false}')
    record(tmp_path / file).unlink()
    with pytest.raises(VcmflowError, match="not a content speed"):
        read_speed(tmp_path / file)


def test_the_catalogue_knows_which_scenes_flicker() -> None:
    pool = {name: SceneSpec(name, 64, 64, (0.0,)) for name in CHARACTERS}
    worlds = {name: build(spec, np.random.default_rng(0)) for name, spec in pool.items()}
    assert {name for name, world in worlds.items() if world.flicker} == FLICKERING


def test_palette_is_that_of_pascal_voc() -> None:
    """DAVIS uses PASCAL VOC's colour map, whose published values these are."""
    colours = np.array(palette()).reshape(256, 3).tolist()
    assert colours[15] == [192, 128, 128]
    assert colours[20] == [0, 64, 128]
    assert colours[255] == [224, 224, 192]
    assert len({tuple(colour) for colour in colours}) == 256


def test_rendered_sets_import_into_the_common_form(tmp_path: Path) -> None:
    for kind, name, loader in (
        ("detection", TWO, "osdar23"),
        ("segmentation", "forecourt", "davis"),
    ):
        root = tmp_path / kind
        assert render("--kind", kind, "--sequences", name, "--frames", "3", "--out", root) == 0
        outputs = [tmp_path / f"{kind}.{end}" for end in ("mkv", "truth.json", "info.json")]
        camera = ["--camera", "rgb_center"] if kind == "detection" else []
        flags = ["--frames-out", "--truth-out", "--info-out"]
        pairs = [str(part) for pair in zip(flags, outputs, strict=True) for part in pair]
        source = ["--loader", loader, "--path", str(root), "--sequence", name, *camera]
        assert vcmflow(["import", *source, *pairs]) == 0
        truth = json.loads(outputs[1].read_text("utf-8"))
        info = json.loads(outputs[2].read_text("utf-8"))
        assert (info["frames"], info["width"], info["height"]) == (3, 208, 120)
        drawn = expected(kind, name, 3, 0.15 if kind == "detection" else 0.06, 1)
        boxes = [
            (frame, [float(value) for value in thing.bbox])
            for frame, picture in enumerate(drawn)
            for thing in picture.objects
        ]
        found = [(entry["image_id"], entry["bbox"]) for entry in truth["annotations"]]
        assert sorted(found) == sorted(boxes)


def test_videos_are_short_h264_clips(tmp_path: Path) -> None:
    out = tmp_path / "videos"
    flags = ["--kind", "videos", "--split", "train", "--sequences", "2", "--frames", "5"]
    assert render(*flags, "--out", out) == 0
    found = sorted(path.relative_to(out).as_posix() for path in out.rglob("[!.]*.mp4"))
    assert found == ["motorway/clip-101.mp4", "park/clip-102.mp4"]
    with av.open(str(out / "park/clip-102.mp4")) as container:
        video = container.streams.video[0]
        assert video.codec_context.name == "h264"
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video)]
    assert len(pictures) == 5
    assert pictures[0].shape == (120, 208, 3)
    rng = stream(1, "videos", "train", "clip-102")
    times = warp.rests_and_bursts(rng, 5, 0.08)
    drawn = render_scene(SceneSpec("park", 208, 120, times, "right"), rng)
    assert np.abs(pictures[0].astype(int) - drawn[0].picture).mean() < 8


def test_training_scenes_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which scenes are drawn, from which textures; the drawing itself is left out."""
    asked: list[SceneSpec] = []

    def blank(spec: SceneSpec, _: np.random.Generator) -> list[RenderedFrame]:
        asked.append(spec)
        picture = np.zeros((spec.height, spec.width, 3), np.uint8)
        return [RenderedFrame(picture, ())] * len(spec.times)

    monkeypatch.setattr(command, "render_scene", blank)
    flags = ["--kind", "detection", "--split", "train", "--sequences", "11"]
    assert render(*flags, "--out", tmp_path / "train") == 0
    names = {path.name for path in (tmp_path / "train").iterdir()}
    assert len(names) == 11
    assert not names & {item.name for item in DETECTION_TEST}
    scenes = [spec.character for spec in asked]
    assert scenes == [*dict.fromkeys(item.scene for item in DETECTION_TEST), *scenes[:2]]
    assert {spec.half for spec in asked} == {"right"}
    assert {len(spec.times) for spec in asked} == {4}
    asked.clear()
    assert render("--kind", "detection", "--out", tmp_path / "test") == 0
    assert [spec.character for spec in asked] == [item.scene for item in DETECTION_TEST]
    assert {spec.half for spec in asked} == {"left"}
    assert {len(spec.times) for spec in asked} == {10}


@pytest.mark.parametrize(
    ("split", "whole", "name"), [("test", [TWO, ONE], ONE), ("train", ["2"], "3_fire_site_3.102")]
)
def test_one_sequence_alone_is_the_same_as_within_the_set(
    split: str, whole: list[str], name: str, tmp_path: Path
) -> None:
    flags = ["--kind", "detection", "--split", split, "--frames", "2"]
    assert render(*flags, "--sequences", *whole, "--out", tmp_path / "all") == 0
    alone = tmp_path / "alone"
    (alone / "other").mkdir(parents=True)
    (alone / "other" / "kept.txt").write_text("kept", "utf-8")
    assert render(*flags, "--sequence", name, "--out", alone) == 0
    assert files(alone / name) == files(tmp_path / "all" / name)
    assert sorted(path.name for path in alone.iterdir()) == sorted([name, "other"])


def test_an_older_render_makes_room(tmp_path: Path) -> None:
    flags = ["--kind", "detection", "--sequences", ONE, "--out", tmp_path / "out"]
    assert render(*flags, "--frames", "2") == 0
    assert render(*flags, "--frames", "1") == 0
    assert len(list((tmp_path / "out" / ONE / "rgb_center").glob("[!.]*"))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_checksums_name_every_file(tmp_path: Path) -> None:
    out, sums = tmp_path / "out", tmp_path / "sums.sha256"
    flags = ["--kind", "segmentation", "--sequences", "yard-crew", "--frames", "1"]
    assert render(*flags, "--out", out, "--sums-out", sums) == 0
    listed = dict(reversed(line.split("  ")) for line in sums.read_text("utf-8").splitlines())
    assert listed == {name: hashlib.sha256(data).hexdigest() for name, data in files(out).items()}


def test_a_failed_render_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write = osdar.write_sequence

    def fail(folder: Path, name: str, *rest: object) -> None:
        if name == ONE:
            raise OSError("disk full")
        write(folder, name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(osdar, "write_sequence", fail)
    assert render("--kind", "detection", "--frames", "1", "--sequences", TWO, ONE,
                  "--out", tmp_path / "out", "--sums-out", tmp_path / "sums") == 2  # fmt: skip
    assert "disk full" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--kind", "detection", "--sequences", "moon_1.1"],
            "unknown sequence 'moon_1.1'; allowed: 1_",
        ),
        (["--kind", "detection", "--sequences", ONE, ONE], "twice"),
        (["--kind", "detection", "--sequence", "moon"], "no sequence 'moon'"),
        (["--kind", "detection", "--sequence", ONE, "--sequences", ONE], "exclude each other"),
        (["--kind", "detection", "--split", "train", "--sequences", "0"], "1..99899"),
        (["--kind", "detection", "--split", "train", "--sequences", "9" * 5000], "1..99899"),
        (["--kind", "detection", "--split", "train", "--sequence", "x_1.7"], "no sequence 'x_1.7'"),
        (["--kind", "videos"], "training only"),
        (["--kind", "detection", "--seed", "-1"], "--seed is -1"),
        (["--kind", "detection", "--frames", "0"], "--frames is 0"),
        (["--kind", "detection", "--step", "0"], "--step is 0"),
        (["--kind", "detection", "--step", "nan"], "--step is nan"),
        (["--kind", "detection", "--width", "32"], "--width is 32"),
        (["--kind", "detection", "--height", "9999"], "--height is 9999"),
    ],
)
def test_bad_flags_are_told_in_one_line(
    flags: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render(*flags, "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert error.startswith("vcmrender: error: ")
    assert message in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_out_must_not_be_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").write_text("mine", "utf-8")
    assert render("--kind", "detection", "--sequences", ONE, "--out", tmp_path / "out") == 2
    assert "is a file" in capsys.readouterr().err
    assert (tmp_path / "out").read_text("utf-8") == "mine"


def test_names_of_the_test_sets_are_unique() -> None:
    names = [item.name for item in (*DETECTION_TEST, *SEGMENTATION_TEST)]
    assert len(set(names)) == len(names)
