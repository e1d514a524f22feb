"""Many runs in one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcmflow.core.errors import VcmflowError
from vcmflow.core.runs import Run, read_run, read_runs, write_runs

ONE = {"image_id": 0, "category_id": 1, "bbox": [1.0, 2.0, 3.0, 4.0], "score": 0.5}


def test_runs_come_back_in_order_also_the_empty_ones(tmp_path: Path) -> None:
    path = tmp_path / "000.json"
    runs = [(Run("a", "22"), [ONE, ONE]), (Run("b-é"), []), (Run("a", "0.5"), [])]
    write_runs(path, "detection", "m", runs)
    assert list(read_runs(path).items()) == runs
    assert read_run(path, runs[1][0]) == []
    with pytest.raises(VcmflowError, match="no results of c at 22"):
        read_run(path, Run("c", "22"))


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        '{"runs": [{"sequence": "a"}]}',
        '{"runs": [{"sequence": "a", "point": "1", "results": {}}]}',
        '{"runs": [{"sequence": "a", "point": 1, "results": []}]}',
    ],
)
def test_another_file_is_one_clear_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(VcmflowError, match="not a file of task results"):
        read_runs(path)


def test_a_run_may_not_stand_there_twice(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_runs(path, "detection", "m", [(Run("a"), []), (Run("a"), [])])
    with pytest.raises(VcmflowError, match="the run a stands there twice"):
        read_runs(path)
