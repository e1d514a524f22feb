"""Damaged and hostile content: readers give a value or the documented error, and no more."""

from __future__ import annotations

import copy
import json
import pickle
import random
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from data_makers import box, rail_labels, write_davis, write_rail
from tiny_onnx import _field, _tensor

from vcmflow.config.load import load_settings
from vcmflow.core.arrays import read_embedding, read_importance
from vcmflow.core.choices import EVERY, Choice, read_choices, write_choices
from vcmflow.core.decision import Decision, read_decision, write_decision
from vcmflow.core.encoding import CodedPoint, Encoding, Shape, read_encoding, write_encoding
from vcmflow.core.errors import VcmflowError
from vcmflow.core.features import read_features, write_features
from vcmflow.core.files import record
from vcmflow.core.gaps import read_gaps, write_gaps
from vcmflow.core.runs import Run as TaskRun
from vcmflow.core.runs import read_runs, write_runs
from vcmflow.core.scores import COLUMNS, Method, read_scores, write_scores
from vcmflow.core.sequence import Sequence, read_sequence, write_sequence
from vcmflow.core.tracks import Track, read_tracks, write_tracks
from vcmflow.core.truth import read_found, read_truth
from vcmflow.data.coco import read_annotations
from vcmflow.data.mot17 import _objects as mot_objects
from vcmflow.data.objects import digest, without_objects, write_selection
from vcmflow.data.osdar23 import RULES, camera_frames, read_labels
from vcmflow.data.sequences import list_sequences
from vcmflow.data.types import SequenceSpec
from vcmflow.encode.av1 import Av1
from vcmflow.encode.bitstream import AVC, HEVC, VVC, hashes_of, pictures_of
from vcmflow.nets.checkpoint import read_pickle, read_state
from vcmflow.score.sequence import (
    Condition,
    Measured,
    SequenceScore,
    Task,
    read_score,
    write_score,
)
from vcmflow.task.onnx.model import parameters
from vcmflow.task.recogniser import read_classes

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
HOSTILE: list[Any] = [
    *(None, True, -1, 0, 1e300, 10**30, 2**63, "", "x" * 999, "../../x", "/etc/passwd", "a\0b"),
    *("$(touch x)", [], {}, [[]], {"": None}, [1, 2], "NaN", -0.5, "🙂", "%n", 1e-320, 10**400),
]
SPEC = SequenceSpec("s", "d", "osdar23", Path("data"), "s", "s", "boxes")
SECONDS = 240  # of processor time for one reader, whatever the number of inputs; a hang ends there


def decision(path: Path) -> None:
    write_decision(path, Decision("s", "uniform", "uniform", 9, 3, (0, 4, 8), 10.0))


def encoding(path: Path) -> None:
    points = {"22": CodedPoint([], ["-qp", "22"], 0.5)}
    write_encoding(path, Encoding({"codec": "vvenc"}, Shape(32, 24, 4, 10.0), {}, points))


def found(path: Path) -> None:
    entry = {"image_id": 0, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}
    write_runs(path, "detection", "m", [(TaskRun("s", "22"), [entry])])


def coco(path: Path) -> None:
    content = {
        "images": [{"id": k, "file_name": f"s/{k}.png", "height": 24, "width": 40} for k in (0, 1)],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [
            {"id": 1, "image_id": 0, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 0}
        ],
    }
    path.write_text(json.dumps(content), "utf-8")


def rail(path: Path) -> None:
    labels = rail_labels([[box("person", 9, 9, 4, 4)], [box("bicycle", 5, 5, 4, 4)]])
    write_rail(path.parent, "s", labels).replace(path)


def davis(path: Path) -> None:
    write_davis(path.parent, "s", [np.zeros((24, 40)), np.ones((24, 40))])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("s\n", "utf-8")


def read_davis(path: Path) -> None:
    root = path.parents[2]
    about = {"loader": "davis", "path": str(root), "sequences": "train", "year": 2017}
    list_sequences("d", about)


def read_ucf101(path: Path) -> None:
    about = {"loader": "ucf101", "path": str(path.parents[1]), "gaps": "keep"}
    list_sequences("d", about)


