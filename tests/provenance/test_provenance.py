"""What is written down beside results."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from vcmflow.__main__ import stage
from vcmflow.core.encoding import Encoding, Shape, write_encoding
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import record
from vcmflow.provenance.collect import encoders, git_state, machine, packages


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    return subprocess.run(
        ["git", *identity, "-c", "commit.gpgsign=false", *words],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "a.txt").write_text("one\n", "utf-8")
    git(folder, "init", "-q", "-b", "trunk")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def test_a_clean_checkout_is_its_revision(checkout: Path) -> None:
    assert git_state(checkout) == {
        **{"revision": git(checkout, "rev-parse", "HEAD"), "branch": "trunk"},
        **{"dirty": False, "changed": [], "diff_sha256": None},
    }


def test_changes_are_named_and_told_apart(checkout: Path) -> None:
    hashes = []
    for text in ("two\n", "three\n"):
        (checkout / "a.txt").write_text(text, "utf-8")
        (checkout / "new file.txt").write_text(text, "utf-8")
        state = git_state(checkout)
        assert state is not None and state["dirty"]
        assert state["changed"] == ["a.txt", "new file.txt"]
        hashes.append(state["diff_sha256"])
    assert hashes[0] != hashes[1]


def test_a_detached_head_has_no_branch(checkout: Path) -> None:
    git(checkout, "checkout", "-q", "--detach")
    state = git_state(checkout)
    assert state is not None and state["branch"] is None and not state["dirty"]


def test_outside_of_a_checkout_there_is_no_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state(tmp_path) is None


def test_packages_and_machine_are_real() -> None:
    assert packages()["numpy"]
    found = machine()
    assert found["cores"] >= 1
    assert found["memory_bytes"] > 2**28


def test_an_encoder_is_named_once_and_a_strange_report_refused(tmp_path: Path) -> None:
    shape, said = Shape(64, 48, 3, 10.0), {"encoder": "VVenC 1.0", "ffmpeg": "n1"}
    paths = [tmp_path / f"{name}.json" for name in "abc"]
    for path in paths[:2]:
        write_encoding(path, Encoding({"codec": "vvenc", "preset": "fast"}, shape, said, {}))
    write_encoding(paths[2], Encoding({"codec": "learned"}, shape, {}, {}, "0" * 64))
    found = encoders(paths)
    assert found["used"] == [
        {"codec": {"codec": "learned"}, "encoder": {}, "weights": "0" * 64},
        {"codec": {"codec": "vvenc", "preset": "fast"}, "encoder": said},
    ]
    assert len(found["ffmpeg"]["sha256"]) == 64
    assert found["ffmpeg"]["version"]
    paths[1].write_text('{"codec": {"codec": "vvenc"}}', "utf-8")
    record(paths[1]).unlink()
    with pytest.raises(VcmflowError, match=r"b\.json: not what encode writes"):
        encoders(paths)


def test_the_command_writes_it_all(tmp_path: Path) -> None:
    model = tmp_path / "model.safetensors"
    model.write_bytes(b"weights")
    out = tmp_path / "provenance.json"
    words = ["--parameters", '{"encode": {"qps": [22]}}', "--models", str(model)]
    assert stage(["provenance", *words, "--out", str(out)]) == 0
    told = json.loads(out.read_text("utf-8"))
    assert told["models"] == {str(model): hashlib.sha256(b"weights").hexdigest()}
    assert told["parameters"] == {"encode": {"qps": [22]}}


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--out", str(tmp_path / "p.json")]
    assert stage(["provenance", "--parameters", "{", *out]) == 2
    assert "--parameters is not JSON" in capsys.readouterr().err
    missing = ["--models", str(tmp_path / "none.onnx")]
    assert stage(["provenance", "--parameters", "{}", *missing, *out]) == 2
    assert "none.onnx" in capsys.readouterr().err
    assert not (tmp_path / "p.json").exists()
