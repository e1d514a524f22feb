"""Own videos and frame folders: kinds of pictures, ways to be incomplete, COCO annotations."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
import pytest
from data_makers import HEIGHT, WIDTH, Import, picture, save
from PIL import Image
from pycocotools import mask as coco_mask

from vcmflow.core.errors import VcmflowError
from vcmflow.core.listing import list_videos
from vcmflow.core.video import write_video
from vcmflow.data.sequences import list_sequences

MASKS = {"annotation_type": "masks"}


def own(root: Path, **more: Any) -> dict[str, Any]:
    return {"loader": "folder", "path": str(root), "fps": 25, **more}


def frame_folder(folder: Path, count: int = 4, suffix: str = ".png") -> Path:
    for index in range(count):
        save(folder / f"frame{index + 8}{suffix}", picture(index))
    return folder


def make_video(path: Path, count: int = 30, codec: str = "libx264", size: int = 64) -> Path:
    """A moving, noisy video, so that packets have some size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(3).integers(0, 255, (size, size, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width = stream.height = size
        stream.pix_fmt = "yuv420p"
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(np.roll(noise, 3 * index, 1), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_frame_folders_and_videos_are_found_at_any_depth(tmp_path: Path) -> None:
    frame_folder(tmp_path / "day 1" / "cam")
    frame_folder(tmp_path / "empty" / ".hidden")
    (tmp_path / "clips").mkdir()
    for name in ("b.MP4", "a.webm", "notes.txt", ".c.mp4"):
        (tmp_path / "clips" / name).touch()
    (tmp_path / "linked").symlink_to(tmp_path / "day 1")
    (tmp_path / "clips" / "loop").symlink_to(tmp_path)
    specs = list_sequences("own", own(tmp_path, sequences="auto"))
    assert [spec.sequence for spec in specs.values()] == [
        "clips/a.webm",
        "clips/b.MP4",
        "day 1/cam",
    ]
    assert list(specs) == ["clips--2fa", "clips--2fb", "day--201--2fcam"]


def test_pictures_are_taken_in_natural_order_and_other_files_are_left_out(
    tmp_path: Path, bring: Import
) -> None:
    folder = frame_folder(tmp_path / "s")  # frame8, frame9, frame10, frame11
    for name in ("Thumbs.db", "notes.txt", "labels.json", ".frame12.png"):
        (folder / name).write_text("x")
    result = bring(own(tmp_path, sequences=["s"]))
    assert [f.tolist() for f in result.frames] == [picture(i).tolist() for i in range(4)]
    assert [image["file_name"] for image in result.truth["images"]] == [
        f"frame{n}.png" for n in (8, 9, 10, 11)
    ]


def test_a_root_that_holds_pictures_is_a_sequence_of_its_own(tmp_path: Path, bring: Import) -> None:
    frame_folder(tmp_path / "walk")
    result = bring(own(tmp_path / "walk", sequences="auto"))
    assert result.info["id"] == "walk"
    assert len(result.frames) == 4


def write_16_bit_grey(path: Path) -> np.ndarray:
    deep = np.linspace(0, 65535, HEIGHT * WIDTH).round().astype(np.uint16).reshape(HEIGHT, WIDTH)
    save(path, deep)
    return np.repeat((deep.astype(np.int64) + 128)[:, :, None] // 257, 3, axis=2)


def write_16_bit_colour(path: Path) -> np.ndarray:
    import cv2

    rgb = picture(0).astype(np.uint16) * 257
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), rgb[:, :, ::-1])
    return picture(0)


def write_grey(path: Path) -> np.ndarray:
    save(path, picture(0)[:, :, 0])
    return np.repeat(picture(0)[:, :, :1], 3, axis=2)


def write_binary(path: Path) -> np.ndarray:
    bits = picture(0)[:, :, 2] > 30
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(bits).save(path)
    return np.repeat(bits[:, :, None] * 255, 3, axis=2)


def write_alpha(path: Path) -> np.ndarray:
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    alpha[:, : WIDTH // 2] = 0
    save(path, np.concatenate([picture(0), alpha], axis=2))
    return picture(0) * (alpha > 0)


def write_grey_alpha(path: Path) -> np.ndarray:
    save(path, np.stack([picture(0)[:, :, 0], np.full((HEIGHT, WIDTH), 255, np.uint8)], axis=2))
    return np.repeat(picture(0)[:, :, :1], 3, axis=2)


def write_palette(path: Path) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(picture(0)).quantize(64)
    image.save(path)
    return np.asarray(image.convert("RGB"))


def write_turned(path: Path) -> np.ndarray:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    save(path, np.rot90(picture(0)), exif=exif)
    return picture(0)


@pytest.mark.parametrize(
    "write",
    [
        write_16_bit_grey,
        write_16_bit_colour,
        write_grey,
        write_binary,
        write_alpha,
        write_grey_alpha,
        write_palette,
        write_turned,
    ],
)
def test_every_kind_of_picture_becomes_8_bit_rgb(
    write: Callable[[Path], np.ndarray], tmp_path: Path, bring: Import
) -> None:
    expected = write(tmp_path / "s" / "0.png")
    result = bring(own(tmp_path, sequences=["s"]))
    assert (result.frames[0] == expected).all()


def test_incomplete_frame_folders_are_one_line(tmp_path: Path, bring: Import) -> None:
    def attempt(match: str, **more: Any) -> None:
        with pytest.raises(VcmflowError, match=match) as caught:
            bring(own(tmp_path, sequences=["s"], **more))
        assert "\n" not in str(caught.value)

    folder = frame_folder(tmp_path / "s", 6)
    (folder / "frame10.png").unlink()
    attempt(r"1 frame\(s\) missing, the first between 9 and 11")
    assert len(bring(own(tmp_path, sequences=["s"], gaps="keep")).frames) == 5
    save(folder / "frame10.png", picture(0, HEIGHT + 2, WIDTH))
    attempt(r"'frame10\.png' is 40x26, the first one 'frame8\.png' is 40x24")
    (folder / "frame10.png").write_text("not a picture")
    attempt(r"frame10\.png: not a readable picture")
    whole = save(folder / "frame10.png", picture(2)).read_bytes()
    (folder / "frame10.png").write_bytes(whole[: len(whole) // 2])
    attempt(r"frame10\.png: not a readable picture")
    save(folder / "frame10.png", picture(2))
    save(folder / "frame10.jpg", picture(2))
    attempt(r"2 pictures for one frame")
    (folder / "frame10.jpg").unlink()
    assert len(bring(own(tmp_path, sequences=["s"])).frames) == 6
    assert len(bring(own(tmp_path, sequences=["s"], frames=4)).frames) == 4


def test_regular_steps_and_time_stamps_are_no_gaps(tmp_path: Path, bring: Import) -> None:
    for index, name in enumerate(("0000", "0005", "0010", "0015")):
        save(tmp_path / "steps" / f"{name}.png", picture(index))
    for index, stamp in enumerate((1631441453300, 1631441453402, 1631441453498, 1631441453600)):
        save(tmp_path / "stamps" / f"{stamp}.png", picture(index))
    assert len(bring(own(tmp_path, sequences=["steps"])).frames) == 4
    assert len(bring(own(tmp_path, sequences=["stamps"])).frames) == 4


@pytest.mark.parametrize("name", ["-rf", "a 'b' \"c\"", "日本 ü", "$(touch x)"])
def test_odd_names_work(name: str, tmp_path: Path, bring: Import) -> None:
    frame_folder(tmp_path / name, 2)
    assert len(bring(own(tmp_path, sequences="auto")).frames) == 2


def test_videos_say_their_own_rate(tmp_path: Path, bring: Import) -> None:
    frames = [picture(i) for i in range(5)]
    write_video(tmp_path / "clip.mkv", frames, 12.5)
    result = bring(own(tmp_path, fps=None, sequences=["clip.mkv"]))
    assert result.info["fps"] == 12.5
    assert result.info["id"] == "clip"
    assert all((a == b).all() for a, b in zip(result.frames, frames, strict=True))
    part = bring(own(tmp_path, fps=None, sequences=["clip.mkv"], frames=2))
    assert len(part.frames) == 2


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_videos_are_turned_upright_as_players_do(turn: int, tmp_path: Path, bring: Import) -> None:
    path = make_video(tmp_path / "a.mp4", 2)
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    quiet = [ffmpeg, "-loglevel", "error"]
    turned = tmp_path / "b.mp4"
    subprocess.run(
        [*quiet, "-display_rotation", str(turn), "-i", path, "-c", "copy", turned], check=True
    )
    played = subprocess.run(
        [*quiet, "-i", turned, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        check=True,
        capture_output=True,
    ).stdout
    result = bring(own(tmp_path, fps=None, sequences=["b.mp4"]))
    assert b"".join(frame.tobytes() for frame in result.frames) == played


@pytest.mark.parametrize(
    ("height", "tag", "colour"),
    [
        (240, None, (232, 0, 1)),  # BT.601
        (720, None, (254, 0, 0)),  # BT.709
        (240, 1, (254, 0, 0)),  # tagged as BT.709
        (720, 5, (232, 0, 1)),  # tagged as BT.601
    ],
)
def test_the_colour_matrix_follows_the_tag_or_the_size(
    height: int, tag: int | None, colour: tuple[int, int, int], tmp_path: Path, bring: Import
) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, height, "yuv420p"
        if tag is not None:
            stream.codec_context.colorspace = tag
        frame = av.VideoFrame(64, height, "yuv420p")
        for plane, value in zip(frame.planes, (63, 102, 240), strict=True):  # red in BT.709
            plane.update(bytes([value]) * plane.buffer_size)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    result = bring(own(tmp_path, fps=None, sequences=["a.mp4"]))
    assert result.frames[0][10, 10].tolist() == pytest.approx(colour, abs=1)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mkv", "libx264"), ("a.mp4", "libx264"), ("a.avi", "mpeg4"), ("a.webm", "libvpx")],
)
@pytest.mark.parametrize("share", [0.9, 0.5, 0.02])
def test_a_video_that_breaks_off_is_noticed(
    name: str, codec: str, share: float, tmp_path: Path, bring: Import
) -> None:
    path = make_video(tmp_path / name, codec=codec)
    dataset = own(tmp_path, fps=None, sequences=[name])
    assert len(bring(dataset).frames) == 30
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(VcmflowError) as caught:
        bring(dataset)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
@pytest.mark.parametrize("where", ["gap before the last frame", "long last frame"])
def test_uneven_frame_rates_are_no_breaks(
    where: str, name: str, tmp_path: Path, bring: Import
) -> None:
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        packets = []
        for index in range(10):
            frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24")
            frame.time_base = Fraction(1, 25)
            frame.pts = index + 60 * (index == 9) * where.startswith("gap")
            packets += stream.encode(frame)
        packets += stream.encode(None)
        if where.startswith("long"):
            packets[-1].duration = packets[-2].duration * 60
        container.mux(packets)
    assert len(bring(own(tmp_path, fps=25, sequences=[name])).frames) == 10


def test_files_that_are_no_videos_are_one_line(tmp_path: Path, bring: Import) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    (tmp_path / "b.mp4").touch()
    with av.open(str(tmp_path / "c.mkv"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        silence.rate = 8000
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    for name, words in (("a.mp4", "be decoded"), ("b.mp4", "be decoded"), ("c.mkv", "no video")):
        with pytest.raises(VcmflowError, match=words):
            bring(own(tmp_path, fps=None, sequences=[name]))
    with pytest.raises(VcmflowError, match=r"'d\.mp4' is neither .* there are a\.mp4, b\.mp4"):
        bring(own(tmp_path, sequences=["d.mp4"]))


def test_pretraining_videos_are_listed_without_a_look_at_labels(tmp_path: Path) -> None:
    names = ["train/juggling/b_000.mp4", "train/a.webm", "val/x/y/z.AVI", "train/a-b/c.mkv"]
    for name in [*names, "train/labels.csv", "train/.x.mp4", "val/x/frame.png"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in list_videos(tmp_path)]
    assert found == sorted(names)
    with pytest.raises(VcmflowError, match="no videos"):
        list_videos(make_empty(tmp_path))
    with pytest.raises(VcmflowError, match="no such folder"):
        list_videos(tmp_path / "none")


def make_empty(root: Path) -> Path:
    (root / "empty").mkdir()
    return root / "empty"


def coco(count: int = 2, prefix: str = "s/", **more: Any) -> dict[str, Any]:
    return {
        "images": [
            {
                "id": 10 + i,
                "file_name": f"{prefix}frame{i + 8}.png",
                "width": WIDTH,
                "height": HEIGHT,
            }
            for i in range(count)
        ],
        "annotations": [
            {"id": 1, "image_id": 10, "category_id": 3, "bbox": [1, 2, 8, 6], "track_id": 5},
            {"id": 2, "image_id": 10, "category_id": 4, "bbox": [1, 2, 8, 6]},
            {"id": 3, "image_id": 11, "category_id": 3, "bbox": [30, 2, 20, 6], "iscrowd": 1},
        ],
        "categories": [{"id": 3, "name": "person"}, {"id": 4, "name": "dog"}],
        **more,
    }


def annotate(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")
    return path


def test_coco_boxes_are_matched_by_file_name_not_by_order(tmp_path: Path, bring: Import) -> None:
    frame_folder(tmp_path / "data" / "s", 2)
    value = coco()
    value["images"].reverse()
    value["images"].append({"id": 99, "file_name": "other/frame8.png"})
    path = annotate(tmp_path / "labels.json", value)
    dataset = own(tmp_path / "data", sequences=["s"], annotations=str(path))
    result = bring(dataset)
    rows = [
        (a["image_id"], a["category_id"], a["bbox"], a["iscrowd"], a["object_id"])
        for a in result.truth["annotations"]
    ]
    assert rows == [(0, 1, [1, 2, 8, 6], 0, 5), (1, 1, [30, 2, 10, 6], 1, 2)]
    assert result.truth["info"]["counts"]["unmapped"] == 1
    assert result.info["annotations"] == "boxes"
    mapped = bring(dataset | {"classes": {"dog": "bicycle", "person": "person"}})
    assert [a["category_id"] for a in mapped.truth["annotations"]] == [1, 2, 1]


def test_without_annotations_the_ground_truth_comes_later(tmp_path: Path, bring: Import) -> None:
    frame_folder(tmp_path / "s", 2)
    result = bring(own(tmp_path, sequences=["s"]))
    assert result.info["annotations"] == "none"
    assert result.truth["annotations"] == []
    assert [c["id"] for c in result.truth["categories"]] == [1, 2, 3]


def test_coco_masks_of_every_encoding(tmp_path: Path, bring: Import) -> None:
    frame_folder(tmp_path / "data" / "s", 1)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[4:10, 6:20] = 1
    packed = coco_mask.encode(np.asfortranarray(mask))
    packed["counts"] = packed["counts"].decode()
    runs, value, count = [], 0, 0
    for pixel in [*mask.ravel(order="F").tolist(), -1]:
        if pixel != value:
            runs.append(count)
            value, count = pixel, 0
        count += 1
    encodings = [
        packed,
        {"size": [HEIGHT, WIDTH], "counts": runs},
        [[6, 4, 20, 4, 20, 10, 6, 10]],
    ]
    value_of = coco(1)
    value_of["annotations"] = [
        {"id": i, "image_id": 10, "category_id": 4, "object_id": i + 1, "segmentation": encoding}
        for i, encoding in enumerate(encodings)
    ]
    path = annotate(tmp_path / "labels" / "s.json", value_of)
    result = bring(
        own(
            tmp_path / "data",
            sequences=["s"],
            annotation_type="masks",
            annotations=str(path.parent),
        )
    )
    assert len(result.truth["annotations"]) == 3
    for annotation in result.truth["annotations"]:
        assert (coco_mask.decode(annotation["segmentation"]) == mask).all()
        assert annotation["bbox"] == [6, 4, 14, 6]


@pytest.mark.parametrize("seed", range(6))
def test_compressed_masks_are_read_as_pycocotools_writes_them(
    seed: int, tmp_path: Path, bring: Import
) -> None:
    frame_folder(tmp_path / "data" / "s", 1)
    rng = np.random.default_rng(seed)
    mask = (rng.random((HEIGHT, WIDTH)) < (0.02, 0.5, 0.98)[seed % 3]).astype(np.uint8)
    mask[:, : seed * 4] = seed % 2
    packed = coco_mask.encode(np.asfortranarray(mask))
    packed["counts"] = packed["counts"].decode()
    value = coco(1)
    value["annotations"] = [{"id": 1, "image_id": 10, "category_id": 4, "segmentation": packed}]
    path = annotate(tmp_path / "labels.json", value)
    result = bring(own(tmp_path / "data", sequences=["s"], annotations=str(path), **MASKS))
    assert result.truth["annotations"][0]["segmentation"] == packed


def lose_image(value: dict[str, Any]) -> None:
    value["images"].pop()
    value["annotations"].pop()


def add_image(value: dict[str, Any]) -> None:
    value["images"].append({"id": 12, "file_name": "s/frame10.png"})


def change(key: str, index: int, **values: Any) -> Callable[[dict[str, Any]], None]:
    def run(value: dict[str, Any]) -> None:
        value[key][index].update(values)

    return run


def drop(key: str) -> Callable[[dict[str, Any]], None]:
    def run(value: dict[str, Any]) -> None:
        del value[key]

    return run


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lose_image, ["1 of the 2 frames of 's' are not listed", "frame9.png"]),
        (add_image, ["frames missing", "frame10.png"]),
        (change("images", 1, id=10), ["two images have the same id"]),
        (change("images", 1, file_name="s/frame8.png"), ["two images are 's/frame8.png'"]),
        (change("images", 0, width=999), ["annotated at 999x24", "40x24"]),
        (change("annotations", 0, image_id=77), ["annotation 1", "no image has id 77"]),
        (change("annotations", 0, category_id=77), ["no category has id 77"]),
        (change("annotations", 0, bbox=[1, 2, 3]), ["bbox is [1, 2, 3]"]),
        (change("annotations", 0, bbox=["1", 2, 3, 4]), ["[x, y, w, h]"]),
        (change("annotations", 0, bbox=None), ["neither bbox nor segmentation"]),
        (drop("images"), ["'images' is missing"]),
        (drop("categories"), ["'categories' is missing"]),
        (lambda value: value["annotations"].append("x"), ["annotations.3", "object"]),
        (lambda value: value["annotations"].append({"id": 1}), ["'category_id' is missing"]),
    ],
)
def test_broken_coco_files_are_one_line(
    harm: Callable[[dict[str, Any]], None], words: list[str], tmp_path: Path, bring: Import
) -> None:
    frame_folder(tmp_path / "data" / "s", 2)
    value = coco()
    harm(value)
    path = annotate(tmp_path / "labels.json", value)
    with pytest.raises(VcmflowError) as caught:
        bring(own(tmp_path / "data", sequences=["s"], annotations=str(path)))
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("segmentation", "words"),
    [
        (None, "has no segmentation"),
        ([[1, 2, 3]], "three points"),
        ({"size": [9, 9], "counts": "0"}, "mask of 9x9, frames are"),
        ({"size": [HEIGHT, WIDTH], "counts": [5, 5]}, "do not fill"),
        ({"size": [HEIGHT, WIDTH], "counts": "zzzz"}, "broken run lengths"),
        ({"size": [HEIGHT, WIDTH], "counts": "oooooooooo1"}, "broken run lengths"),
        ({"size": [HEIGHT, WIDTH], "counts": "1 2"}, "broken run lengths"),
        ({"size": [HEIGHT, WIDTH], "counts": "12"}, "do not fill"),
        ("x", "not a mask of run lengths"),
    ],
)
def test_broken_masks_are_one_line(
    segmentation: object, words: str, tmp_path: Path, bring: Import
) -> None:
    frame_folder(tmp_path / "data" / "s", 1)
    value = coco(1)
    value["annotations"] = [
        {"id": 1, "image_id": 10, "category_id": 4, "segmentation": segmentation}
    ]
    path = annotate(tmp_path / "labels.json", value)
    with pytest.raises(VcmflowError, match=words):
        bring(own(tmp_path / "data", sequences=["s"], annotations=str(path), **MASKS))


def test_masks_need_an_identity_over_time(tmp_path: Path, bring: Import) -> None:
    frame_folder(tmp_path / "data" / "s", 1)
    value = coco(1)
    square = [[1, 1, 9, 1, 9, 9, 1, 9]]
    value["annotations"] = [
        {"id": i, "image_id": 10, "category_id": 4, "segmentation": square} for i in (1, 2)
    ]
    path = annotate(tmp_path / "labels.json", value)
    with pytest.raises(VcmflowError, match="object_id"):
        bring(own(tmp_path / "data", sequences=["s"], annotations=str(path), **MASKS))


@pytest.mark.parametrize("style", ["mark", "frame_index", "coco_vid", "per_sequence"])
def test_frames_of_a_video_are_annotated_by_number(
    style: str, tmp_path: Path, bring: Import
) -> None:
    write_video(tmp_path / "data" / "clip.mkv", [picture(i) for i in range(3)], 25)
    images: list[dict[str, Any]] = [{"id": i, "file_name": f"clip.mkv#{i}"} for i in range(3)]
    value: dict[str, Any] = {"categories": [{"id": 1, "name": "car"}]}
    path = tmp_path / "labels.json"
    if style == "frame_index":
        images = [{"id": i, "file_name": "clip.mkv", "frame_index": i} for i in range(3)]
    elif style == "coco_vid":
        value["videos"] = [{"id": 4, "name": "clip.mkv"}]
        images = [
            {"id": i, "file_name": f"x/{i}.jpg", "video_id": 4, "frame_id": i} for i in range(3)
        ]
    elif style == "per_sequence":
        images = [{"id": i, "file_name": f"{i}.jpg"} for i in range(3)]
        path = tmp_path / "labels" / "clip.json"
    value["images"] = images
    value["annotations"] = [
        {"id": i, "image_id": i, "category_id": 1, "bbox": [i, 2, 8, 6]} for i in range(3)
    ]
    annotate(path, value)
    given = str(path.parent if style == "per_sequence" else path)
    dataset = own(tmp_path / "data", sequences=["clip.mkv"], annotations=given)
    result = bring(dataset)
    assert [result.boxes(i) for i in range(3)] == [[[i, 2, 8, 6]] for i in range(3)]
    value["images"] = images[:2]
    value["annotations"].pop()
    annotate(path, value)
    with pytest.raises(VcmflowError, match=r"frame 2 of 'clip\.mkv' is not listed"):
        bring(dataset)


def test_annotations_beyond_the_end_of_a_video_are_noticed(tmp_path: Path, bring: Import) -> None:
    write_video(tmp_path / "data" / "clip.mkv", [picture(i) for i in range(3)], 25)
    value = {
        "images": [{"id": i, "file_name": f"clip.mkv#{i}"} for i in range(5)],
        "annotations": [],
        "categories": [],
    }
    path = annotate(tmp_path / "labels.json", value)
    with pytest.raises(VcmflowError, match=r"frame 4 is annotated, the video has 3"):
        bring(own(tmp_path / "data", sequences=["clip.mkv"], annotations=str(path)))


def test_what_the_import_wrote_can_be_imported_again(tmp_path: Path, bring: Import) -> None:
    frame_folder(tmp_path / "data" / "s", 2)
    path = annotate(tmp_path / "labels.json", coco())
    first = bring(own(tmp_path / "data", sequences=["s"], annotations=str(path)))
    again = tmp_path / "again"
    again.mkdir()
    (tmp_path / "out/s/frames.mkv").rename(again / "s.mkv")
    annotate(tmp_path / "truths" / "s.json", first.truth)
    second = bring(
        own(
            again,
            sequences=["s.mkv"],
            annotations=str(tmp_path / "truths"),
        )
    )
    assert second.truth["annotations"] == first.truth["annotations"]
    assert all((a == b).all() for a, b in zip(first.frames, second.frames, strict=True))
