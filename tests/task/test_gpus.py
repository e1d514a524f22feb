"""Jobs side by side take different GPUs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from vcmflow.core.gpus import claim, visible_names

HOLD = """
import sys
from pathlib import Path
from vcmflow.core.gpus import claim
print(claim(["0", "1", "2"], Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def test_gpus_have_the_names_that_all_processes_know_them_by() -> None:
    assert visible_names(2, {}) == ["0", "1"]
    assert visible_names(2, {"CUDA_VISIBLE_DEVICES": "3, 1"}) == ["3", "1"]
    assert visible_names(2, {"CUDA_VISIBLE_DEVICES": "GPU-8a"}) == ["GPU-8a", "1"]


def test_each_process_claims_one_until_it_ends(tmp_path: Path) -> None:
    held = []
    for place in (0, 1):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        held.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == f"{place}\n"
    try:
        assert claim(["0", "1"], tmp_path) in (0, 1)  # both taken: shared
        assert claim(["0", "1", "2"], tmp_path) == 2
        assert claim(["0", "1", "2"], tmp_path) == 2  # once more by the same process
    finally:
        for process in held:
            process.communicate("")
    assert claim(["0"], tmp_path) == 0


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    claim(["0"], tmp_path)
    (lock,) = tmp_path.iterdir()
    target = tmp_path / "target"
    other = tmp_path / "other"
    other.mkdir()
    (other / lock.name).symlink_to(target)
    assert claim(["0", "1"], other) == 1
    assert not target.exists()
