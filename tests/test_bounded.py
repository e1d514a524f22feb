"""What a small file says takes neither memory nor time beyond its size, and ends in one line."""

from __future__ import annotations

import gzip
import json
import resource
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch

from vcmflow.config.load import read_yaml
from vcmflow.core.decision import read_decision
from vcmflow.core.encoding import read_encoding
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json
from vcmflow.core.gaps import read_gaps
from vcmflow.core.rows import read_csv
from vcmflow.core.runs import read_runs
from vcmflow.core.scores import read_scores
from vcmflow.core.sequence import Sequence, parse_sequence
from vcmflow.core.tracks import read_tracks
from vcmflow.core.truth import read_truth
from vcmflow.encode.bitstream import HEVC, hashes_of
from vcmflow.figures.inputs import read_table
from vcmflow.score.sequence import read_score
from vcmflow.task.onnx.model import parameters

READERS = [
    *(read_json, read_decision, read_encoding, read_runs, read_tracks, read_truth, read_score),
    *(read_gaps, lambda path: read_csv(path, ["a"]), lambda path: read_scores([path])),
    *(lambda path: read_table(path, ","), read_yaml),
]


@pytest.mark.parametrize("read", READERS)
def test_a_folder_in_place_of_a_file_is_one_line(tmp_path: Path, read) -> None:
    with pytest.raises(VcmflowError, match=r"cannot be read \(Is a directory\)"):
        read(tmp_path)


@pytest.mark.parametrize("read", READERS[:7])
@pytest.mark.parametrize(
    "text",
    ["Infinity", "NaN", "[1e999]", "9" * 6000, "[" * 100_000, '{"points": -Infinity}'],
    ids=["infinity", "nan", "1e999", "digits", "nested", "negative"],
)
def test_numbers_and_nesting_beyond_measure_are_one_line(tmp_path: Path, read, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, "utf-8")
    with pytest.raises(VcmflowError, match="not a JSON file") as error:
        read(path)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("text", ["a: " + "[" * 20_000, "a: 2001-99-99", "a: " + "9" * 6000])
def test_strange_yaml_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text, "utf-8")
    with pytest.raises(VcmflowError, match="not a YAML file"):
        read_yaml(tmp_path / "a.yaml")


@pytest.mark.parametrize("change", [{"frames": 10**12}, {"width": 10**6}, {"fps": 1e400}])
def test_a_sequence_announces_no_more_than_there_can_be(change: dict[str, float]) -> None:
    about = vars(Sequence("s", "d", "scene", "boxes", 4, 10.0, 32, 24)) | change
    with pytest.raises(VcmflowError, match=r"allowed: at most|above 0"):
        parse_sequence(about, Path("s.json"))


def limited(call: str, path: Path) -> str:
    """What a reader says that may take 1 GiB more than its libraries, and 20 s."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))

    program = f"""
import resource, sys
from pathlib import Path
from vcmflow.core.errors import VcmflowError
import vcmflow.nets.checkpoint as checkpoint, vcmflow.data.archives as archives
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30),) * 2)
try:
    {call}
except VcmflowError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        capture_output=True, text=True, check=True, preexec_fn=limit,
    )  # fmt: skip
    return done.stdout


PICKLE = "checkpoint.read_pickle(Path(sys.argv[1]))"


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02}r\xff\xff\xff\x0f.",  # a place far out
        b"\x80\x04\x8e\xff\xff\xff\xff\x00\x00\x00\x00.",  # 4 GiB of bytes announced
        b"\x80\x04\x8b\xff\xff\xff\x7f1.",  # a number of 2 GiB
    ],
)
def test_a_few_bytes_of_pickle_reserve_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pkl").write_bytes(content)
    said = limited(PICKLE, tmp_path / "a.pkl")
    assert "a.pkl: refused" in said or "a.pkl: not a whole pickle" in said
    assert "MemoryError" not in said


def test_a_torch_file_that_unpacks_to_more_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1 << 20)}, tmp_path / "a.pt")
    with (
        zipfile.ZipFile(tmp_path / "a.pt") as source,
        zipfile.ZipFile(tmp_path / "b.pt", "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, source.read(name))
    said = limited("checkpoint.read_torch(Path(sys.argv[1]))", tmp_path / "b.pt")
    assert "unpacks to more than its size" in said
    assert limited("checkpoint.read_torch(Path(sys.argv[1]))", tmp_path / "a.pt") == ""


def test_a_long_name_in_a_tar_is_not_read_into_memory(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1 << 31
    with gzip.open(tmp_path / "a.tar.gz", "wb", 1) as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        for _ in range(64):
            file.write(bytes(1 << 20))
    said = limited(
        "archives.unpack(Path(sys.argv[1]), Path(sys.argv[1]).with_name('out'), 'tar')",
        tmp_path / "a.tar.gz",
    )
    assert "a header of 2147483648 bytes" in said


def test_long_names_are_still_read(tmp_path: Path) -> None:
    name = "/".join(["folder" * 10] * 5) + "/file"
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        info = tarfile.TarInfo(name)
        archive.addfile(info)
    assert limited(
        "archives.unpack(Path(sys.argv[1]), Path(sys.argv[1]).with_name('out'), 'tar')",
        tmp_path / "a.tar",
    ) == ""  # fmt: skip
    assert (tmp_path / "out" / name).is_file()


def test_many_sei_messages_take_time_in_proportion(tmp_path: Path) -> None:
    """Each of 600,000 empty ones; copying the rest for each took more than a minute."""
    (tmp_path / "a.265").write_bytes(b"\0\0\1" + bytes([40 << 1, 1]) + b"\1\0" * 600_000 + b"\x80")
    program = "import sys; from pathlib import Path; from vcmflow.encode.bitstream import *\n"
    program += "assert hashes_of(Path(sys.argv[1]), HEVC) == []"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (10, 10))

    words = [sys.executable, "-c", program, str(tmp_path / "a.265")]
    subprocess.run(words, check=True, preexec_fn=limit)
    assert hashes_of(tmp_path / "a.265", HEVC) == []


def test_a_tensor_of_a_million_dimensions_is_no_tensor() -> None:
    def field(number: int, data: bytes) -> bytes:
        size, text = len(data), b""
        while size > 127:
            text, size = text + bytes([size & 127 | 128]), size >> 7
        return bytes([number << 3 | 2]) + text + bytes([size]) + data

    tensor = field(1, b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f" * 200_000) + b"\x10\x01"
    with pytest.raises(VcmflowError, match="not a whole ONNX model"):
        parameters(field(7, field(5, tensor)))


def test_json_numbers_that_are_numbers_pass(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([1.5, -2, 1e300]), "utf-8")
    assert read_json(tmp_path / "a.json") == [1.5, -2, 1e300]
