"""Top-1 and top-5 accuracy, and what cannot be scored."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from vcmflow.core.errors import VcmflowError
from vcmflow.core.sequence import Sequence
from vcmflow.score.action import build, pool
from vcmflow.score.registry import accuracy_of, evaluators_of, reads

VIDEO = Sequence("v", "d", "clips", "label", 8, 24.0, 96, 96)


def ranked(*labels: str) -> list[dict[str, Any]]:
    return [{"label": label, "score": 0.5} for label in labels]


def truth(folder: Path, content: dict[str, Any]) -> Path:
    path = folder / "truth.json"
    path.write_text(json.dumps(content))
    return path


def test_shares_of_clips_whose_label_is_first_or_among_five(tmp_path: Path) -> None:
    evaluator = build(VIDEO, truth(tmp_path, {"label": "run"}), None)
    orders = (["run", *"abcdef"], [*"abcd", "run", "e"], [*"abcde", "run"], ["a", "run"])
    evidence = [evaluator.measure(ranked(*order), "x") for order in orders]
    assert [part["place"] for part in evidence] == [0, 4, 5, 1]
    assert pool(evidence) == {"top1": 1 / 4, "top5": 3 / 4}
    assert all(math.isnan(value) for value in pool([]).values())


def test_without_labels_what_the_model_sees_uncompressed_is_true() -> None:
    evaluator = build(VIDEO, None, ranked("walk", "run"))
    assert evaluator.measure(ranked("run", "walk"), "x") == {"place": 1}


def test_a_label_that_is_no_class_of_the_model_is_one_clear_line(tmp_path: Path) -> None:
    evaluator = build(VIDEO, truth(tmp_path, {"label": "surf"}), None)
    with pytest.raises(VcmflowError, match=r"r\.json: v: .*'surf' is none of the model's 2"):
        evaluator.measure(ranked("run", "walk"), "r.json: v")


@pytest.mark.parametrize("results", [[], [{"score": 1}], ["run"], [{"label": 3}]])
def test_other_results_are_one_clear_line(results: list[Any], tmp_path: Path) -> None:
    evaluator = build(VIDEO, truth(tmp_path, {"label": "run"}), None)
    with pytest.raises(VcmflowError, match="not the classes of a clip"):
        evaluator.measure(results, "x")


@pytest.mark.parametrize("content", [{}, {"label": ""}, {"label": 3}, {"label": None}])
def test_a_truth_without_a_label_is_one_clear_line(content: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(VcmflowError, match=r"truth\.json: has no label"):
        build(VIDEO, truth(tmp_path, content), None)


def test_the_kind_has_an_accuracy_that_curves_are_made_of() -> None:
    import pandas as pd

    assert reads("action") == "label"
    assert next(iter(evaluators_of("action").values())).accuracy == "top1"
    scores = pd.DataFrame({"task": ["t", "t"], "metric": ["top1", "top5"]})
    assert accuracy_of(scores, "t").accuracy == "top1"
