"""Figs. 6 to 8, times and training: which frame, which labels and masks, which paths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import figures_made_up as made_up
import numpy as np
import pytest
from figures_measure import outside, overlapping, texts
from hypothesis import given, settings
from hypothesis import strategies as st

from vcmflow.core.decision import Decision
from vcmflow.core.errors import VcmflowError
from vcmflow.core.features import write_features
from vcmflow.core.rle import encode_mask
from vcmflow.core.scores import read_scores
from vcmflow.core.trajectory import neighbour_share
from vcmflow.core.truth import Annotation, Found
from vcmflow.figures import detections, embeddings, features, masks, style, time, training
from vcmflow.figures.pictures import Scene, View, choose_frame, lay_out, on, origin, place_labels


def kept(frames: list[int], count: int = 10, sequence: str = "a") -> Decision:
    return Decision(sequence, "x", "x", count, len(frames), tuple(frames), 10.0)


def scene(
    shapes: list[Found], truth: list[Annotation], size: tuple[int, int] = (120, 200)
) -> Scene:
    picture = np.full((*size, 3), 90, np.uint8)
    views = tuple(
        View(name, name, "frame 4", picture, tuple(shapes)) for name in ("source", "uniform")
    )
    return Scene("a", 4, views, tuple(truth), {1: "person", 2: "bicycle"})


def test_the_frame_shown_is_dropped_by_all_and_nearest_the_middle() -> None:
    assert choose_frame([kept([0, 3, 6, 9]), kept([0, 4, 6, 9])]) == 5
    assert choose_frame([kept([0, 3, 6, 9]), kept([0, 4, 5, 9])]) == 2
    assert choose_frame([kept(list(range(10)))]) == 4  # all kept: the middle, the earlier of two
    assert choose_frame([kept(list(range(10))), kept([0, 4, 5, 6, 9])]) == 3
    with pytest.raises(VcmflowError, match=r"one sequence, found a \(10 frames\), b"):
        choose_frame([kept([0, 9]), kept([0, 9], sequence="b")])


def test_the_origin_of_a_frame_names_its_neighbours() -> None:
    assert origin(kept([0, 3, 6, 9]), 4) == "frame 4, interpolated from 3 and 6"
    assert origin(kept([0, 3, 6, 9]), 6) == "frame 6, kept"


BOXES = st.tuples(st.floats(-20, 190), st.floats(-20, 110), st.floats(1, 150), st.floats(1, 90))


@settings(max_examples=15, deadline=None)
@given(st.lists(BOXES, min_size=1, max_size=25))
def test_labels_never_overlap_nor_leave_the_picture(
    boxes: list[tuple[float, float, float, float]],
) -> None:
    with style.context():
        figure, panels = lay_out(scene([], []), "")
        labels = [(f"person 0.{place:02d}", box, "#56B4E9") for place, box in enumerate(boxes)]
        left_out = place_labels(figure, panels[0], labels)
        written = [(text.get_text(), text.get_window_extent()) for text in panels[0].texts]
    written = [entry for entry in written if entry[0].startswith("person")]
    assert len(written) + left_out == len(boxes)
    assert overlapping(written) == []
    inside = panels[0].get_window_extent()
    for _, box in written:
        assert inside.x0 - 1 < box.x0 and box.x1 < inside.x1 + 1
        assert inside.y0 - 1 < box.y0 and box.y1 < inside.y1 + 1


def thing(
    picture: np.ndarray | None,
    object_id: int,
    box: tuple[float, float, float, float] = (0, 0, 1, 1),
) -> Annotation:
    code = None if picture is None else encode_mask(picture)
    return Annotation(4, 1, box, 1.0, False, False, object_id, code)


def test_detections_below_the_threshold_or_of_other_classes_are_not_drawn() -> None:
    shapes = [
        Found(4, 1, (10, 20, 40, 60), 0.9, None),
        Found(4, 2, (90, 20, 40, 60), 0.4, None),
        Found(4, 17, (130, 20, 40, 60), 0.9, None),
    ]
    figure = detections.draw(scene(shapes, [thing(None, 1, (12, 20, 40, 60))]))
    said = [text for text, _ in texts(figure)]
    assert said.count("person 0.90") == 2  # in both panels
    assert not any("bicycle 0" in text for text in said)
    lower = detections.draw(scene(shapes, []), threshold=0.3)
    assert [text for text, _ in texts(lower)].count("bicycle 0.40") == 2


def mask(rows: slice, columns: slice, size: tuple[int, int] = (120, 200)) -> np.ndarray:
    picture = np.zeros(size, bool)
    picture[rows, columns] = True
    return picture


def shape(picture: np.ndarray) -> Found:
    return Found(4, 1, (0, 0, 1, 1), 1.0, encode_mask(picture))


def test_masks_are_assigned_for_the_greatest_overlap_and_missing_ones_count_nothing() -> None:
    truth = [mask(slice(0, 40), slice(0, 40)), mask(slice(60, 100), slice(0, 40))]
    good = mask(slice(0, 40), slice(0, 20))
    better = mask(slice(0, 40), slice(0, 40))
    found = masks.match(truth, [good, better])
    assert [entry.jaccard for entry in found] == [1.0, 0.0]
    assert found[1].predicted is None
    figure = masks.draw(scene([shape(good)], [thing(truth[1], 2), thing(truth[0], 1)]))
    said = [text for text, _ in texts(figure)]
    assert said.count("J = 0.25") == 2  # one object half covered, the other missed
    assert {"object 1", "object 2", "no mask found"} <= set(said)
    assert outside(figure, texts(figure)) == []


def test_the_window_holds_all_objects_in_the_frames_proportions() -> None:
    small = mask(slice(50, 60), slice(150, 170))
    assert masks.window([small], 120, 200) == (100.0, 25.0, 100.0, 60.0)
    assert masks.window([mask(slice(0, 120), slice(0, 200))], 120, 200) == (0, 0, 200, 120)
    assert masks.window([], 120, 200) == (0, 0, 200, 120)
    corner = masks.window([mask(slice(0, 5), slice(195, 200))], 120, 200)
    assert corner == (100.0, 0.0, 100.0, 60.0)


def test_a_mask_of_another_size_is_refused() -> None:
    wrong = thing(mask(slice(0, 4), slice(0, 4), (60, 60)), 1)
    with pytest.raises(VcmflowError, match="a mask is 60x60, the frame is 200x120"):
        masks.draw(scene([], [wrong]))


def test_text_on_colours_is_readable() -> None:
    assert on("#F0E442") == "black"
    assert on("#332288") == "white"


# --- Fig. 8 ---------------------------------------------------------------------------------------


def test_projection_is_repeatable_and_keeps_a_path_together() -> None:
    path = np.stack([np.cos(np.arange(30) / 10), np.sin(np.arange(30) / 10)], axis=1) * 1e-3
    first, again = embeddings.project(path, 0), embeddings.project(path, 0)
    assert first is not None and again is not None
    assert np.array_equal(first, again)
    assert neighbour_share(first) > 0.8


@pytest.mark.parametrize("alike", [np.ones((12, 8)), np.zeros((9, 4)), np.ones((3, 5))])
def test_frames_without_differences_are_said_to_be_so(alike: np.ndarray) -> None:
    assert embeddings.project(alike, 0) is None
    figure = embeddings.draw(["a"], [("left", [alike]), ("right", [alike])])
    said = [text for text, _ in texts(figure)]
    assert said.count("too few frames" if len(alike) < 4 else "all frames alike") == 2


@pytest.mark.parametrize(("count", "across"), [(2, 2), (3, 3), (5, 5), (8, 4), (9, 5)])
def test_many_embeddings_continue_below(count: int, across: int) -> None:
    walks = [made_up.walk(12, seed) for seed in range(2)]
    columns = [(f"embedding {place}", walks) for place in range(count)]
    figure = embeddings.draw(["bear", "dog"], columns)
    panels = [axes for axes in figure.axes if axes.get_visible() and axes.get_xlabel()]
    assert len(panels) == 2 * count
    assert figure.get_size_inches()[0] <= style.WIDTH
    titles = [axes.get_title() for axes in panels if axes.get_title()]
    assert len(titles) == count
    names = [axes.get_ylabel() for axes in panels if axes.get_ylabel()]
    assert names == ["bear", "dog"] * -(-count // across)


# --- times, training ------------------------------------------------------------------------------


def test_stage_times_add_up_and_short_jobs_count_with_their_wall_time(tmp_path: Path) -> None:
    header = "s\th:m:s\tmean_load\tcpu_time\n"
    for name, rows in {
        "a.tsv": "10.0\t0:00:10\t180\t18.0\n",
        "b.tsv": "0.2\t0:00:00\tNA\tNA\n",
        "c.tsv": "4.0\t0:00:04\t90\t3.0\n6.0\t0:00:06\t90\t5.0\n",  # a benchmark repeated twice
    }.items():
        (tmp_path / name).write_text(header + rows)
    names = ["encode", "encode", "task"]
    encode, task = time.stage_times([tmp_path / f"{n}.tsv" for n in "abc"], names)
    assert encode == time.StageTime("encode", 2, 10.2, 18.2, 1)
    assert task == time.StageTime("task", 1, 5.0, 4.0, 0)
    (whole,) = time.stage_times([tmp_path], ["all"])
    assert (whole.jobs, whole.wall) == (3, pytest.approx(15.2))
    (tmp_path / "d.tsv").write_text("nothing\n1\n")
    with pytest.raises(VcmflowError, match="not a Snakemake benchmark"):
        time.stage_times([tmp_path], ["all"])


def test_times_are_shown_in_a_fitting_unit() -> None:
    for seconds, unit in ((2.0, "s"), (900.0, "min"), (90_000.0, "h")):
        figure = time.draw([time.StageTime("task", 1, seconds, seconds, 0)])
        assert f"time ({unit}), summed over the jobs of a stage" in [t for t, _ in texts(figure)]


def test_logs_of_any_columns_are_drawn(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "step,phase,loss,box_loss,validation_map,never\n"
        "10,warm,2.0,1.0,,0\n20,main,1.5,0.7,0.31,0\n30,main,1.2,0.6,0.4,0\n"
    )
    log = training.read_log(path)
    assert list(log.columns) == ["loss", "box_loss", "validation_map"]
    panels = training.groups(list(log.columns))
    assert panels == {"loss": ["loss", "box_loss"], "validation_map": ["validation_map"]}
    figure = training.draw([("detector", log), ("segmenter", log)])
    assert [axes.get_title() for axes in figure.axes] == [
        "detector: loss",
        "detector: validation map",
        "segmenter: loss",
        "segmenter: validation map",
    ]
    line = figure.axes[1].lines[0]
    drawn = np.asarray(line.get_ydata(), float)
    assert np.array_equal(drawn[np.isfinite(drawn)], [0.31, 0.4])
    (tmp_path / "words.csv").write_text("step,phase\n1,warm\n")
    with pytest.raises(VcmflowError, match="no column of numbers"):
        training.read_log(tmp_path / "words.csv")


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=60), st.integers(1, 9))
def test_smoothing_keeps_length_and_range(values: list[float], window: int) -> None:
    smoothed = training.smooth(np.array(values), window)
    assert len(smoothed) == len(values)
    assert smoothed.min() >= min(values) - 1e-6
    assert smoothed.max() <= max(values) + 1e-6


def test_parts_of_a_rate_sum_to_the_rate(flags: Callable[[str], list[Any]], tmp_path: Path) -> None:
    given = flags("features")
    bits = given[given.index("--bits") + 1 : given.index("--titles")]
    table = read_scores([given[1]])
    found = features.parts_of_rate(table, "coded", bits)
    assert list(found) == ["16", "256"]
    parts = {"intra pictures": 0.01, "motion": 0.02, "context": 0.05, "hyper latents": 0.014}
    assert found["16"] == pytest.approx({**parts, "lengths, checksums": 0.006})
    with pytest.raises(VcmflowError, match="more bytes than the streams have"):
        features.parts_of_rate(table, "coded", bits * 3)
    with pytest.raises(VcmflowError, match="lacks one of the columns"):
        (tmp_path / "16.bits.csv").write_text("frame,bytes\n0,5\n")
        features.parts_of_rate(table, "coded", [tmp_path / "16.bits.csv"])
    shown = {"channels": np.arange(2), "before": np.ones((2, 3, 4)), "after": np.ones((2, 3, 5))}
    write_features(tmp_path / "m.npz", [shown])
    with pytest.raises(VcmflowError, match="not a record of maps"):
        features.read_shown(tmp_path / "m.npz")
