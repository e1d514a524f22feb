"""The one reader of scores: what it refuses, and how rows become wide."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import record
from vcmflow.core.rows import Row
from vcmflow.core.scores import (
    COLUMNS,
    Method,
    curve,
    methods_of,
    numbers,
    parse_curves,
    read_scores,
    select,
    tasks_of,
    wide,
    write_scores,
)
from vcmflow.core.titles import Titles, parse_titles


def row(metric: str, value: str, **more: str) -> Row:
    """A row of the data set d with its scenes pooled."""
    about = {"dataset": "d", "scene": "all", "method": "uniform", "sampler": "uniform"}
    about |= {"codec": "vvc", "reconstructor": "flow", "point": "22", "metric": metric}
    return dict.fromkeys(COLUMNS, "") | about | {"value": value} | more


ROWS = [
    row("n", "10", method="source", sampler="", codec="", reconstructor="", point=""),
    row("map", "0.6", method="source", sampler="", codec="", reconstructor="", point="", task="a"),
    row("kbps", "8"),
    row("rate_bytes", "1000"),
    row("map", "0.5", task="a"),
    row("map", "0.4", task="b", status="pseudo"),
    row("ap_car", "", task="a", status="undefined"),
    row("rate_bytes", "400", point="42"),
    row("map", "0.3", point="42", task="a"),
    row("rate_bytes", "90", scene="yard"),
    row("rate_bytes", "60", scene="yard", sequence="yard.1"),
    row("rate_bytes", "40", scene="yard", point="42"),
    row("rate_bytes", "30", scene="yard", sequence="yard.1", point="42"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A table of scores."""
    write_scores(tmp_path / "scores.csv", ROWS)
    return tmp_path / "scores.csv"


def test_wide_rows_have_the_metrics_of_one_task_and_of_none(path: Path) -> None:
    scores = read_scores([path])
    table = wide(scores, "dataset", "a")
    assert list(table["method"]) == ["source", "uniform", "uniform"]
    assert list(table["point"]) == ["", "22", "42"]
    assert list(table["map"]) == [0.6, 0.5, 0.3]
    assert math.isnan(table["ap_car"][1])
    assert math.isnan(table["rate_bytes"][0])
    assert list(table["status"]) == ["", "", ""]
    other = wide(scores, "dataset", "b")
    assert (other["map"][1], other["status"][1]) == (0.4, "pseudo")
    assert "map" not in wide(scores, "dataset")
    assert list(wide(scores, "scene")["rate_bytes"]) == [90, 40]
    assert list(wide(scores, "sequence")["sequence"]) == ["yard.1"] * 2


def test_what_a_table_is_about(path: Path) -> None:
    scores = read_scores([path])
    assert tasks_of(scores) == ["a", "b"]
    assert methods_of(scores) == {"uniform": Method("uniform", "uniform", "vvc", "flow")}
    points = curve(select(wide(scores, "dataset", "a"), "uniform"), "map")
    assert (list(points.rates), list(points.scores)) == ([400, 1000], [0.3, 0.5])
    assert len(curve(select(wide(scores, "dataset"), "uniform"), "psnr")) == 0
    assert math.isnan(numbers(wide(scores, "scene"), "psnr")[0])


def test_a_choice_that_is_not_there_lists_those_that_are(path: Path) -> None:
    table = wide(read_scores([path]), "dataset", "a")
    with pytest.raises(VcmflowError, match="no rows of method 'manyfold'; there are uniform"):
        select(table, "manyfold")
    with pytest.raises(VcmflowError, match="uniform has no point '32'; there are 22, 42"):
        select(table, "uniform", "32")


def test_a_value_of_several_files_is_given_once(path: Path) -> None:
    with pytest.raises(VcmflowError, match="value of d, all, source, n is given twice"):
        read_scores([path, path])


def test_one_name_for_two_methods_is_refused(path: Path) -> None:
    write_scores(path, [row("kbps", "8"), row("kbps", "8", codec="hevc", point="30")])
    with pytest.raises(VcmflowError, match="'uniform' names two methods"):
        methods_of(read_scores([path]))


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (row("map", "much"), "line 3: map is 'much', status ''; a value is a finite number"),
        (row("map", "inf"), "a value is a finite number"),
        (row("map", ""), "a row without a value is undefined"),
        (row("kbps", "-1"), "it cannot be so low"),
        (row("psnr", "130"), "it cannot be so low or so high"),
        (row("stream_bytes.base", "-1"), "it cannot be so low"),
        (row("rate_bytes", "0"), "it has to be positive"),
        (row("map", "1", status="fine"), "a status is empty, pseudo or undefined"),
        (row("map", "1", method=""), "it needs a dataset and a method"),
        (row("", "1"), "it needs a metric"),
    ],
)
def test_values_that_cannot_be_are_refused(path: Path, bad: Row, told: str) -> None:
    write_scores(path, [row("m", "3"), bad])
    with pytest.raises(VcmflowError, match=told) as error:
        read_scores([path])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not a table with a header line"),
        ("a,b\n1,2\n", "no column 'dataset'; there are a, b"),
        (",".join(COLUMNS) + ",speed\n", "unknown column 'speed'; allowed: dataset"),
        (",".join(COLUMNS) + "\n", "has no rows"),
        (",".join(COLUMNS) + "\nd,all\n", "status"),
    ],
)
def test_what_is_no_table_of_scores_is_refused(path: Path, text: str, told: str) -> None:
    path.write_text(text, "utf-8")
    record(path).unlink()
    with pytest.raises(VcmflowError, match=told):
        read_scores([path])
    with pytest.raises(VcmflowError, match="no such file"):
        read_scores([path.with_name("none.csv")])


@pytest.mark.parametrize("lines", range(2, len(ROWS)))
def test_a_table_that_was_cut_off_is_refused(path: Path, lines: int) -> None:
    """Each place lacks what others have; within the last condition only the checksum can tell."""
    write_scores(path, sorted(ROWS, key=lambda row: row["scene"] == "all")[:lines])
    if lines < len(ROWS) - 2:
        with pytest.raises(VcmflowError, match=r"do not both have uniform at .*cut off"):
            read_scores([path])


def test_titles_are_words_for_names() -> None:
    titles = parse_titles(
        '{"manifold_ai": "manifold",'
        ' "vvc": {"title": "random access", "short": "ra", "point": "QP"}}'
    )
    assert (titles.of("manifold_ai"), titles.of("vvc"), titles.of("x")) == (
        *("manifold", "random access", "x"),
    )
    assert (titles.short("vvc"), titles.short("x")) == ("ra", "x")
    assert (titles.point("vvc", "22"), Titles().point("x", "0.1")) == ("QP 22", "point 0.1")


@pytest.mark.parametrize("text", ["uniform", "[]", '{"a": 1}', '{"a": {"name": "b"}}'])
def test_titles_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(VcmflowError, match="--titles"):
        parse_titles(text)


def test_curves_are_lists_of_methods() -> None:
    assert parse_curves('{"a": ["a", "a-n5"]}') == {"a": ["a", "a-n5"]}
    for text in ("a", "[]", '{"a": "b"}'):
        with pytest.raises(VcmflowError, match="--curves"):
            parse_curves(text)