def read_kinetics(path: Path) -> None:
    about = {"loader": "kinetics", "path": str(path.parent), "gaps": "keep"}
    list_sequences("d", about)


def selected(path: Path) -> None:
    write_selection(path, [("s", 0, digest(SPEC)), ("t", 3, "0123456789abcdef")])


def scores(path: Path) -> None:
    row = {
        **dict.fromkeys(COLUMNS, ""),
        **{"dataset": "d", "scene": "s", "method": "m", "point": "22", "metric": "psnr"},
        **{"value": "31.5", "status": "", "sampler": "u", "codec": "c", "reconstructor": "r"},
    }
    places = [("s", "a"), ("s", ""), ("all", "")]
    write_scores(path, [{**row, "scene": scene, "sequence": name} for scene, name in places])


def score(path: Path) -> None:
    sequence = Sequence("s", "d", "x", "boxes", 4, 10.0, 32, 24)
    measured = Measured(
        {"psnr": 31.5, "rate_bytes": 900.0}, {"detection": {"detection": {"tp": [1, 2]}}}
    )
    methods = {"m": Method("m", "u", "c", "r")}
    tasks = {"detection": Task("detection", "")}
    write_score(path, SequenceScore(sequence, tasks, methods, {Condition("m", "22"): measured}))


def array(*shape: int) -> Callable[[Path], None]:
    return lambda path: np.save(path, np.ones(shape, np.float32))


def arrays(path: Path) -> None:
    content = {"model": {"a": np.arange(6, dtype=np.float32), "b": np.ones((2, 2))}}
    path.write_bytes(pickle.dumps(content, 2))


def stream(syntax: Any) -> Callable[[Path], None]:
    starts = {"vvc": b"\0\0\1\0\x98", "hevc": b"\0\0\1\x44\1", "h264": b"\0\0\1\x65"}
    # A temporal delimiter, a sequence header and a shown key frame, again and again.
    units = b"\x12\0\x0a\x03\0\0\0\x32\x04\x10\0\0\0" * 30

    def write(path: Path) -> None:
        chance = random.Random(syntax.format)
        rest = bytes(chance.choice([0, 0, 1, 3, 40, 255]) for _ in range(400))
        path.write_bytes(starts[syntax.format] + rest if syntax.format in starts else units)

    return write


def sent(syntax: Any) -> Callable[[Path], Any]:
    return lambda path: (pictures_of(path, syntax), hashes_of(path, syntax))


