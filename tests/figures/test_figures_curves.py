"""Curves: what is undefined is left out and said, one point is enough, many stay legible."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figures_made_up import SAMPLERS, SCENES, TITLES, scores_table, tidy
from figures_measure import legend_labels, outside, overlapping, texts
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from skimage.color import rgb2lab

from vcmflow.core.decision import Decision
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import lookup
from vcmflow.core.scores import wide
from vcmflow.core.titles import Titles
from vcmflow.figures import style, timeline
from vcmflow.figures.inputs import Inputs
from vcmflow.figures.rates import chosen_methods, common_units, mean_curve
from vcmflow.figures.registry import FIGURES


def draw(figure: str, table: pd.DataFrame, level: str = "scene", **choices: Any) -> Figure:
    """Draw a figure of wide scores."""
    inputs = Inputs(figure, scores=(Path("x"),), titles=Titles(TITLES), **choices)
    inputs.__dict__["table"] = tidy(table, level)  # as if it had been read from a file
    built: Figure = lookup(FIGURES, figure, "figure")(inputs)
    return built


def panel(figure: Figure, title: str) -> Axes:
    return next(axes for axes in figure.axes if axes.get_title() == title)


def curves(axes: Axes) -> dict[str, int]:
    """Colour -> points of each curve with markers."""
    lines = [line for line in axes.lines if line.get_marker() not in ("", "None")]
    return {str(line.get_color()): len(np.asarray(line.get_xdata())) for line in lines}


def words(figure: Figure) -> str:
    return "\n".join(text for text, _ in texts(figure))


def test_each_scene_has_its_curves_its_reference_line_and_natural_order() -> None:
    table = scores_table(scenes=SCENES[-4:])
    figure = draw("fig5", table, methods=tuple(f"{name}_vvc_ai" for name in SAMPLERS))
    titles = [axes.get_title() for axes in figure.axes if axes.get_visible()]
    assert titles == list(SCENES[-4:])  # 9 before 10
    for scene in SCENES[-4:]:
        axes = panel(figure, scene)
        assert set(curves(axes).values()) == {6}
        assert len(curves(axes)) == 4
        level = table[(table.scene == scene) & (table.method == "source")]["map"].iloc[0]
        assert any(np.allclose(np.asarray(line.get_ydata()), level) for line in axes.lines)
        drawn = next(line for line in axes.lines if len(np.asarray(line.get_xdata())) == 6)
        uniform = table[(table.scene == scene) & (table.method == "uniform_vvc_ai")]
        uniform = uniform.sort_values("kbps")
        assert np.allclose(np.asarray(drawn.get_xdata()), uniform["kbps"])
        assert np.allclose(np.asarray(drawn.get_ydata()), uniform["map"])


def test_undefined_scores_are_left_out_and_named() -> None:
    table = scores_table(scenes=SCENES[:3], codecs=["vvc"])
    table.loc[table.scene == SCENES[0], "map"] = np.nan
    table.loc[(table.scene == SCENES[1]) & (table.method == "tracking"), "map"] = np.nan
    lost = (table.scene == SCENES[2]) & (table.method == "uniform") & (table.point == "47")
    table.loc[lost, "map"] = np.nan
    figure = draw("fig4", table)
    assert curves(panel(figure, SCENES[0])) == {}
    assert "mAP undefined" in words(figure)
    assert len(curves(panel(figure, SCENES[1]))) == 3
    assert "no data: tracking" in words(figure)
    assert sorted(curves(panel(figure, SCENES[2])).values()) == [5, 6, 6, 6]


def test_one_point_one_scene_one_method_is_a_figure() -> None:
    table = scores_table(scenes=SCENES[:1], samplers=["mine"], points=[37], codecs=["vvc"])
    for figure in (draw("fig4", table), draw("rate_scores", table)):
        assert list(curves(figure.axes[0]).values()) == [1]
        assert overlapping(texts(figure)) == []
        assert "mine" in legend_labels(figure)


def test_a_choice_that_is_not_there_is_an_error_that_lists_those_that_are() -> None:
    table = scores_table(scenes=SCENES[:1], codecs=["vvc"])
    with pytest.raises(VcmflowError, match="no rows of method 'manyfold'; there are uniform, tr"):
        draw("rate_scores", table, methods=("manyfold",))
    with pytest.raises(VcmflowError, match="--task 'x'; the scores are of: detection"):
        draw("fig4", table, task="x")
    with pytest.raises(VcmflowError, match="uniform has no point '30'; there are 22, 27"):
        draw("accuracy_m", table, points=("30",), curves={"uniform": ["uniform"]})
    with pytest.raises(VcmflowError, match="needs --curves"):
        draw("accuracy_m", table, points=("32",))


def test_single_points_are_no_curves_where_others_are() -> None:
    table = scores_table(scenes=SCENES[:1], codecs=["vvc"], samplers=["uniform", "uniform-n5"])
    table = table[(table.method != "uniform-n5") | (table.point == "32")]
    assert chosen_methods(tidy(table)) == ["uniform"]
    assert chosen_methods(tidy(table), ["uniform-n5"]) == ["uniform-n5"]
    assert chosen_methods(tidy(table[table.point != "22"]))  # any points at all


def test_forty_sequences_are_a_mean_with_thin_lines_and_few_a_row_each() -> None:
    table = scores_table(scenes=[f"s{i}" for i in range(40)], codecs=["vvc"], kind="")
    many = draw("rd", table, "sequence")
    axes = many.axes[0]
    assert len([a for a in many.axes if a.get_visible()]) == 2
    assert len(curves(axes)) == 4
    assert len([line for line in axes.lines if line.get_linewidth() < 0.5]) == 160
    assert "mean of 40" in words(many)
    few = draw("rd", scores_table(scenes=["b", "a"], codecs=["vvc"], kind=""), "sequence")
    assert [axes.get_ylabel() for axes in few.axes[::2]] == ["mean of 2", "a", "b"]


def test_many_codecs_share_the_panels_of_a_score() -> None:
    codecs = ["vvc", "hevc", "av1"]
    table = scores_table(scenes=["b", "a"], codecs=codecs, samplers=["uniform", "all"], kind="")
    figure = draw("rd", table, "sequence")
    assert [axes.get_title() for axes in figure.axes[:2]] == ["PSNR (dB)", "SSIM"]
    assert len([line for line in figure.axes[0].lines if len(line.get_xdata()) == 6]) == 6
    assert {"random access", "hevc", "av1"} <= set(legend_labels(figure))
    assert overlapping(texts(figure)) == []


def test_means_are_over_the_same_scenes_for_every_curve() -> None:
    table = scores_table(scenes=SCENES[:3], codecs=["vvc"])
    table.loc[
        (table.scene == SCENES[0]) & (table.point == "22") & (table.method == "all"), "map"
    ] = np.nan
    figure = draw("rate_scores", table)
    assert "mean of 2 of 3 scenes" in words(figure)
    axes = panel(figure, "mAP (IoU 0.50:0.95)")
    colour = style.looks(["uniform"])["uniform"].colour
    line = next(line for line in axes.lines if line.get_color() == colour)
    kept = table[(table.method == "uniform") & (table.scene != SCENES[0])]
    expected = kept.groupby("point")["map"].mean().to_numpy()[::-1]
    assert np.allclose(np.asarray(line.get_ydata()), expected)


def test_mean_over_no_common_unit_is_empty_and_said() -> None:
    table = scores_table(scenes=SCENES[:2], samplers=["uniform", "manifold"], codecs=["vvc"])
    for scene, method in zip(SCENES[:2], ("uniform", "manifold"), strict=True):
        table.loc[(table.scene == scene) & (table.method == method), "map"] = np.nan
    coded = wide(tidy(table), "scene", "detection")
    coded = coded[coded.method != "source"]
    assert common_units(coded, "scene", "map") == []
    assert len(mean_curve(coded, "scene", [], "map")) == 0
    assert "no scene with a score" in words(draw("rate_scores", table))


def test_two_tasks_on_one_dataset_have_a_row_each() -> None:
    table = scores_table(scenes=SCENES[:2], codecs=["vvc"])
    second = table.assign(task="second", map=table["map"] / 2)
    figure = draw(
        "rate_scores",
        pd.concat([table, second]).drop_duplicates(["scene", "method", "point", "task"]),
    )
    assert [axes.get_ylabel() for axes in figure.axes[::4]] == [
        *("railway, detection", "railway, second"),
    ]


def test_accuracy_against_m_runs_from_the_smallest_share_to_all_frames() -> None:
    names = ["uniform", "uniform-n2", "uniform-n5", "manifold", "manifold-n2", "all"]
    table = scores_table(scenes=SCENES[:3], samplers=names, codecs=["vvc"], points=[32])
    chosen = {"uniform": names[:3], "manifold": names[3:5]}
    figure = draw("accuracy_m", table, points=("32",), curves=chosen, whole="all")
    colour = style.looks(["uniform"])["uniform"].colour
    left, right = figure.axes
    for axes, column in ((left, "map"), (right, "kbps")):
        line = next(line for line in axes.lines if line.get_color() == colour)
        assert np.allclose(np.asarray(line.get_xdata()), [0.3, 0.4, 0.6, 1.0])
        end = table[table.method == "all"][column].mean()
        assert np.asarray(line.get_ydata())[-1] == pytest.approx(end)
    assert overlapping(texts(figure)) == []


def test_accuracy_against_m_has_a_row_per_operating_point() -> None:
    names = ["uniform", "uniform-n2", "all"]
    table = scores_table(scenes=SCENES[:3], samplers=names, codecs=["vvc"], points=[22, 32])
    curves = {"uniform": names[:2]}
    figure = draw("accuracy_m", table, points=("22", "32"), curves=curves, whole="all")
    titles = [axes.get_title(loc="left") for axes in figure.axes[::2]]
    assert [title.split()[-1] for title in titles] == ["22", "32"]
    assert len(figure.axes) == 4


# --- methods' looks -------------------------------------------------------------------------------


def looks_of(table: pd.DataFrame) -> style.Key:
    methods = [name for name in table["method"].unique() if name != "source"]
    return style.method_looks(tidy(table), methods, Titles(TITLES))


def test_colour_is_the_sampler_line_the_codec_and_marker_the_reconstructor() -> None:
    table = scores_table(
        scenes=SCENES[:1], samplers=["uniform", "manifold"], codecs=["vvc", "hevc"]
    )
    both = scores_table(scenes=SCENES[:1], samplers=["uniform"], reconstructors=["flow", "hold"])
    key = looks_of(table)
    assert len({key.looks[name].colour for name in ("uniform", "uniform_hevc")}) == 1
    assert key.looks["uniform"].colour != key.looks["manifold"].colour
    assert key.looks["uniform"].dashes == key.looks["manifold"].dashes == "-"
    assert key.looks["uniform_hevc"].dashes == key.looks["manifold_hevc"].dashes != "-"
    assert key.handles()[1] == ["uniform", "manifold", "random access", "hevc"]
    # One sampler: colours are the codecs'.
    key = looks_of(both)
    assert key.looks["uniform"].colour != key.looks["uniform_vvc_ai"].colour
    assert key.looks["uniform"].marker != key.looks["uniform_hold"].marker
    assert key.looks["uniform_hold"].marker == key.looks["uniform_vvc_ai_hold"].marker
    assert sorted(key.handles()[1]) == ["all-intra", "flow", "hold", "random access"]


def test_forty_cells_all_look_different() -> None:
    table = scores_table(
        scenes=SCENES[:1],
        samplers=["all", "uniform", "manifold", "mine"],
        codecs=["vvc", "hevc", "av1", "avc", "vvc_ai"],
        reconstructors=["flow", "hold"],
    )
    found = looks_of(table).looks
    assert len(found) == 40
    assert len({(one.colour, str(one.dashes), one.marker) for one in found.values()}) == 40


# --- samplers' looks ------------------------------------------------------------------------------

# Full dichromacy (Machado et al. 2009, severity 1.0), on linear RGB.
DEFICIENT = {
    "protan": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deutan": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritan": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
    "grey": [[0.2126, 0.7152, 0.0722]] * 3,
    "none": np.eye(3).tolist(),
}


@pytest.mark.parametrize("kind", DEFICIENT)
def test_the_papers_samplers_differ_for_every_kind_of_colour_vision(kind: str) -> None:
    seen = {}
    for name, look in style.looks(["uniform", "tracking", "manifold"]).items():
        linear = np.array(to_rgb(look.colour)) ** 2.2
        changed = np.clip(np.array(DEFICIENT[kind]) @ linear, 0, 1) ** (1 / 2.2)
        seen[name] = rgb2lab(changed)
    for first, second in itertools.combinations(seen.values(), 2):
        assert np.linalg.norm(first - second) > 10


def test_eleven_further_samplers_have_looks_of_their_own() -> None:
    names = [f"variant_{place}" for place in range(11)]
    found = style.looks([*names, "uniform", "tracking", "manifold", "all"])
    assert len({(look.colour, look.marker) for look in found.values()}) == 15
    assert style.looks(names[:1])[names[0]] == found[names[0]]


def test_a_sampler_looks_the_same_everywhere_and_unlike_the_others() -> None:
    every = style.looks(["mine", "uniform", "all", "tracking", "yours", "manifold", "source"])
    assert list(every) == ["uniform", "tracking", "manifold", "mine", "yours", "all", "source"]
    assert style.looks(["manifold", "mine"]) == {n: every[n] for n in ("manifold", "mine")}
    assert len({look.colour for look in every.values()}) == len(every)
    assert len({look.marker for look in every.values()}) == len(every)


@given(st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), max_size=8, unique=True))
def test_up_to_eight_further_samplers_have_colours_of_their_own(names: list[str]) -> None:
    found = style.looks([*names, "uniform", "tracking", "manifold"])
    assert len({look.colour for look in found.values()}) == len(found)
    assert found == style.looks([*reversed(names), "manifold", "tracking", "uniform"])


# --- text and tables ------------------------------------------------------------------------------


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=60))
def test_shortened_text_fits_and_keeps_both_ends(text: str) -> None:
    shorter = style.fit(text, 1.0)
    assert style.text_width(shorter, 7.5) <= 1.0
    if shorter != text:
        head, tail = shorter.split("…") if shorter.count("…") == 1 else (text, text)
        assert text.startswith(head)
        assert text.endswith(tail)


@given(st.lists(st.from_regex(r"[a-z]{1,12}", fullmatch=True), max_size=20))
def test_wrapped_text_keeps_its_words_and_fits(words_given: list[str]) -> None:
    lines = style.wrap(" ".join(words_given), 1.5, 6.5).splitlines()
    assert " ".join(lines).split() == words_given
    assert all(style.text_width(line, 6.5) <= 1.5 for line in lines)


# --- timelines ------------------------------------------------------------------------------------


def kept(sequence: str, sampler: str, frames: list[int]) -> Decision:
    return Decision(sequence, sampler, sampler, frames[-1] + 1, len(frames), tuple(frames), 10.0)


def test_forty_sequences_have_a_panel_each_that_can_be_read() -> None:
    decisions = [
        kept(f"sequence_{number}", sampler, [0, 5, 20, 40])
        for number in range(40)
        for sampler in ("uniform", "tracking", "manifold", "all")
    ]
    figure = timeline.draw(decisions, {})
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title("left") for axes in shown] == [f"sequence_{n}" for n in range(40)]
    found = texts(figure)
    assert overlapping(found) == []
    assert outside(figure, found) == []
    assert figure.get_figheight() < 11


def test_ticks_stand_at_the_kept_frames_and_gaps_in_the_data_are_told() -> None:
    embedding = np.cumsum([[0.0], [1.0], [0.0], [3.0], [1.0]], axis=0)
    decisions = [
        kept("a", "uniform", [0, 2, 4]),
        kept("a", "manifold", [0, 3, 4]),
        kept("b", "uniform", [0, 1, 4]),
    ]
    figure = timeline.draw(decisions, {"a": embedding})
    first = panel_left(figure, "a")
    ticks = [[seg[0][0] for seg in c.get_segments()] for c in first.collections]
    assert ticks == [[0, 2, 4], [0, 3, 4]]
    assert timeline.content_speed(embedding).tolist() == [1, 0, 3, 1]
    said = words(figure)
    assert "no data" in said
    assert "no embedding" in said


def panel_left(figure: Figure, title: str) -> Axes:
    return next(axes for axes in figure.axes if axes.get_title("left") == title)


def test_contradictions_between_decisions_are_refused() -> None:
    with pytest.raises(VcmflowError, match=r"\[5, 6\] frames"):
        timeline.draw([kept("a", "x", [0, 4]), kept("a", "y", [0, 5])], {})
    with pytest.raises(VcmflowError, match=r"\[5, 7\] frames"):
        timeline.draw([kept("a", "x", [0, 4])], {"a": np.zeros((7, 2))})
    with pytest.raises(VcmflowError, match="given twice"):
        timeline.draw([kept("a", "x", [0, 4]), kept("a", "x", [0, 4])], {})
