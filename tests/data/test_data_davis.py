"""The DAVIS loader: object ids of 2017, merged masks of 2016, and what can be wrong with either."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from data_makers import HEIGHT, WIDTH, Import, picture, save, write_davis
from pycocotools import mask as coco_mask

from vcmflow.core.errors import VcmflowError
from vcmflow.data.sequences import list_sequences


def davis(root: Path, **more: Any) -> dict[str, Any]:
    return {
        "loader": "davis",
        "path": str(root),
        "sequences": "auto",
        **more,
    }


def label_map(*rectangles: tuple[int, int, int, int, int]) -> np.ndarray:
    """A label map from (id, x, y, width, height)."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for number, x, y, w, h in rectangles:
        labels[y : y + h, x : x + w] = number
    return labels


def decoded(annotation: dict[str, Any]) -> np.ndarray:
    return coco_mask.decode(annotation["segmentation"])


def test_palette_masks_become_one_object_per_index(tmp_path: Path, bring: Import) -> None:
    first = label_map((1, 2, 3, 6, 5), (7, 20, 10, 4, 8))
    second = label_map((7, 22, 10, 4, 8))
    write_davis(tmp_path, "two-things", [first, second])
    result = bring(davis(tmp_path, year=2017))
    found = [(a["image_id"], a["object_id"], a["bbox"]) for a in result.truth["annotations"]]
    assert found == [(0, 1, [2, 3, 6, 5]), (0, 7, [20, 10, 4, 8]), (1, 7, [22, 10, 4, 8])]
    assert result.truth["categories"] == [{"id": 1, "name": "object"}]
    for annotation in result.truth["annotations"]:
        labels = (first, second)[annotation["image_id"]]
        assert (decoded(annotation) == (labels == annotation["object_id"])).all()
        assert annotation["area"] == (labels == annotation["object_id"]).sum()
    assert result.info["fps"] == 24.0
    assert result.info["scene"] == "two-things"


@pytest.mark.parametrize("year", [2016, None])
def test_merged_masks_become_one_object(year: int | None, tmp_path: Path, bring: Import) -> None:
    masks = [label_map((255, 5, 5, 9, 9)), label_map(), label_map((255, 8, 5, 9, 9))]
    write_davis(tmp_path, "merged", masks, indexed=False)
    result = bring(davis(tmp_path, year=year))
    found = [(a["image_id"], a["object_id"], a["bbox"]) for a in result.truth["annotations"]]
    assert found == [(0, 1, [5, 5, 9, 9]), (2, 1, [8, 5, 9, 9])]


def test_the_objects_of_2017_merge_for_2016(tmp_path: Path, bring: Import) -> None:
    write_davis(tmp_path, "s", [label_map((1, 2, 3, 6, 5), (2, 20, 10, 4, 8))])
    result = bring(davis(tmp_path, year=2016))
    assert result.boxes(0) == [[2, 3, 22, 15]]


def test_void_is_no_object(tmp_path: Path, bring: Import) -> None:
    write_davis(tmp_path, "s", [label_map((1, 2, 3, 6, 5), (255, 20, 10, 4, 8))])
    assert bring(davis(tmp_path, year=2017)).boxes(0) == [[2, 3, 6, 5]]


def test_masks_follow_the_working_height(tmp_path: Path, bring: Import) -> None:
    write_davis(tmp_path, "s", [label_map((1, 4, 4, 12, 8), (2, 30, 20, 1, 1))])
    result = bring(davis(tmp_path, height=HEIGHT * 2))
    assert (result.info["width"], result.info["height"]) == (WIDTH * 2, HEIGHT * 2)
    assert result.boxes(0) == [[8, 8, 24, 16], [60, 40, 2, 2]]
    smaller = bring(davis(tmp_path, height=16))
    mask = decoded(smaller.truth["annotations"][0])
    assert mask.shape == (16, smaller.info["width"]) == smaller.frames[0].shape[:2]
    assert mask.sum() == pytest.approx(12 * 8 * (16 / HEIGHT) ** 2, rel=0.3)


def test_frames_alone_need_no_masks(tmp_path: Path, bring: Import) -> None:
    for index in range(3):
        save(tmp_path / f"JPEGImages/480p/s/{index:05d}.jpg", picture(index))
    result = bring(davis(tmp_path, annotation_type="none", frames=2))
    assert len(result.frames) == 2
    assert result.truth["annotations"] == []
    assert result.info["annotations"] == "none"
    with pytest.raises(VcmflowError, match=r"no such folder of masks.*annotation_type: none"):
        bring(davis(tmp_path))