# Reader -> (name of its file, writer of a valid one, reader).
READERS: dict[str, tuple[str, Callable[[Path], Any], Callable[[Path], Any]]] = {
    "decision": ("a.json", decision, read_decision),
    "gaps": ("a.gaps", lambda path: write_gaps(path, [3, 3]), read_gaps),
    "encode.json": ("encode.json", encoding, read_encoding),
    "sequence": (
        "a.json",
        lambda path: write_sequence(path, Sequence("s", "d", "x", "boxes", 4, 10.0, 32, 24)),
        read_sequence,
    ),
    "task results": (
        "a.json",
        found,
        lambda path: [read_found(part, 9, "w") for part in read_runs(path).values()],
    ),
    "ground truth": ("a.json", coco, lambda path: read_truth(path, 2)),
    "COCO": ("a.json", coco, lambda path: read_annotations(path, "s", None)),
    "RailLabel": (
        "a.json",
        rail,
        lambda path: camera_frames(path, read_labels(path), "rgb_center", RULES),
    ),
    "DAVIS sets": ("ImageSets/2017/train.txt", davis, read_davis),
    "UCF101's list": (
        "ucfTrainTestlist/testlist01.txt",
        lambda path: path.write_text("Archery/v_Archery_g01_c01.avi\nBilliards/v_x.avi\n" * 9),
        read_ucf101,
    ),
    "Kinetics' table": (
        "val.csv",
        lambda path: path.write_text("label,youtube_id,time_start,time_end\nyoga,abc,7,17\n" * 9),
        read_kinetics,
    ),
    "classes": ("c.txt", lambda path: path.write_text("1 Archery\n2 Billiards\n"), read_classes),
    "MOT17's boxes": (
        "gt.txt",
        lambda path: path.write_text("1,2,5,7,10,12,1,1,1.0\n2,2,6.5,7,10,12,1,8,0.5\n" * 9),
        lambda path: mot_objects(path, 2),
    ),
    "tracks": (
        "a.json",
        lambda path: write_tracks(path, [[], [Track(1, (1.0, 2.0, 3.0, 4.0), 0.5, 1)]]),
        read_tracks,
    ),
    "selection": ("a.csv", selected, lambda path: without_objects(path, {"s": SPEC})),
    "scores": ("a.csv", scores, lambda path: read_scores([path])),
    "scores of a sequence": ("a.json", score, read_score),
    "choices": (
        "a.csv",
        lambda path: write_choices(path, [Choice((0, 3), 30.0, 0.5, EVERY)]),
        read_choices,
    ),
    "embedding": ("a.npy", array(4, 3), read_embedding),
    "importance": ("a.npy", array(2, 3, 3), read_importance),
    "features": (
        "a.npz",
        lambda path: write_features(path, [{"p2": np.ones((2, 3), np.float32)}] * 2),
        lambda path: list(read_features(path)),
    ),
    "params.yaml": (
        "params.yaml",
        lambda path: path.write_bytes((ROOT / "params.yaml").read_bytes()),
        load_settings,
    ),
    "pickle": ("a.pkl", arrays, read_pickle),
    "torch file": ("a.pt", lambda path: torch.save({"a": torch.ones(9)}, path), read_state),
    "ONNX": (
        "a.onnx",
        lambda path: path.write_bytes(
            _field(7, _field(5, _tensor("w", np.ones((3, 4), np.float32))))
        ),
        lambda path: parameters(path.read_bytes()),
    ),
    **{
        f"stream {syntax.format}": ("a.bin", stream(syntax), sent(syntax))
        for syntax in (VVC, HEVC, AVC, Av1.syntax)
    },
}


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The content with a place of its JSON replaced, or bytes changed, lost, doubled or added."""
    try:
        value = json.loads(content)
    except ValueError:
        value = None
    if isinstance(value, dict) and chance.random() < 0.6:
        for _ in range(chance.randint(1, 3)):
            place: Any = value
            while isinstance(place, dict | list) and place:
                keys = list(place) if isinstance(place, dict) else range(len(place))
                key = chance.choice(keys)
                if not isinstance(place[key], dict | list) or chance.random() < 0.3:
                    if chance.random() < 0.2:
                        del place[key]
                    else:
                        place[key] = copy.deepcopy(chance.choice(HOSTILE))
                    break
                place = place[key]
        return json.dumps(value).encode()
    data = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        if not data:
            break
        at = chance.randrange(len(data))
        kind = chance.randrange(4)
        if kind == 0:
            data[at] = chance.choice([0, 255, 127, chance.randrange(256)])
        elif kind == 1:
            del data[at : at + chance.randint(1, 40)]
        elif kind == 2:
            data[at:at] = data[at : at + chance.randint(1, 40)]
        else:
            data[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 9)))
    return bytes(data)


@contextmanager
def bounded() -> Iterator[None]:
    """At most 2 GiB more memory than now, and an end."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    most = pages * resource.getpagesize() + (2 << 30)
    resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("name", READERS)
def test_only_the_documented_error(tmp_path: Path, chance, tell, request, name: str) -> None:
    inputs = request.config.getoption("--inputs")
    file, write, read = READERS[name]
    path = tmp_path / "in" / file
    path.parent.mkdir(parents=True)
    write(path)
    content = path.read_bytes()
    record(path).unlink(missing_ok=True)
    refused = 0
    with bounded():
        for number in range(inputs):
            data = mutated(content, chance)
            path.write_bytes(data)
            try:
                read(path)
            except VcmflowError as error:
                refused += 1
                assert "\n" not in str(error), (number, data[:300])
            except Exception as error:
                raise AssertionError(f"input {number}: {error!r}: {data[:2000]!r}") from error
    assert not (tmp_path / "x").exists()
    happened = f"{refused} of {inputs} refused in one line, the others read"
    tell(f"fuzzed {name}", "a value or the documented error, at most 2 GiB, an end", happened)
