"""Numbers and curves for DVC, from score tables."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from vcmflow.__main__ import main
from vcmflow.core.errors import VcmflowError
from vcmflow.metrics.curves import accuracy_m, rate_accuracy
from vcmflow.metrics.summary import summary


def score(sampler: str, qp: str = "32", **fields: Any) -> dict[str, str]:
    """One row of a table of scores."""
    row = {
        **{"dataset": "rail", "scene": "all", "sampler": sampler, "qp": qp},
        **{"mode": "" if sampler == "source" else "ra", "n": "10", "m": "4"},
        **{"kbps": "100", "map": "0.5", "jaccard": "", "psnr": "30", "ssim": "0.9"},
    }
    return row | {key: str(value) for key, value in fields.items()}


def test_the_summary_averages_over_qps() -> None:
    rows = [score("uniform", "22", map=0.6, kbps=300), score("uniform", "32", map=0.4)]
    found: Any = summary(rows, {})
    assert found["rail"]["ra"]["uniform"] == {
        **{"map": pytest.approx(0.5), "kbps": 200.0, "psnr": 30.0, "ssim": 0.9}
    }


def test_undefined_numbers_are_left_out() -> None:
    found: Any = summary([score("uniform", map="")], {})
    assert "map" not in found["rail"]["ra"]["uniform"]


def test_uncompressed_frames_have_an_accuracy_and_no_rate() -> None:
    found: Any = summary([score("source", qp="", kbps="", psnr="", ssim="")], {})
    assert found == {"rail": {"uncompressed": {"map": 0.5}}}


def test_a_table_of_differences_needs_its_mean() -> None:
    with pytest.raises(VcmflowError, match="table3: 0 rows 'mean'"):
        summary([], {"table3": [{"scene": "a", "p_map": "1", "bd_map": "2"}]})


def test_curves_leave_out_swept_shares_and_uncompressed_frames() -> None:
    rows = [score("uniform"), score("uniform-n5"), score("source"), score("all", map="")]
    assert [point["sampler"] for point in rate_accuracy(rows)] == ["uniform"]


def test_a_sweep_makes_one_curve_at_the_swept_qp() -> None:
    rows = [score("uniform", "22"), score("uniform"), score("uniform-n5", m=3), score("all", m=10)]
    points = list(accuracy_m(rows))
    assert [(p["sampler"], p["qp"], p["share"]) for p in points] == [
        ("uniform", "32", "0.4000"),
        ("uniform", "32", "0.3000"),
        ("all", "32", "1.0000"),
    ]


def test_without_a_sweep_each_run_is_a_point_per_qp() -> None:
    assert len(list(accuracy_m([score("uniform", "22"), score("uniform"), score("source")]))) == 2


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    """A CSV file with the rows' own columns."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_command_reads_tables_and_repeats_itself(tmp_path: Path) -> None:
    scores = write(tmp_path / "dataset.csv", [score("source"), score("uniform")])
    names = ("p_map", "bd_map", "p_map_area", "bd_rate")
    table = write(
        tmp_path / "table3.csv",
        [
            {"scene": "a", **dict.fromkeys(names, "-2.5")},
            {"scene": "empty", **dict.fromkeys(names, "")},
            {"scene": "mean", **dict.fromkeys(names, "-2.5")},
        ],
    )
    checks = write(tmp_path / "sanity.csv", [{"status": "pass"}, {"status": "pass"}])
    written = []
    for _ in range(2):
        outputs = [tmp_path / name for name in ("m.json", "r.csv", "a.csv", "s.csv")]
        flags = ("--metrics-out", "--rate-accuracy-out", "--accuracy-m-out", "--scenes-out")
        words = [word for pair in zip(flags, map(str, outputs), strict=True) for word in pair]
        sources = ["--dataset-scores", str(scores), "--differences", str(table)]
        assert main(["metrics", *sources, "--costs", "--checks", str(checks), *words]) == 0
        written.append([path.read_bytes() for path in outputs])
    assert written[0] == written[1]
    numbers = json.loads(written[0][0])
    assert numbers["table3"]["bd_map"] == -2.5
    assert numbers["checks"] == {"pass": 2}
    assert [line.split(b",")[1] for line in written[0][3].splitlines()[1:]] == [b"a", b"mean"]
