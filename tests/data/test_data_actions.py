"""Clips with one label each: where they are found, what of them is coded, what may be wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from data_makers import Import

from vcmflow.core.clips import View
from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import read_video
from vcmflow.data.sequences import list_sequences
from vcmrender.__main__ import main as render

SEEN = {"frames": 4, "stride": 0, "short_side": 48, "crop": 32}


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of two rendered clips, in a folder each."""
    root = tmp_path_factory.mktemp("classes")
    words = ["--kind", "actions", "--height", "64", "--frames", "9", "--out", str(root)]
    names = ["left/1.mp4", "left/2.mp4", "zigzag/1.mp4", "zigzag/2.mp4"]
    assert render([*words, "--sequences", *names]) == 0
    return root


@pytest.fixture
def clips(rendered: Path, tmp_path: Path) -> Path:
    shutil.copytree(rendered, tmp_path / "data", ignore=shutil.ignore_patterns(".*"))
    return tmp_path / "data"


def classes(root: Path, **more: Any) -> dict[str, Any]:
    return {"loader": "classes", "path": str(root), **more}


def put(video: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(video, target)


def test_a_folder_of_class_folders_is_found_and_labelled(clips: Path, bring: Import) -> None:
    put(clips / "left" / "1.mp4", clips / "stray.mp4")
    put(clips / "left" / "1.mp4", clips / "left" / "deep" / "3.mp4")
    specs = list_sequences("test", classes(clips))
    assert list(specs) == ["left-1", "left-2", "zigzag-1", "zigzag-2"]
    assert {spec.annotations for spec in specs.values()} == {"label"}
    assert len({spec.scene for spec in specs.values()}) == 1
    found = bring(classes(clips), "zigzag-1")
    assert found.truth["label"] == "zigzag"
    assert found.info["annotations"] == "label"
    assert len(found.frames) == 9 and found.frames[0].shape == (64, 64, 3)


def test_sequences_may_be_named_by_class_or_in_a_list(clips: Path, bring: Import) -> None:
    by_class = {"zigzag": ["2.mp4"], "left": ["1.mp4"]}
    for chosen in (by_class, ["zigzag/2.mp4", "left/1.mp4"]):
        assert list(list_sequences("test", classes(clips, sequences=chosen))) == [
            "zigzag-2",
            "left-1",
        ]
    assert bring(classes(clips, sequences=by_class), "left-1").truth["label"] == "left"


def test_the_input_of_a_network_is_sampled_and_cut_before_coding(
    clips: Path, bring: Import
) -> None:
    whole = bring(classes(clips), "left-1")
    seen = bring(classes(clips, network_input=SEEN), "left-1")
    view = View(**SEEN)
    expected = [view.square(whole.frames[index]) for index in (1, 3, 5, 7)]
    np.testing.assert_array_equal(np.stack(seen.frames), np.stack(expected))
    assert seen.frames[0].shape == (32, 32, 3)
    assert seen.info["fps"] == pytest.approx(24 / 2)
    assert seen.truth["label"] == "left"
    apart = bring(classes(clips, network_input=SEEN | {"stride": 2}), "left-1")
    np.testing.assert_array_equal(apart.frames[1], view.square(whole.frames[3]))


def ucf(root: Path, video: Path) -> dict[str, Any]:
    put(video, root / "UCF-101" / "Archery" / "v_Archery_g01_c01.avi")
    lists = root / "ucfTrainTestlist"
    lists.mkdir()
    (lists / "testlist02.txt").write_text("Archery/v_Archery_g01_c01.avi\n\n")
    (lists / "trainlist02.txt").write_text("Archery/v_Archery_g08_c01.avi 3\n")
    return {"loader": "ucf101", "path": str(root), "split": 2}


def hmdb(root: Path, video: Path) -> dict[str, Any]:
    put(video, root / "shoot_ball" / "x_u_nm_np1_fr_med_0.avi")
    lists = root / "testTrainMulti_7030_splits"
    lists.mkdir()
    lines = "gone.avi 1\nx_u_nm_np1_fr_med_0.avi 2 \nunused.avi 0\n"
    (lists / "shoot_ball_test_split1.txt").write_text(lines)
    (lists / "shoot_ball_test_split2.txt").write_text("x_u_nm_np1_fr_med_0.avi 1\n")
    return {"loader": "hmdb51", "path": str(root)}


def kinetics(root: Path, video: Path) -> dict[str, Any]:
    put(video, root / "val" / "_aB-9_000007_000017.mp4")
    head = "label,youtube_id,time_start,time_end,split,is_cc\n"
    (root / "val.csv").write_text(f"{head}shooting basketball,_aB-9,7,17,val,0\n")
    return {"loader": "kinetics", "path": str(root)}


MAKERS: dict[str, tuple[Callable[[Path, Path], dict[str, Any]], str]] = {
    "ucf101": (ucf, "Archery"),
    "hmdb51": (hmdb, "shoot_ball"),
    "kinetics": (kinetics, "shooting basketball"),
}


@pytest.mark.parametrize("name", MAKERS)
def test_published_layouts_are_read_with_their_lists(
    name: str, rendered: Path, tmp_path: Path, bring: Import
) -> None:
    make, label = MAKERS[name]
    dataset = make(tmp_path / name, rendered / "left" / "1.mp4")
    assert len(list_sequences("test", dataset)) == 1
    found = bring(dataset)
    assert found.truth["label"] == label
    expected = list(read_video(rendered / "left" / "1.mp4"))
    np.testing.assert_array_equal(found.frames[4], expected[4])
    assert len(bring(dataset | {"network_input": SEEN}).frames) == 4


def test_listed_videos_that_are_missing_stop_the_plan_or_are_left_out(
    rendered: Path, tmp_path: Path
) -> None:
    dataset = ucf(tmp_path, rendered / "left" / "1.mp4")
    with pytest.raises(VcmflowError, match=r"1 of 1 listed .* missing.*g08_c01.*gaps: keep"):
        list_sequences("test", dataset | {"subset": "train"})
    listed = tmp_path / "ucfTrainTestlist" / "testlist02.txt"
    more = ["v_Archery_g02_c01.avi", "x" * 400]
    listed.write_text(listed.read_text() + "".join(f"Archery/{name}\n" for name in more))
    assert len(list_sequences("test", dataset | {"gaps": "keep"})) == 1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"sequences": "val"}, "allowed: auto, a list of videos"),
        ({"sequences": ["../x.mp4"]}, "leads out of the dataset's folder"),
        ({"sequences": {"..": ["x.mp4"]}}, "leads out of the dataset's folder"),
        ({"require_objects": True}, "require_objects: means nothing"),
        ({"network_input": SEEN | {"crop": 64}}, "crop is 64; allowed: at most short_side"),
        ({"network_input": {"frames": 0}}, "option network_input"),
        ({"path": "/nowhere"}, "no such folder /nowhere"),
    ],
)
def test_what_cannot_be_planned_is_one_clear_line(
    clips: Path, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(VcmflowError, match=message) as caught:
        list_sequences("test", classes(clips) | more)
    assert "\n" not in str(caught.value)


def audio_only(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        sound.sample_rate = 16000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))


