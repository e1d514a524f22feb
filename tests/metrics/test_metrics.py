"""Numbers and curves for DVC, from score tables."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from vcmflow.__main__ import stage
from vcmflow.core.errors import VcmflowError
from vcmflow.core.rows import Row
from vcmflow.core.scores import COLUMNS, read_scores, write_scores
from vcmflow.metrics.curves import accuracy_m, rate_accuracy
from vcmflow.metrics.summary import summary

Metrics = Mapping[str, float | str]
UNIFORM: Metrics = {"n": 10, "m": 4, "kbps": 100, "psnr": 30, "ssim": 0.9, "map": 0.5}


def rows(method: str, point: str = "32", codec: str = "vvc", **changes: float | str) -> list[Row]:
    """The scores of one condition, all scenes pooled; an empty value is undefined."""
    chain = {"sampler": method, "codec": codec, "reconstructor": "flow", "point": point}
    numbers: Metrics = UNIFORM | changes
    if method == "source":
        chain, numbers = {}, {"n": 10, "map": 0.5} | changes
    about = dict.fromkeys(COLUMNS, "") | {"dataset": "rail", "scene": "all", "method": method}
    return [
        about
        | chain
        | {"metric": metric, "value": str(value), "status": "" if value != "" else "undefined"}
        | {"task": "boxes" if metric == "map" else "masks" if metric == "jaccard" else ""}
        for metric, value in numbers.items()
    ]


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., pd.DataFrame]:
    """Rows as they are read from a file."""

    def reader(*parts: list[Row]) -> pd.DataFrame:
        write_scores(tmp_path / "scores.csv", [row for part in parts for row in part])
        return read_scores([tmp_path / "scores.csv"])

    return reader


Read = Callable[..., pd.DataFrame]


def test_the_summary_averages_over_points(read: Read) -> None:
    scores = read(rows("uniform", "22", map=0.6, kbps=300), rows("uniform", "32", map=0.4))
    found: Any = summary(scores, {})
    assert found["rail"]["uniform"] == {
        **{"boxes": {"map": pytest.approx(0.5)}, "kbps": 200.0, "psnr": 30.0, "ssim": 0.9}
    }


def test_every_task_has_its_accuracy(read: Read) -> None:
    found: Any = summary(read(rows("uniform", jaccard=0.7)), {})
    assert found["rail"]["uniform"]["boxes"] == {"map": 0.5}
    assert found["rail"]["uniform"]["masks"] == {"jaccard": 0.7}
    assert found["rail"]["uniform"]["kbps"] == 100


def test_undefined_numbers_are_left_out(read: Read) -> None:
    found: Any = summary(read(rows("uniform", map="")), {})
    assert found["rail"]["uniform"] == {"kbps": 100.0, "psnr": 30.0, "ssim": 0.9}


def test_uncompressed_frames_have_an_accuracy_and_no_rate(read: Read) -> None:
    found: Any = summary(read(rows("source")), {})
    assert found == {"rail": {"uncompressed": {"boxes": {"map": 0.5}}}}


def test_a_table_of_differences_needs_its_mean(read: Read) -> None:
    with pytest.raises(VcmflowError, match="table3: 0 rows 'mean'"):
        summary(read(rows("source")), {"table3": [{"scene": "a", "p_map": "1", "bd_map": "2"}]})


def test_curves_leave_out_single_points_and_uncompressed_frames(read: Read) -> None:
    curves = (rows("uniform", "22"), rows("uniform"), rows("uniform-n5"), rows("source"))
    points = list(rate_accuracy(read(*curves, rows("all", map=""))))
    assert [(point["method"], point["point"]) for point in points] == [
        *(("uniform", "22"), ("uniform", "32")),
    ]
    assert points[0]["panel"] == "rail, vvc, boxes: map"
    assert (points[0]["kbps"], points[0]["accuracy"]) == ("100.0000", "0.500000")
    assert [point["method"] for point in rate_accuracy(read(rows("a"), rows("b")))] == ["a", "b"]


def test_a_sweep_makes_one_curve_at_the_swept_point(read: Read) -> None:
    scores = read(
        *(rows("uniform", "22"), rows("uniform"), rows("uniform-n5", m=3), rows("all", m=10)),
    )
    curves = {"uniform": ["uniform", "uniform-n5"], "all": ["all"]}
    points = list(accuracy_m(scores, curves, ["32"]))
    assert [(p["method"], p["point"], p["share"]) for p in points] == [
        ("uniform", "32", "0.4000"),
        ("uniform", "32", "0.3000"),
        ("all", "32", "1.0000"),
    ]


def test_without_a_sweep_each_method_is_a_point_per_point(read: Read) -> None:
    scores = read(rows("uniform", "22"), rows("uniform"), rows("source"))
    assert len(list(accuracy_m(scores, {}))) == 2


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    """A CSV file with the rows' own columns."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_command_reads_tables_and_repeats_itself(tmp_path: Path) -> None:
    scores = tmp_path / "scores.csv"
    write_scores(scores, [*rows("source"), *rows("uniform")])
    names = ("p_map", "bd_map", "p_map_area", "bd_rate")
    errors, statuses = ([f"{name}_{of}" for name in names] for of in ("error", "status"))
    tables = [
        write(
            tmp_path / f"{name}.csv",
            [
                {"scene": scene, **dict.fromkeys(names, value), **dict.fromkeys(errors, error)}
                | dict.fromkeys(statuses, status)
                for scene, value, error, status in (
                    ("a", "-2.5", "", "ok"),
                    ("empty", "", "", "no_overlap"),
                    ("mean", "-2.5", *mean),
                )
            ],
        )
        for name, mean in (("table3", ("", "1 of 2")), ("table4", ("0.5", "3 of 4")))
    ]
    checks = write(tmp_path / "sanity.csv", [{"status": "pass"}, {"status": "pass"}])
    written = []
    for _ in range(2):
        outputs = [tmp_path / name for name in ("m.json", "r.csv", "a.csv", "s.csv")]
        flags = ("--metrics-out", "--rate-accuracy-out", "--accuracy-m-out", "--scenes-out")
        words = [word for pair in zip(flags, map(str, outputs), strict=True) for word in pair]
        sources = ["--scores", str(scores), "--differences", *map(str, tables)]
        assert stage(["metrics", *sources, "--costs", "--checks", str(checks), *words]) == 0
        written.append([path.read_bytes() for path in outputs])
    assert written[0] == written[1]
    numbers = json.loads(written[0][0])
    # A mean over one scene has no standard error.
    assert numbers["table3"]["bd_map"] == {"mean": -2.5, "n": 1}
    assert numbers["table4"]["bd_map"] == {"mean": -2.5, "error": 0.5, "n": 3}
    assert numbers["checks"] == {"pass": 2}
    assert [line.split(b",")[1] for line in written[0][3].splitlines()[1:]] == [b"a", b"mean"] * 2