def test_sets_are_read_in_the_layout_of_either_year(tmp_path: Path) -> None:
    newer = tmp_path / "ImageSets/2017/train.txt"
    newer.parent.mkdir(parents=True)
    newer.write_text("bear\nboat\n\n", "utf-8")
    assert list(list_sequences("d", davis(tmp_path, sequences="train"))) == ["bear", "boat"]
    older = tmp_path / "ImageSets/480p/trainval.txt"
    older.parent.mkdir(parents=True)
    lines = [f"/JPEGImages/480p/{n}/{i:05d}.jpg /Annotations/480p/{n}/{i:05d}.png"
             for n in ("dog", "cow") for i in range(3)]  # fmt: skip
    older.write_text("\n".join(lines), "utf-8")
    assert list(list_sequences("d", davis(tmp_path, sequences="trainval"))) == ["dog", "cow"]


def test_what_is_wrong_with_masks_is_one_line(tmp_path: Path, bring: Import) -> None:
    def attempt(match: str, **more: Any) -> None:
        with pytest.raises(VcmflowError, match=match) as caught:
            bring(davis(tmp_path, **more))
        assert "\n" not in str(caught.value)

    masks = [label_map((1, 2, 3, 6, 5))] * 4
    write_davis(tmp_path, "s", masks)
    folder = tmp_path / "Annotations/480p/s"
    frames = tmp_path / "JPEGImages/480p/s"
    save(folder / "00002.png", np.zeros((HEIGHT, WIDTH + 2), np.uint8))
    attempt(r"00002\.png: the mask is 42x24, its frame is 40x24")
    save(folder / "00002.png", picture(0))
    attempt(r"00002\.png: a mask has to be an indexed .* not RGB")
    save(folder / "00002.png", np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(HEIGHT, WIDTH))
    attempt(r"00002\.png: grey levels up to 255 are not object ids")
    (folder / "00002.png").unlink()
    attempt(r"1 of 4 frames have no mask, the first is 00002\.jpg")
    (frames / "00002.jpg").unlink()
    attempt(r"1 frame\(s\) missing, the first between 1 and 3")
    assert len(bring(davis(tmp_path, gaps="keep")).frames) == 3
    save(folder / "00002.png", np.zeros((HEIGHT, WIDTH), np.uint8))
    attempt(r"frames missing: 1 masks have no frame, the first is 00002\.png")
    write_davis(tmp_path, "s", masks)
    (frames / "00001.jpg").write_bytes((frames / "00001.jpg").read_bytes()[:200])
    attempt(r"00001\.jpg: not a readable picture")
    write_davis(tmp_path, "s", [label_map((255, 2, 2, 5, 5))] * 4, indexed=False)
    attempt("merged masks of 0 and 255", year=2017)


def test_a_sequence_with_a_bad_name_or_no_frames_is_one_line(tmp_path: Path, bring: Import) -> None:
    write_davis(tmp_path, "a b'c", [label_map((1, 2, 3, 6, 5))])
    result = bring(davis(tmp_path, sequences=["a b'c"]))
    assert result.info["id"] == "a--20b--27c"
    with pytest.raises(VcmflowError, match="no such folder of frames"):
        bring(davis(tmp_path, sequences=["nothing"]))


def test_real_sequences_load(real: Path, bring: Import) -> None:
    root = real / "davis2016"
    if not root.is_dir():
        pytest.skip("no DAVIS 2016 in the shared material")
    names = ["blackswan", "bmx-trees", "car-shadow", "dance-twirl", "drift-straight", "parkour"]
    assert list(list_sequences("davis", davis(root))) == names
    result = bring(davis(root, frames=3, height=120), "car-shadow")
    assert [frame.shape for frame in result.frames] == [(120, 214, 3)] * 3
    assert [a["object_id"] for a in result.truth["annotations"]] == [1, 1, 1]
    own = {
        "loader": "folder",
        "path": str(root / "JPEGImages/480p"),
        "fps": 24,
        "frames": 3,
        "height": 120,
        "sequences": "auto",
    }
    assert list(list_sequences("own", own)) == names
    again = bring(own, "car-shadow")
    assert all((a == b).all() for a, b in zip(result.frames, again.frames, strict=True))


def test_a_set_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "ImageSets" / "2017" / "train.txt"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"bl\xfccher\n")
    with pytest.raises(VcmflowError, match="not a list of names in UTF-8"):
        list_sequences("d", {"loader": "davis", "path": str(tmp_path), "sequences": "train"})