@pytest.mark.parametrize("seen", [None, SEEN])
def test_a_file_with_sound_alone_is_one_clear_line(
    clips: Path, bring: Import, seen: dict[str, int] | None
) -> None:
    audio_only(clips / "left" / "1.mp4")
    with pytest.raises(VcmflowError, match=r"left/1\.mp4: no video stream in this file"):
        bring(classes(clips, network_input=seen), "left-1")


def test_a_clip_shorter_than_the_window_is_one_clear_line(clips: Path, bring: Import) -> None:
    for window, needed in (({"frames": 10}, "10 needs 10"), ({"stride": 3}, "a stride of 3 needs")):
        with pytest.raises(VcmflowError, match=rf"left/1\.mp4: the video has 9 frames.*{needed}"):
            bring(classes(clips, network_input=SEEN | window), "left-1")


@pytest.mark.parametrize(
    ("name", "file", "text", "message"),
    [
        ("ucf101", "ucfTrainTestlist/testlist02.txt", None, "no such list"),
        ("hmdb51", "testTrainMulti_7030_splits/shoot_ball_test_split1.txt", "x.avi\n", "a line is"),
        ("hmdb51", "testTrainMulti_7030_splits/shoot_ball_test_split1.txt", None, "get HMDB51's"),
        ("kinetics", "val.csv", "label,youtube_id\n", "val.csv"),
        (
            "kinetics",
            "val.csv",
            "label,youtube_id,time_start,time_end\nx,y,-1,9\n",
            "line 2: no label, or no seconds",
        ),
    ],
)
def test_broken_lists_are_one_clear_line(
    name: str, file: str, text: str | None, message: str, rendered: Path, tmp_path: Path
) -> None:
    dataset = MAKERS[name][0](tmp_path, rendered / "left" / "1.mp4")
    if text is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_text(text)
    with pytest.raises(VcmflowError, match=message):
        list_sequences("test", dataset)
