"""MOTChallenge's layout: what counts, what is neither right nor wrong, what may be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from data_makers import Import, picture, save

from vcmflow.core.errors import VcmflowError
from vcmflow.data.sequences import list_sequences

LINES = """1,2,5,7,10,12,1,1,1.0
1,3,1,1,8,8,0,1,0.1
2,2,6.5,7,10,12,1,1,0.5
2,9,20,4,6,6,0,8,1
3,4,20,4,6,6,0,3,1

5,2,8,7,10,12,1,1,1
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("MOT17-02-FRCNN", "MOT17-02-DPM", "MOT17-02-SDP"):
        folder = tmp_path / "train" / name
        for number in range(5):
            save(folder / "img1" / f"{number + 1:06d}.png", picture(number))
        (folder / "seqinfo.ini").write_text("[Sequence]\nname=x\nframeRate=14\nseqLength=5\n")
        (folder / "gt").mkdir()
        (folder / "gt" / "gt.txt").write_text(LINES)
        (folder / "det").mkdir()
        (folder / "det" / "det.txt").write_text("broken")
    return tmp_path / "train"


def mot(root: Path, **more: Any) -> dict[str, Any]:
    return {"loader": "mot17", "path": str(root), **more}


def test_boxes_of_pedestrians_count_and_distractors_are_ignored(root: Path, bring: Import) -> None:
    assert list(list_sequences("test", mot(root))) == ["MOT17-02-FRCNN"]
    found = bring(mot(root))
    assert len(found.frames) == 5 and found.info["fps"] == 14
    assert found.boxes(0) == [[4, 6, 10, 12], [0, 0, 8, 8]]
    assert found.boxes(1)[0] == [5.5, 6, 10, 12]
    ids = [a["object_id"] for a in found.truth["annotations"]]
    assert ids == [2, 3, 2, 9, 2]
    assert [a["ignore"] for a in found.truth["annotations"]] == [0, 1, 0, 1, 0]
    assert found.report.unmapped == 1


def test_half_of_the_frames_may_be_taken(root: Path, bring: Import) -> None:
    first, second = bring(mot(root, half="first")), bring(mot(root, half="second"))
    assert (len(first.frames), len(second.frames)) == (3, 2)
    assert second.boxes(0) == [] and second.boxes(1) == [[7, 6, 10, 12]]
    assert (second.frames[1] == picture(4)).all()


def test_sequences_without_ground_truth(root: Path, bring: Import) -> None:
    (root / "MOT17-02-FRCNN" / "gt" / "gt.txt").unlink()
    assert bring(mot(root, annotation_type="none")).info["annotations"] == "none"
    with pytest.raises(VcmflowError, match=r"gt\.txt: no such file.*annotation_type: none"):
        bring(mot(root))


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("gt/gt.txt", "1,2,3\n", "line 1: not frame, identity"),
        ("gt/gt.txt", "1,2,5,7,10,x,1,1,1\n", "line 1: not frame, identity"),
        ("gt/gt.txt", "1,2,nan,7,10,12,1,1,1\n", "line 1: a box that is not finite"),
        ("gt/gt.txt", "1,2.5,5,7,10,12,1,1,1\n", "a number that is not whole"),
        ("gt/gt.txt", "9,2,5,7,10,12,1,1,1\n", r"frame 9; allowed: 1\.\.5"),
        ("seqinfo.ini", "[Sequence]\nname=x\n", "has no frameRate"),
        ("seqinfo.ini", "[Sequence]\nframeRate=0\n", "has to be above 0"),
        ("seqinfo.ini", "frameRate", "has no frameRate"),
    ],
)
def test_broken_files_are_one_clear_line(
    root: Path, bring: Import, file: str, text: str, message: str
) -> None:
    (root / "MOT17-02-FRCNN" / file).write_text(text)
    with pytest.raises(VcmflowError, match=message) as caught:
        bring(mot(root))
    assert "\n" not in str(caught.value)


def test_what_cannot_be_planned_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(VcmflowError, match="auto needs the data"):
        list_sequences("test", mot(tmp_path / "none"))
    with pytest.raises(VcmflowError, match="no folder with a seqinfo"):
        list_sequences("test", mot(tmp_path))
    with pytest.raises(VcmflowError, match="a list of names, or auto"):
        list_sequences("test", mot(tmp_path, sequences="val"))
