"""The OSDaR23 loader, on the official label file and on small ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from data_makers import HEIGHT, WIDTH, Import, box, picture, rail_labels, save, write_rail

from vcmflow.core.errors import VcmflowError
from vcmflow.data.labels import LabelRules
from vcmflow.data.osdar23 import camera_frames, read_labels

NAME = "1_calibration_1.1"


def railway(root: Path, **more: Any) -> dict[str, Any]:
    return {
        "loader": "osdar23",
        "path": str(root),
        "tasks": ["detector"],
        "sequences": {NAME: ["rgb_center"]},
        **more,
    }


def test_the_official_labels_have_the_published_counts(real: Path) -> None:
    path = real / "osdar23" / f"{NAME}_labels.json"
    if not path.is_file():
        pytest.skip("the official label file is not in the shared material")
    scene = read_labels(path)
    everything = LabelRules(classes={"road_vehicle": "car", "person": "person"})
    frames = camera_frames(path, scene, "rgb_center", everything)
    names = [truth.category for frame in frames for truth in frame.objects]
    assert len(frames) == 10
    assert names.count("car") == 50
    assert names.count("person") == 30
    # One table for all: cars count, vans and construction vehicles are ignored.
    rules = LabelRules(
        classes={"road_vehicle:car": "car", "person": "person", "bicycle": "bicycle"},
        crowd={"group_of_bicycles": "bicycle"},
        ignore={"road_vehicle": "car"},
    )
    frames = camera_frames(path, scene, "rgb_highres_center", rules)
    truths = [truth for frame in frames for truth in frame.objects]
    cars = [truth for truth in truths if truth.category == "car"]
    assert [sum(t.ignore for t in cars), sum(not t.ignore for t in cars)] == [20, 40]
    assert sum(truth.crowd for truth in truths) == 10
    assert sum(truth.category == "bicycle" and not truth.crowd for truth in truths) == 10
    crowd = next(truth for truth in truths if truth.crowd)
    assert crowd.box == pytest.approx((3360.447, 667.741, 259.747, 98.975), abs=1e-2)


def test_the_official_labels_import_with_pictures_of_their_size(
    real: Path, tmp_path: Path, bring: Import
) -> None:
    path = real / "osdar23" / f"{NAME}_labels.json"
    if not path.is_file():
        pytest.skip("the official label file is not in the shared material")
    (tmp_path / NAME).mkdir()
    shutil.copy(path, tmp_path / NAME)
    content = json.loads(path.read_text("utf-8"))["openlabel"]
    small = picture(0, 1600, 2464)
    for frame in list(content["frames"].values())[:2]:
        uri = frame["frame_properties"]["streams"]["rgb_center"]["uri"]
        save(tmp_path / NAME / uri.lstrip("/"), small, compress_level=1)
    result = bring(railway(tmp_path, frames=2, height=160))
    assert [frame.shape for frame in result.frames] == [(160, 246, 3)] * 2
    assert result.info == {
        "id": f"{NAME}-rgb_center",
        "dataset": "test",
        "scene": "1_calibration",
        "camera": "rgb_center",
        "fps": 10.0,
        "frames": 2,
        "width": 246,
        "height": 160,
        "annotations": "boxes",
    }
    counts = result.truth["info"]["counts"]
    assert (counts["objects"], counts["ignored"]) == (12, 4)


def test_boxes_go_from_centre_to_corner_and_keep_their_identity(
    tmp_path: Path, bring: Import
) -> None:
    labels = rail_labels(
        [
            [box("person", 10, 10, 4, 8, object="p"), box("bicycle", 30, 12, 6, 4, object="b")],
            [box("bicycle", 31, 12, 6, 4, object="b"), box("person", 12, 10, 4, 8, object="p")],
        ]
    )
    write_rail(tmp_path, NAME, labels)
    result = bring(railway(tmp_path))
    assert result.boxes(0) == [[8, 6, 4, 8], [27, 10, 6, 4]]
    identities = {(a["object_id"], a["category_id"]) for a in result.truth["annotations"]}
    assert len(identities) == 2
    assert [frame.tolist() for frame in result.frames] == [picture(i).tolist() for i in range(2)]
    # A working height of 12 makes 24 x 40 to 12 x 20; of 18, 18 x 30.
    assert bring(railway(tmp_path, height=12)).boxes(0) == [[4, 3, 2, 4], [13.5, 5, 3, 2]]
    assert bring(railway(tmp_path, height=18)).boxes(0) == [[6, 4.5, 3, 6], [20.25, 7.5, 4.5, 3]]


def test_each_side_of_a_box_is_scaled_as_its_side_of_the_picture(
    tmp_path: Path, bring: Import
) -> None:
    """Of a working height of 5, 24 x 40 would be 5 x 8.33: it is 5 x 8."""
    write_rail(tmp_path, NAME, rail_labels([[box("person", 20, 12, 10, 12)]]))
    (found,) = bring(railway(tmp_path, height=5)).boxes(0)
    assert found == pytest.approx([15 * 8 / 40, 6 * 5 / 24, 10 * 8 / 40, 12 * 5 / 24])


def test_labels_count_are_crowds_or_are_ignored_by_the_table(tmp_path: Path, bring: Import) -> None:
    boxes = [
        box("road_vehicle", 8, 8, 8, 8, type="car"),
        box("road_vehicle", 20, 8, 8, 8, type="van"),
        box("crowd", 30, 8, 8, 8),
        box("person", 8, 18, 8, 8, occlusion="50-75 %"),
        box("person", 20, 18, 8, 8, occlusion="75-99 %"),
        box("person", 30, 18, 2, 2),
        box("signal", 35, 18, 2, 2),
        box("person", 10, 10, 5, 5, camera="rgb_left"),
        box("group_of_bicycles", 0, 0, 0, 0, poly=[1, 2, 9, 2, 9, 7, 1, 7]),
    ]
    write_rail(tmp_path, NAME, rail_labels([boxes]))
    result = bring(railway(tmp_path, occlusion_max=75, min_size=3))
    rows = [(a["category_id"], a["iscrowd"], a["ignore"]) for a in result.truth["annotations"]]
    assert rows == [
        (3, 0, 0),
        (3, 0, 1),
        (1, 1, 0),
        (1, 0, 0),
        (1, 0, 1),
        (1, 0, 1),
        (2, 1, 0),
    ]
    assert result.boxes(0)[-1] == [1, 2, 8, 5]
    assert result.truth["info"]["counts"] == {
        "objects": 2,
        "crowd": 2,
        "ignored": 3,
        "clipped": 0,
        "dropped": 0,
        "unmapped": 1,
    }


def test_boxes_outside_the_picture_are_clipped_and_empty_ones_dropped(
    tmp_path: Path, bring: Import
) -> None:
    boxes = [
        box("person", 0, 10, 8, 8),
        box("person", WIDTH, HEIGHT, 10, 10),
        box("person", -20, 10, 8, 8),
        box("person", 10, 10, 0, 5),
        box("person", 10, 10, -4, 5),
    ]
    write_rail(tmp_path, NAME, rail_labels([boxes]))
    result = bring(railway(tmp_path))
    assert result.boxes(0) == [[0, 6, 4, 8], [WIDTH - 5, HEIGHT - 5, 5, 5]]
    assert (result.report.clipped, result.report.dropped) == (2, 3)


def test_boxes_without_uid_are_all_kept(tmp_path: Path, bring: Import) -> None:
    # rail_labels writes no uid; the package's Scene would keep the last box only.
    labels = rail_labels([[box("person", 5 * k, 10, 4, 4) for k in range(1, 6)]])
    write_rail(tmp_path, NAME, labels)
    assert len(bring(railway(tmp_path)).boxes(0)) == 5


def test_windows_take_their_own_frames(tmp_path: Path, bring: Import) -> None:
    labels = rail_labels(
        [[box("person", 5 + k, 10, 4, 4), box("signal", 20, 9, 2, 2)] for k in range(5)]
    )
    write_rail(tmp_path, NAME, labels)
    dataset = railway(tmp_path, window=2, lengths={NAME: 5})
    result = bring(dataset, f"{NAME}-rgb_center-w01")
    assert [b[0] for f in range(2) for b in result.boxes(f)] == [5, 6]
    assert (result.frames[0] == picture(2)).all()
    assert result.report.unmapped == 2
    with pytest.raises(VcmflowError, match=r"has 5 frames, more than one window of 2.*lengths"):
        bring(railway(tmp_path, window=2))
    with pytest.raises(VcmflowError, match="has 5 frames; asked for 2 frames from 4"):
        bring(railway(tmp_path, window=2, lengths={NAME: 6}), f"{NAME}-rgb_center-w02")


def test_auto_finds_what_is_on_disk_in_the_order_of_its_numbers(
    tmp_path: Path, bring: Import
) -> None:
    for name in ("10_b_10.1", "9_a_9.2"):
        write_rail(tmp_path, name, rail_labels([[]]))
    (tmp_path / "notes").mkdir()
    result = bring(railway(tmp_path, sequences="auto"))
    assert result.info["id"] == "9_a_9.2-rgb_center"


def break_schema(labels: dict[str, Any]) -> None:
    labels["openlabel"]["metadata"]["schema_version"] = "0.3.3"


def drop_version(labels: dict[str, Any]) -> None:
    del labels["openlabel"]["metadata"]


def break_structure(labels: dict[str, Any]) -> None:
    labels["openlabel"]["frames"]["13"]["objekte"] = {}


def drop_frame(labels: dict[str, Any]) -> None:
    del labels["openlabel"]["frames"]["13"]


def drop_stream(labels: dict[str, Any]) -> None:
    labels["openlabel"]["frames"]["13"]["frame_properties"]["streams"] = {}


def leave(labels: dict[str, Any]) -> None:
    streams = labels["openlabel"]["frames"]["13"]["frame_properties"]["streams"]
    streams["rgb_center"]["uri"] = "/../../secret.png"


def other_camera(labels: dict[str, Any]) -> None:
    content = labels["openlabel"]
    content["streams"]["rgb_left"] = content["streams"].pop("rgb_center")


def other_size(labels: dict[str, Any]) -> None:
    stream = labels["openlabel"]["streams"]["rgb_center"]["stream_properties"]
    stream["intrinsics_pinhole"]["width_px"] = 2464


def forget_objects(labels: dict[str, Any]) -> None:
    labels["openlabel"]["objects"] = {}


def slow_down(labels: dict[str, Any]) -> None:
    for index, frame in enumerate(labels["openlabel"]["frames"].values()):
        sync = frame["frame_properties"]["streams"]["rgb_center"]["stream_properties"]["sync"]
        sync["timestamp"] = str(index)


def garble_time(labels: dict[str, Any]) -> None:
    streams = labels["openlabel"]["frames"]["13"]["frame_properties"]["streams"]
    streams["rgb_center"]["stream_properties"]["sync"]["timestamp"] = "1&31441453.2"


def infinite(labels: dict[str, Any]) -> None:
    objects = labels["openlabel"]["frames"]["13"]["objects"]
    next(iter(objects.values()))["object_data"]["bbox"][0]["val"][0] = float("inf")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (break_schema, ["schema version '0.3.3'", "'1.0.0'"]),
        (drop_version, ["schema version None"]),
        (break_structure, ["objekte", "2.1.0"]),
        (drop_frame, ["1 frame(s) missing", "between 12 and 14", "gaps: keep"]),
        (drop_stream, ["frame 13 has no picture of camera 'rgb_center'"]),
        (leave, ["frame 13", "outside its sequence"]),
        (other_camera, ["no camera 'rgb_center'", "rgb_left"]),
        (other_size, ["is 40x24", "2464x24"]),
        (forget_objects, ["not in 'objects'"]),
        (slow_down, ["1.000 s apart", "fps"]),
        (garble_time, ["frame 13", "time stamp is '1&31441453.2'", "a number of seconds"]),
        (infinite, ["Infinity is no number"]),
    ],
)
def test_labels_that_cannot_be_used_are_one_line(
    harm: Any, words: list[str], tmp_path: Path, bring: Import
) -> None:
    labels = rail_labels([[box("person", 10, 10, 4, 4)] for _ in range(4)])
    path = write_rail(tmp_path, NAME, labels)
    harm(labels)
    path.write_text(json.dumps(labels), "utf-8")
    with pytest.raises(VcmflowError) as caught:
        bring(railway(tmp_path))
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_missing_pictures_and_label_files_are_one_line(tmp_path: Path, bring: Import) -> None:
    path = write_rail(tmp_path, NAME, rail_labels([[], [], []]))
    next(path.parent.glob("rgb_center/013_*")).unlink()
    with pytest.raises(VcmflowError, match=r"1 of 3 frames missing.*013_"):
        bring(railway(tmp_path))
    path.write_text("{}", "utf-8")
    with pytest.raises(VcmflowError, match="'openlabel' is missing"):
        bring(railway(tmp_path))
    path.unlink()
    with pytest.raises(VcmflowError, match="no such file"):
        bring(railway(tmp_path))


def test_a_jump_in_the_frame_numbers_can_be_accepted(tmp_path: Path, bring: Import) -> None:
    labels = rail_labels([[] for _ in range(4)])
    path = write_rail(tmp_path, NAME, labels)
    drop_frame(labels)
    path.write_text(json.dumps(labels), "utf-8")
    assert len(bring(railway(tmp_path, gaps="keep")).frames) == 3
