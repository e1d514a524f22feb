"""The tables from score tables with known differences between the samplers."""

from __future__ import annotations

import csv
import json
import math
import re
import statistics
from dataclasses import replace
from pathlib import Path

import pytest

from vcmflow.__main__ import stage
from vcmflow.core.choices import Choice, write_choices
from vcmflow.tables.by_size import spread
from vcmflow.tables.registry import TABLES
from vcmflow.trajectory.columns import COLUMNS

REFERENCE = Path(__file__).parents[2] / "data" / "reference"
PAPER = {
    "3": "table3_random_access.csv",
    "4": "table4_all_intra.csv",
    "5": "table5_detection_by_size.csv",
    "6": "table6_segmentation_by_size.csv",
    "7": "table7_complexity.csv",
}
COSTS = {
    "manifold": {"parameters_millions": 11.7, "gmacs_per_frame": 1.8245},
    "tracking": {"parameters_millions": 36.9, "gmacs_per_frame": 104.7},
    "measured": {
        "device": "cpu",
        "manifold": {"frames_per_second": 52.25, "latency_ms": 21.5},
        "tracking": {"frames_per_second": None, "latency_ms": None},
    },
}


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


RA, AI = {"title": "random access", "short": "ra"}, {"title": "all-intra", "short": "ai"}
TITLES = {f"{name}_ai": name for name in ("uniform", "tracking", "manifold", "all")}
TITLES |= {"vvenc_ra": RA | {"point": "QP"}, "vvenc_ai": AI | {"point": "QP"}}
ANCHOR, TEST, STANDARD = (
    ["--anchor", "uniform"],
    ["--test", "manifold"],
    ["--standard", "tracking"],
)
CHOICES = {
    "3": [*ANCHOR, *TEST],
    "4": ["--anchor", "uniform_ai", "--test", "manifold_ai"],
    "5": [*TEST, *STANDARD],
    "6": [*TEST, *STANDARD],
    "7": [
        *("--anchor", "uniform", "uniform_ai", "--test", "manifold", "manifold_ai"),
        *("--standard", "tracking", "tracking_ai"),
    ],
    "ablation": [*ANCHOR, *TEST],
    "compare": ANCHOR,
    "importance": ["--anchor", "uniform", "manifold"],
    "against_all": ["--anchor", "all"],
    "frontier": ["--anchor", "all"],
    "losses": ["--anchor", "all", "--lossless", "vvenc_ai"],
}


def make(scores, table, *flags, flicker=None):
    """Run the command; return the CSV's rows, the Markdown and the LaTeX."""
    argv = ["tables", "--table", table, *scores.write(), "--titles", json.dumps(TITLES)]
    argv += [*CHOICES.get(table, []), *flags]
    if table == "ablation":
        argv += ["--trajectories", *write_trajectories(scores.folder, flicker)]
    if table == "bounds":
        argv += ["--choices", *write_tried(scores.folder)]
    if table == "tracks":
        argv += write_tracked(scores.folder)
    if table == "7":
        (scores.folder / "complexity.json").write_text(json.dumps(COSTS), "utf-8")
        argv += ["--complexity", str(scores.folder / "complexity.json")]
    out = scores.folder / f"table{table}"
    for suffix in ("csv", "md", "tex"):
        argv += [f"--{suffix}-out", f"{out}.{suffix}"]
    assert stage(argv) == 0
    texts = [Path(f"{out}.{suffix}").read_text("utf-8") for suffix in ("md", "tex")]
    return (read(Path(f"{out}.csv")), *texts)


# variant -> embedder, sampler, what differs, share of the speed that every measure is.
VARIANTS = {
    "manifold": ("learned", "manifold", "", 0.2),
    "grey": ("grey", "tracking", "embedder grey", 0.3),
    "random": ("random", "", "embedder random", 0.6),
}


def write_trajectories(folder, no_correlation=None):
    """Measures of three sequences, the last of which flickers; or of none with a correlation."""
    paths = []
    for name, (embedder, sampler, differs, value) in VARIANTS.items():
        path = folder / f"trajectory-{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            for place, flicker in enumerate("001"):
                row = dict.fromkeys(("step_to_random", "step_to_own", "neighbours"), value)
                row |= {"variant": name, "embedding": embedder, "embedder": embedder}
                row |= {"sampler": sampler, "differs": differs, "parameters": 11_000_000}
                row |= {"sequence": f"s{place}", "n": 61, "m": 21, "dimension": 128}
                row |= {"flicker": flicker, "turning": 30 + 10 * place}
                row |= {"correlation": -1 if flicker == "1" else 0.8 + 0.1 * place}
                if no_correlation is not None:
                    row |= {"flicker": no_correlation, "correlation": ""}
                writer.writerow(row)
        paths.append(str(path))
    return paths


def write_tried(folder):
    """Choices of two sequences: accuracies 0.1, 0.2, 0.3 and 0.4, PSNR ten times as many dB."""
    paths = []
    for index, mine in enumerate(((0, 3, 5), (0, 4, 5))):
        tried = [Choice((0, k, 5), 100 * k, k / 10, "every") for k in range(1, 5)]
        own = next(one for one in tried if one.frames == mine)
        path = folder / f"tried{index}.csv"
        write_choices(path, [*tried, replace(own, found="manifold")])
        paths.append(str(path))
    return paths


def write_tracked(folder):
    """Two sequences of two frames: an object that is followed, and one that is taken for two."""
    box = [10.0, 10.0, 20.0, 20.0]
    flags = ["--tracks", "--truths"]
    files = {flag: [] for flag in flags}
    for name, ids in (("s1", (4, 4)), ("s2", (4, 6))):
        tracks = [{"id": i, "bbox": box, "score": 0.9, "category_id": 1} for i in ids]
        truth = {
            "images": [{"id": frame} for frame in range(2)],
            "categories": [{"id": 1, "name": "person"}],
            "annotations": [
                {"image_id": frame, "category_id": 1, "bbox": box, "area": 400, "object_id": 7}
                for frame in range(2)
            ],
        }
        for flag, content in zip(flags, ({"frames": [[t] for t in tracks]}, truth), strict=True):
            path = folder / flag.strip("-") / f"{name}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(content), "utf-8")
            files[flag].append(str(path))
    return [word for flag in flags for word in (flag, *files[flag])]


def segmentation(scores):
    for row in [*scores.scenes, *scores.datasets, *scores.sequences]:
        row |= {"task": "segmentation", "jaccard": row["map"], "f1": 0.9, "map": "", "map50": ""}
        row |= {"f1_objects": 0.6, "proposals": 3.5}
        row |= dict.fromkeys(("ap_person", "ap_bicycle"), "")
    return scores


# --- Tables 3 and 4 -------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["3", "4"])
def test_differences_of_known_curves(scores, table):
    rows, _, _ = make(scores, table)
    assert [row["scene"] for row in rows] == ["3_fire_site", "10_station_suelldorf", "mean"]
    for row in rows:
        for key in ("p_map", "p_map_high4", "p_map_mid4", "p_map_low4", "p_map_area", "bd_rate"):
            assert float(row[key]) == pytest.approx(-20, abs=1e-4)
        # 0.08 of mAP per factor two of rate.
        assert float(row["bd_map"]) == pytest.approx(100 * 0.08 * math.log2(1 / 0.8), abs=1e-4)
    assert rows[0]["bd_map_status"] == rows[0]["p_map_status"] == "ok"
    assert rows[-1]["bd_map_status"] == "2 of 2"


def test_any_task_has_a_table_of_differences(scores):
    rows, _, _ = make(segmentation(scores), "3")
    assert float(rows[-1]["p_map"]) == pytest.approx(-20, abs=1e-4)


def test_modes_are_kept_apart(scores):
    for row in scores.pick(scores.scenes, sampler="manifold", mode="ai"):
        row["rate_bytes"] = int(row["rate_bytes"]) * 2
    assert float(make(scores, "3")[0][0]["p_map"]) == pytest.approx(-20, abs=1e-4)
    assert float(make(scores, "4")[0][0]["p_map"]) == pytest.approx(60, abs=1e-4)


def test_the_mean_counts_the_scenes_that_are_defined(scores):
    for row in scores.pick(scores.scenes, sampler="manifold", scene="3_fire_site", mode="ra"):
        row["map"] = float(row["map"]) + 1
    rows, markdown, tex = make(scores, "3")
    assert (rows[0]["p_map"], rows[0]["p_map_status"]) == ("", "no_overlap")
    assert rows[2]["p_map_status"] == "1 of 2"
    assert float(rows[2]["p_map"]) == pytest.approx(-20, abs=1e-4)
    assert rows[2]["bd_map_status"] == "2 of 2"
    assert "| 3_fire_site | 2 | –<sup>a</sup> |" in markdown
    assert "<sup>a</sup> the curves have no common range" in markdown
    # It is marked in the row itself and never stressed.
    assert "| mean | 2 | −20.00<sup>b</sup> |" in markdown
    assert "<sup>b</sup> a mean over 1 of 2" in markdown
    assert r"--\textsuperscript{a}" in tex


def test_a_remark_stands_beside_its_number(scores):
    first = scores.pick(scores.scenes, sampler="manifold", scene="3_fire_site", mode="ra")
    first[2]["map"] = 0.99
    rows, markdown, _ = make(scores, "3")
    assert rows[0]["bd_map_status"] == "non_monotone"
    assert rows[0]["bd_rate"] == ""
    assert re.search(r"\d+\.\d\d<sup>.</sup>", markdown)


def test_two_qps_give_a_table_without_numbers(scores):
    for name in ("sequences", "scenes", "datasets"):
        rows = [row for row in getattr(scores, name) if row.get("qp", 22) in (22, 47)]
        setattr(scores, name, rows)
    rows, markdown, _ = make(scores, "3")
    assert {row["bd_map_status"] for row in rows} == {"too_few_points", "0 of 2"}
    assert all(row["bd_map"] == "" for row in rows)
    assert "not enough points for a curve" in markdown


def test_a_mean_is_bold_where_it_exceeds_two_standard_errors(scores):
    _, markdown, tex = make(scores, "3")
    first, second, mean = markdown.splitlines()[4:7]
    assert "**" not in first + second
    assert mean.count("**") == 14
    assert r"\textbf{$-$20.00}" in tex
    # -20 and +60 %: the mean of 20 has a standard error of 40.
    for row in scores.pick(scores.scenes, sampler="manifold", scene="3_fire_site"):
        row["rate_bytes"] = 2 * int(row["rate_bytes"])
    rows, markdown, _ = make(scores, "3")
    assert float(rows[-1]["p_map"]) == pytest.approx(20, abs=1e-3)
    assert float(rows[-1]["p_map_error"]) == pytest.approx(40, abs=1e-3)
    assert "| 20 ± 40 |" in markdown
    assert "**" not in markdown.splitlines()[6]
    # Nor is it bold where the mean is better, but no more than its error.
    rows, markdown, _ = make(scores, "3", "--anchor", "manifold", "--test", "uniform")
    assert float(rows[-1]["p_map"]) < 0 < float(rows[-1]["bd_map"])
    assert "**" not in markdown.splitlines()[6]


def test_another_anchor_and_test(scores):
    rows, markdown, _ = make(scores, "3", "--anchor", "all", "--test", "tracking")
    assert float(rows[0]["p_map"]) == pytest.approx(-70, abs=1e-3)
    assert "`tracking` against `all`" in markdown


# --- Tables 5 and 6 -------------------------------------------------------------------------------


def test_table_5_has_one_row_per_qp_and_the_range_of_both_samplers(scores):
    rows, markdown, _ = make(scores, "5")
    assert [row["qp"] for row in rows] == ["47", "42", "37", "32", "27", "22", ""]
    # From the small sequence of manifold (0.8 · 0.4) to the large one of tracking (0.9 · 0.6), KB.
    assert float(rows[0]["size_kb_low"]) == pytest.approx(100 * 0.8 * 0.4)
    assert float(rows[0]["size_kb_high"]) == pytest.approx(100 * 0.9 * 0.6)
    assert rows[0]["sequences"] == "4"
    assert float(rows[0]["ap_bicycle_standard"]) == pytest.approx(0.1)
    assert float(rows[0]["ap_bicycle_ours"]) == pytest.approx(0.11)
    assert rows[0]["ap_car_ours"] == ""
    assert rows[-1]["size_kb_low"] == "mean"
    assert float(rows[-1]["psnr_ours"]) == pytest.approx(29)
    assert "| **0.1100** ± 0.0000 |" in markdown
    # Equal values are not called better.
    assert "**0.3000**" not in markdown


def test_table_5_stresses_what_the_scenes_agree_on(scores):
    for row in scores.pick(scores.scenes, sampler="manifold", scene="3_fire_site"):
        row["ap_bicycle"] = float(row["ap_bicycle"]) - 0.03
    rows, markdown, _ = make(scores, "5")
    # Paired differences of -0.02 and +0.01.
    assert float(rows[0]["ap_bicycle_error"]) == pytest.approx(0.015)
    assert rows[0]["ap_bicycle_scenes"] == "2"
    assert "| 0.110 ± 0.015 |" in markdown


def test_table_5_means_over_modes_when_asked(scores):
    for row in scores.pick(scores.datasets, sampler="manifold", mode="ai"):
        row["psnr"] = float(row["psnr"]) + 1
    both, markdown, _ = make(
        *(scores, "5", "--test", "manifold", "manifold_ai"),
        *("--standard", "tracking", "tracking_ai"),
    )
    assert float(both[0]["psnr_ours"]) == pytest.approx(24.5)
    assert "random access and all-intra (mean of both)" in markdown


def test_table_6_turns_six_qps_into_four_ranges(scores):
    rows, _, _ = make(segmentation(scores), "6")
    assert [row["qp"] for row in rows] == ["47", "37", "32", "22", ""]
    assert float(rows[0]["jaccard_ours"]) == pytest.approx(0.2)
    rows, _, _ = make(scores, "6", "--points", "22", "27")
    assert [row["qp"] for row in rows] == ["27", "22", ""]


def test_ranges_are_spread_evenly():
    assert spread([*"abcdef"], 4) == [*"acdf"]
    assert spread([*"abcdefg"], 4) == [*"aceg"]
    assert spread(["42", "27"], 4) == ["42", "27"]


# --- Table 7 --------------------------------------------------------------------------------------


def test_table_7_puts_cost_beside_gain(scores):
    for row in scores.pick(scores.scenes, sampler="manifold", mode="ai"):
        row["rate_bytes"] = 2 * int(row["rate_bytes"])
    ours, standard = make(scores, "7")[0]
    assert (ours["method"], ours["sampler"]) == ("ours", "manifold")
    assert (float(ours["params_millions"]), float(ours["gmacs_per_frame"])) == (11.7, 1.8245)
    assert float(ours["measured_frames_per_second"]) == 52.25
    assert standard["measured_frames_per_second"] == ""
    assert float(ours["measured_latency_ms"]) == 21.5
    assert standard["measured_latency_ms"] == ""
    # -20 % in random access, +60 % in all-intra.
    assert float(ours["bd_rate_psnr"]) == pytest.approx(20, abs=1e-3)
    assert float(ours["bd_rate_ssim"]) == pytest.approx(20, abs=1e-3)
    bd_map = 100 * 0.08 * (math.log2(1 / 0.8) + math.log2(1 / 1.6)) / 2
    assert float(ours["bd_map"]) == pytest.approx(bd_map, abs=1e-4)
    assert ours["bd_map_scenes"] == "4 of 4"
    assert float(standard["bd_rate_psnr"]) == pytest.approx(-10, abs=1e-3)


def test_table_7_stresses_the_better_method(scores):
    _, markdown, _ = make(scores, "7")
    ours, standard = markdown.splitlines()[4:6]
    assert "**11.70** | **1.825** |" in ours
    assert "36.90 | 104.700 |" in standard
    assert "**−20.0000** ± 0.0000" in ours
    for row in scores.pick(scores.scenes, sampler="manifold", scene="3_fire_site"):
        row["rate_bytes"] = 2 * int(row["rate_bytes"])
    rows, markdown, _ = make(scores, "7")
    assert float(rows[0]["bd_rate_psnr_error"]) == pytest.approx(40, abs=1e-3)
    assert "**" not in markdown.splitlines()[4].split("|")[5]


# --- ablation -------------------------------------------------------------------------------------


def test_the_ablation_has_a_row_per_variant_with_measures_and_gains(scores):
    rows, markdown, _ = make(scores, "ablation")
    assert [row["variant"] for row in rows] == list(VARIANTS)
    ours, grey, random = rows
    assert float(ours["step_to_random"]) == pytest.approx(0.2)
    assert float(ours["turning"]) == pytest.approx(40)
    assert float(grey["neighbours"]) == pytest.approx(30)
    assert float(ours["params_millions"]) == pytest.approx(11)
    assert float(ours["p_map"]) == pytest.approx(-20, abs=1e-4)
    assert float(grey["p_map"]) == pytest.approx(-10, abs=1e-4)
    assert float(ours["bd_map"]) == pytest.approx(100 * 0.08 * math.log2(1 / 0.8), abs=1e-4)
    assert ours["bd_map_status"] == "2 of 2"
    assert float(ours["bd_map_error"]) == pytest.approx(0, abs=1e-4)
    assert float(ours["step_to_random_steady"]) == pytest.approx(0.2)
    assert (random["bd_map"], random["bd_map_status"]) == ("", "no sampler")
    assert "no sampler of this run is built on the embedding" in markdown
    assert "3 sequences of 61 frames" in markdown


def test_flickering_sequences_stay_out_of_the_correlation(scores):
    rows, markdown, _ = make(scores, "ablation")
    assert float(rows[0]["correlation"]) == pytest.approx(0.85)
    assert rows[0]["correlation_status"] == "2 of 2"
    assert "2 sequences that are long enough, of known speed" in markdown


@pytest.mark.parametrize(("flicker", "status"), [("0", "too short"), ("", "not known")])
def test_why_there_is_no_correlation_is_said(scores, flicker, status):
    rows, markdown, _ = make(scores, "ablation", flicker=flicker)
    assert (rows[0]["correlation"], rows[0]["correlation_status"]) == ("", status)
    assert ("long enough to tell" if flicker else "speed of these sequences is not") in markdown


@pytest.mark.parametrize("table", ["3", "against_all", "ablation"])
def test_tables_that_compare_say_how_many_scenes_a_point_would_need(scores, table):
    """Table 3's two scenes differ by some points, so that the number is none of the smallest."""
    first = scores.scenes[0]["scene"]
    for row in scores.pick(scores.scenes, scene=first, sampler="manifold"):
        row["map"] = float(str(row["map"])) * 0.8
    caption = make(scores, table)[1]
    assert re.search(r"an effect of 1 point would need \d+ scenes", caption)


def test_trainings_that_differ_in_their_seed_are_summed_up(scores, monkeypatch):
    assert len(make(scores, "ablation")[0]) == len(VARIANTS)
    more = {
        "seed_2": ("learned", "tracking", "seed 2", 0.5),
        "both": ("learned", "tracking", "seed 2, dimension 32", 0.9),
    }
    monkeypatch.setitem(globals(), "VARIANTS", VARIANTS | more)
    rows, markdown, _ = make(scores, "ablation")
    ours, other, mean = (
        next(row for row in rows if row["variant"] == name)
        for name in ("manifold", "seed_2", "manifold, 2 seeds")
    )
    assert rows[-1] == mean
    assert float(mean["step_to_own"]) == pytest.approx((0.2 + 0.5) / 2)
    assert float(mean["step_to_own_error"]) == pytest.approx(0.15)
    gains = [float(row["bd_map"]) for row in (ours, other)]
    assert float(mean["bd_map"]) == pytest.approx(sum(gains) / 2, abs=0.01)
    assert float(mean["bd_map_error"]) == pytest.approx(abs(gains[0] - gains[1]) / 2, abs=0.01)
    assert "means over 2 trainings" in markdown


def test_the_ablation_says_whether_training_beats_grey_pixels(scores):
    markdown = make(scores, "ablation")[1]
    assert "`manifold` beats grey pixels (`grey`): better on 2" in markdown
    assert "the paired difference is 1.36 ± 0.00" in markdown
    for row in scores.pick(scores.scenes, sampler="manifold", mode="ra"):
        row["rate_bytes"] = 2 * int(row["rate_bytes"])
    markdown = make(scores, "ablation")[1]
    assert "`manifold` loses to grey pixels" in markdown
    assert "better on 0 and worse on 2 of 2 scenes" in markdown
    for row in scores.pick(scores.scenes, sampler="manifold", scene="3_fire_site", mode="ra"):
        row["rate_bytes"] = int(row["rate_bytes"]) // 4
    markdown = make(scores, "ablation")[1]
    assert "`manifold` neither beats nor loses to grey pixels" in markdown
    assert "better on 1 and worse on 1 of 2 scenes" in markdown


def test_nothing_is_said_of_beating_what_was_not_run(scores):
    for name in ("scenes", "datasets", "sequences"):
        rows = [row for row in getattr(scores, name) if row["sampler"] != "tracking"]
        setattr(scores, name, rows)
    rows, markdown, _ = make(scores, "ablation")
    assert rows[1]["bd_map_status"] == "no sampler"
    assert "No sampler on grey pixels was run" in markdown


# --- accuracy and checks --------------------------------------------------------------------------


def test_accuracy_lists_scenes_and_the_pooled_dataset(scores):
    rows, markdown, _ = make(scores, "accuracy")
    assert [row["scene"] for row in rows] == [*("3_fire_site", "10_station_suelldorf"), "all"]
    assert {float(row["map"]) for row in rows} == {0.62}
    assert rows[0]["jaccard"] == ""
    assert "ap_car" not in rows[0]
    assert "AP person" in markdown


def checks(rows):
    return {(row["check"].split()[0], row["mode"]): row for row in rows}


def test_a_sound_chain_passes_every_check(scores):
    rows = checks(make(scores, "sanity", "--min-map", "0.4")[0])
    assert set(rows) == {
        *((name, mode) for name in ("rate", "PSNR", "all") for mode in ("ra", "ai")),
        ("every", ""),
        ("mAP", ""),
    }
    assert {row["status"] for row in rows.values()} == {"pass"}
    assert (rows["rate", "ra"]["passed"], rows["rate", "ra"]["total"]) == ("16", "16")
    assert float(rows["rate", "ra"]["value"]) == pytest.approx(0.5, abs=1e-3)
    assert float(rows["PSNR", "ai"]["value"]) == pytest.approx(-2)
    assert (rows["every", ""]["passed"], rows["every", ""]["total"]) == ("192", "192")
    assert float(rows["all", "ra"]["value"]) == pytest.approx(0.6 / 0.62, abs=1e-6)


def damage_rate(scores):
    one = scores.pick(scores.sequences, sequence="3_fire_site.1", sampler="all", mode="ai", qp=42)
    one[0]["rate_bytes"] = 10**9


def damage_psnr(scores):
    one = scores.pick(scores.sequences, sequence="3_fire_site.2", sampler="all", mode="ra", qp=27)
    one[0]["psnr_kept"] = 26 + 2 * 5


def damage_count(scores):
    scores.pick(scores.sequences, sampler="manifold", mode="ra", qp=22)[0]["m"] = 5


def damage_accuracy(scores):
    scores.pick(scores.datasets, sampler="all", mode="ra", qp=22)[0]["map"] = 0.58


@pytest.mark.parametrize(
    ("damage", "key", "value", "place"),
    [
        (damage_rate, ("rate", "ai"), None, "3_fire_site.1, all, QP 42"),
        (damage_psnr, ("PSNR", "ra"), 0.0, "3_fire_site.2, all, QP 27"),
        (damage_count, ("every", ""), 1.0, "3_fire_site.1, manifold"),
        (damage_accuracy, ("all", "ra"), 0.58 / 0.62, "QP 22"),
    ],
)
def test_each_check_notices_its_fault(scores, damage, key, value, place):
    damage(scores)
    rows = checks(make(scores, "sanity")[0])
    assert {name for name, row in rows.items() if row["status"] == "fail"} == {key}
    assert rows[key]["place"] == place
    assert int(rows[key]["passed"]) == int(rows[key]["total"]) - 1
    if value is not None:
        assert float(rows[key]["value"]) == pytest.approx(value, abs=1e-5)


def test_a_check_without_material_is_not_run(scores):
    for name in ("scenes", "datasets", "sequences"):
        rows = getattr(scores, name)
        setattr(scores, name, [row for row in rows if row["sampler"] != "all"])
    rows = checks(make(scores, "sanity")[0])
    assert rows["all", "ra"]["status"] == "not run"
    assert rows["rate", "ra"]["status"] == "pass"


def test_accuracy_below_its_limit_fails(scores):
    rows = checks(
        make(segmentation(scores), "sanity", "--min-jaccard", "0.9", "--min-map", "0.9")[0]
    )
    assert rows["mean", ""]["status"] == "fail"
    assert ("mAP", "") not in rows


# --- all tables -----------------------------------------------------------------------------------


def prepared(scores, table):
    return segmentation(scores) if table == "6" else scores


@pytest.mark.parametrize("table", PAPER)
def test_columns_are_those_of_the_paper_and_more(scores, table):
    rows, _, _ = make(prepared(scores, table), table)
    with (REFERENCE / PAPER[table]).open(encoding="utf-8") as file:
        wanted = next(csv.reader(file))
    assert [column for column in rows[0] if column in wanted] == wanted


@pytest.mark.parametrize("table", PAPER)
def test_the_papers_values_stand_beside_ours(scores, table):
    reference = REFERENCE / PAPER[table]
    rows, markdown, tex = make(
        prepared(scores, table), table, "--reference", str(reference), "--paper-values"
    )
    key = {"3": "p_map", "4": "bd_map", "5": "ssim_ours", "6": "f1_ours", "7": "bd_map"}[table]
    paper = read(reference)
    name = {"3": "scene", "4": "scene", "7": "method"}.get(table)
    for row in rows if name else []:
        theirs = next(other for other in paper if other[name] == row[name])
        assert float(row[f"{key}_paper"]) == float(theirs[key])
        difference = float(row[key]) - float(theirs[key])
        assert float(row[f"{key}_difference"]) == pytest.approx(difference, abs=1e-4)
    assert not any(
        column.startswith("size") and column.endswith("difference") for column in rows[0]
    )
    assert "Values of the paper" in markdown
    assert "Difference, ours minus the paper's" in tex


def test_sizes_of_the_paper_are_met_by_interpolation(scores):
    reference = scores.folder / "paper.csv"
    reference.write_text(
        "size_kb_low,size_kb_high,psnr_ours\n20,40,20\n80,160,24\n320,640,28\nmean,mean,99\n"
    )
    rows, markdown, _ = make(scores, "5", "--reference", str(reference), "--paper-values")
    # Ours lie around 43, 86, 172, ... KB, doubling from row to row: 2 dB each in the paper, too.
    middle = (100 * 0.8 * 0.4 + 100 * 0.9 * 0.6) / 2
    first = 20 + 2 * math.log2(middle / 30)
    assert [row["psnr_ours_paper"] for row in rows[4:6]] == ["", ""]
    for index, row in enumerate(rows[:4]):
        assert float(row["psnr_ours_paper"]) == pytest.approx(first + 2 * index, abs=1e-3)
    assert float(rows[-1]["psnr_ours_paper"]) == pytest.approx(first + 3, abs=1e-3)
    assert float(rows[-1]["psnr_ours_difference"]) == pytest.approx(24 - first, abs=1e-3)
    assert "Values of the paper at the same size" in markdown


def test_without_the_flag_the_paper_is_not_mentioned(scores):
    rows, markdown, _ = make(scores, "3", "--reference", str(REFERENCE / PAPER["3"]))
    assert not any(column.endswith("_paper") for column in rows[0])
    assert "Values of the paper" not in markdown


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_well_formed_and_says_what_it_was_measured_on(scores, table):
    note = "Synthetic scenes rendered by this workflow, 50 % of <all> & more_"
    rows, markdown, tex = make(prepared(scores, table), table, "--note", note)
    grid = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len(grid) == len(rows) + 2
    assert len({line.replace("\\|", "").count("|") for line in grid}) == 1
    assert note in markdown
    columns = len(re.search(r"\\begin\{tabular\}\{([lr]+)\}", tex)[1])
    body = [line for line in tex.splitlines() if line.endswith(r"\\")]
    assert len(body) >= len(rows) + 1
    for line in body:
        spans = [int(span) - 1 for span in re.findall(r"\\multicolumn\{(\d+)\}", line)]
        assert len(re.findall(r"(?<!\\)&", line)) + 1 + sum(spans) == columns
    assert r"50 \% of $<$all$>$ \& more\_" in tex
    for special in re.findall(r"(?<!\\)[%_#]", tex.replace(r"% needs \usepackage{booktabs}", "")):
        raise AssertionError(f"unescaped {special}")
    assert tex.count("{") - tex.count(r"\{") == tex.count("}") - tex.count(r"\}")
    assert tex.isascii()
    assert "-0.00" not in markdown


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_the_same_bytes_again(scores, table):
    prepared(scores, table)
    assert make(scores, table) == make(scores, table)


def test_pseudo_ground_truth_is_named(scores):
    for row in [*scores.scenes, *scores.datasets]:
        row["status"] = "pseudo"
    for table in ("3", "5", "7", "accuracy", "compare"):
        assert "pseudo ground truth" in make(scores, table)[1]


# --- compare --------------------------------------------------------------------------------------


def test_compare_has_every_method_against_the_anchor_with_its_seconds(scores):
    rows, markdown, _ = make(scores, "compare")
    found = {row["method"]: row for row in rows}
    assert list(found)[:3] == ["uniform", "uniform_ai", "tracking"]
    ours = found["manifold"]
    assert float(ours["bd_rate"]) == pytest.approx(-20, abs=1e-3)
    assert float(ours["p_map"]) == pytest.approx(-20, abs=1e-3)
    assert float(ours["bd_map"]) == pytest.approx(100 * 0.08 * math.log2(1 / 0.8), abs=1e-3)
    assert (ours["bd_rate_status"], ours["bd_rate_scenes"]) == ("ok", "2 of 2")
    assert (ours["codec"], ours["sampler"], ours["accuracy"]) == (
        "random access",
        "manifold",
        "map",
    )
    # 4 s for 20 frames.
    assert float(ours["encode_seconds"]) == pytest.approx(0.2)
    assert float(ours["decode_seconds"]) == pytest.approx(0.1)
    assert ours["reconstruct_seconds"] == ""
    assert (found["uniform"]["bd_rate"], found["uniform"]["bd_rate_status"]) == ("", "anchor")
    assert "the method that the others are compared with" in markdown
    assert "Data set" not in markdown


@pytest.mark.parametrize("accuracy", ["top1", "jf", "hota"])
def test_compare_is_made_of_whatever_accuracy_a_task_has(scores, accuracy):
    for row in (*scores.sequences, *scores.scenes, *scores.datasets):
        if "map" in row:
            row[accuracy] = row["map"]
        for name in [key for key in row if key.startswith(("map", "ap_", "jaccard", "f1"))]:
            del row[name]
    found = {row["method"]: row for row in make(scores, "compare")[0]}
    ours = found["manifold"]
    assert ours["accuracy"] == accuracy
    assert float(ours["bd_rate"]) == pytest.approx(-20, abs=1e-3)
    assert float(ours["bd_map"]) == pytest.approx(100 * 0.08 * math.log2(1 / 0.8), abs=1e-3)


def test_compare_has_what_the_networks_of_learned_codecs_cost(scores):
    assert "parameters_millions" not in make(scores, "compare")[0][0]
    for row in scores.pick(scores.datasets, sampler="manifold", mode="ra"):
        row |= {"parameters": 2_500_000, "encode_macs": 83_142, "decode_macs": 0}
    rows, markdown, _ = make(scores, "compare")
    found = {row["method"]: row for row in rows}
    names = ("parameters_millions", "encode_kmacs", "decode_kmacs")
    assert [float(found["manifold"][name]) for name in names] == [2.5, 83.142, 0]
    assert [found["uniform"][name] for name in names] == ["", "", ""]
    assert "multiply-accumulates per pixel" in markdown


def test_compare_says_where_a_task_is_not_applicable(scores):
    for row in scores.pick([*scores.scenes, *scores.datasets], sampler="manifold", mode="ra"):
        del row["map"]
    rows, markdown, _ = make(scores, "compare")
    ours = next(row for row in rows if row["method"] == "manifold")
    assert (ours["bd_rate"], ours["bd_rate_status"]) == ("", "not_applicable")
    assert float(ours["encode_seconds"]) == pytest.approx(0.2)
    assert "cannot go on from the features" in markdown


def test_compare_gives_a_status_and_no_number_where_curves_share_no_range(scores):
    for row in scores.pick(scores.scenes, sampler="manifold", mode="ra"):
        row["map"] = float(row["map"]) + 1
    first = scores.pick(scores.scenes, sampler="tracking", mode="ra", scene="3_fire_site")
    for row in first:
        row["map"] = float(row["map"]) + 1
    found = {row["method"]: row for row in make(scores, "compare")[0]}
    ours, standard = found["manifold"], found["tracking"]
    assert (ours["bd_rate"], ours["bd_rate_status"]) == ("", "no_overlap")
    assert ours["bd_rate_scenes"] == "0 of 2"
    assert float(standard["bd_rate"]) == pytest.approx(-10, abs=1e-3)
    assert (standard["bd_rate_status"], standard["bd_rate_scenes"]) == ("ok", "1 of 2")


def test_compare_has_reconstructors_tasks_and_datasets_side_by_side(scores):
    other = [
        row | {"sampler": "held", "reconstructor": "hold"}
        for name in ("scenes", "datasets")
        for row in scores.pick(getattr(scores, name), sampler="uniform", mode="ra")
    ]
    scores.sequences = []
    for row in other:
        (scores.datasets if row["scene"] == "all" else scores.scenes).append(row)
    second = [
        {
            key: row[key]
            for key in ("dataset", "scene", "sampler", "mode", "qp", "reconstructor")
            if key in row
        }
        | {"task": "segmentation", "jaccard": row["map"]}
        for row in [*scores.scenes, *scores.datasets]
    ]
    for row in second:
        (scores.datasets if row["scene"] == "all" else scores.scenes).append(row)
    rows, markdown, _ = make(scores, "compare", "--methods", "uniform", "held", "manifold")
    assert [(row["task"], row["method"]) for row in rows] == [
        (task, name)
        for task in ("detection", "segmentation")
        for name in ("uniform", "manifold", "held")
    ]
    assert [row["accuracy"] for row in rows] == ["map"] * 3 + ["jaccard"] * 3
    assert float(rows[2]["bd_rate"]) == pytest.approx(0, abs=1e-6)
    assert rows[2]["reconstructor"] == "hold"
    assert "| detection | random access | held | hold |" in markdown
    accuracy, _, _ = make(scores, "accuracy")
    assert {row["task"] for row in accuracy} == {"detection", "segmentation"}


# --- importance -----------------------------------------------------------------------------------


def of_sequences(scores, sampler, shares):
    """Let a sampler with the other codec need these shares of the rate, sequence by sequence."""
    names = dict.fromkeys(row["sequence"] for row in scores.sequences)
    for name, share in zip(names, shares, strict=True):
        for row in scores.pick(scores.sequences, sampler=sampler, mode="ai", sequence=name):
            row["rate_bytes"] = round(float(row["rate_bytes"]) * share)


def test_importance_pairs_sequences_and_calls_a_gain_what_excludes_zero(scores):
    shares = [0.7, 0.8, 0.75, 0.85]
    of_sequences(scores, "uniform", shares)
    rows, markdown, _ = make(scores, "importance")
    found = {row["method"]: row for row in rows}
    assert set(found) == {"uniform_ai", "manifold_ai"}  # tracking and all have no anchor here
    ours = found["uniform_ai"]
    gains = [8 * math.log2(1 / share) for share in shares]
    # Student's t for 3 degrees of freedom, 97.5 %.
    half = 3.182446 * statistics.stdev(gains) / 2
    assert float(ours["bd_map"]) == pytest.approx(statistics.fmean(gains), abs=1e-3)
    assert float(ours["bd_map_low"]) == pytest.approx(statistics.fmean(gains) - half, abs=1e-3)
    assert float(ours["bd_map_high"]) == pytest.approx(statistics.fmean(gains) + half, abs=1e-3)
    assert float(ours["bd_rate"]) == pytest.approx(100 * (statistics.fmean(shares) - 1), abs=1e-2)
    assert (ours["anchor"], ours["bd_map_sequences"]) == ("uniform", "4 of 4")
    assert [ours[f"{key}_status"] for key in ("bd_map", "p_map", "bd_rate")] == ["gain"] * 3
    assert [found["manifold_ai"][f"{key}_status"] for key in ("bd_map", "bd_rate")] == ["ok"] * 2
    assert "railway, detection: gain for `uniform`." in markdown
    assert markdown.count("**") == 8  # the title and three numbers


@pytest.mark.parametrize(
    ("shares", "status", "words"),
    [
        ([1.2, 1.3, 1.25, 1.35], "loss", "loss for `uniform`"),
        ([0.7, 1.4, 0.9, 1.2], "ok", "neither for any method"),
    ],
)
def test_importance_says_of_a_loss_that_it_is_one_and_of_chance_nothing(
    scores, shares, status, words
):
    of_sequences(scores, "uniform", shares)
    rows, markdown, _ = make(scores, "importance")
    (ours,) = (row for row in rows if row["method"] == "uniform_ai")
    assert [ours[f"{key}_status"] for key in ("bd_map", "p_map", "bd_rate")] == [status] * 3
    assert words in markdown and markdown.count("**") == 2  # the title alone


def test_importance_gives_no_interval_where_nothing_is_defined(scores):
    for row in scores.pick(scores.sequences, sampler="uniform", mode="ai"):
        row["map"] = float(row["map"]) + 1
    (ours,) = (row for row in make(scores, "importance")[0] if row["method"] == "uniform_ai")
    assert (ours["bd_rate"], ours["bd_rate_interval"], ours["bd_rate_low"]) == ("", "", "")
    assert (ours["bd_rate_status"], ours["bd_rate_sequences"]) == ("no_overlap", "0 of 4")


# --- against all frames, and the frontier ---------------------------------------------------------


def test_against_all_has_every_sampler_of_the_same_codec_per_scene(scores):
    rows, markdown, _ = make(scores, "against_all")
    assert [
        name for name in ("uniform", "tracking", "manifold", "uniform_ai") if name in rows[0]
    ] == [
        *("uniform", "tracking", "manifold"),
    ]
    assert [(row["measure"], row["scene"]) for row in rows] == [
        (measure, scene)
        for measure in ("bd_map", "p_map", "bd_rate_psnr")
        for scene in ("3_fire_site", "10_station_suelldorf", "mean")
    ]
    mean = next(row for row in rows if (row["measure"], row["scene"]) == ("p_map", "mean"))
    assert float(mean["manifold"]) == pytest.approx(100 * (0.8 / 3 - 1), abs=1e-3)
    assert (mean["n"], mean["manifold_status"]) == ("2", "2 of 2")
    assert "By BD-mAP dropping frames pays with `uniform`" in markdown


def test_against_all_says_which_samplers_lose_and_which_are_open(scores):
    for row in scores.pick(scores.scenes, sampler="uniform", mode="ra"):
        row["rate_bytes"] = 8 * int(row["rate_bytes"])
    for row in scores.pick(scores.scenes, sampler="tracking", mode="ra", scene="3_fire_site"):
        row["rate_bytes"] = 8 * int(row["rate_bytes"])
    markdown = make(scores, "against_all")[1]
    loss = 100 * 0.08 * math.log2(3 / 8)
    assert (
        f"pays with `manifold` ({100 * 0.08 * math.log2(3 / 0.8):.1f} ± 0.0 points; 2 of 2"
        in markdown
    )
    assert f"loses with `uniform` ({loss:.1f} ± 0.0 points; 2 of 2 scenes)" in markdown
    assert "with `tracking` the scenes do not tell" in markdown


def test_the_frontier_is_the_hull_of_all_points_of_a_codec(scores):
    for row in scores.datasets:
        row["kbps"] = float(row.get("rate_bytes", 1000)) / 1000
    rows, markdown, _ = make(scores, "frontier")
    assert {row["sampler"] for row in rows} == {"uniform", "tracking", "manifold", "all"}
    assert len(rows) == 4 * 6
    # All points of a sampler lie on a line, the cheapest sampler's on top.
    best = [row for row in rows if row["on_hull"]]
    assert [row["sampler"] for row in best] == ["manifold"] * 2
    assert [float(row["kbps"]) for row in best] == [80, 80 * 32]
    for row in rows:
        if row["sampler"] == "uniform" and row["point"] != "22":
            assert float(row["shortfall"]) == pytest.approx(
                100 * 0.08 * math.log2(1 / 0.8), abs=0.01
            )
    assert (
        "Where all frames can be had, from 300 kbit/s on, dropping some pays up to 2560" in markdown
    )
    for row in scores.pick(scores.datasets, sampler="all"):
        row["map"] = float(row["map"]) + 0.5
    markdown = make(scores, "frontier")[1]
    assert "On the hull: m/n = 0.40 at 80 kbit/s, all frames from 300 to 9600 kbit/s" in markdown
    assert "dropping some pays at no rate" in markdown


def test_a_codec_without_loss_has_no_curve_to_check(scores):
    everything = {row["mode"] for row in make(scores, "sanity")[0]}
    assert {"ra", "ai"} < everything
    rows = make(scores, "sanity", "--lossless", "vvenc_ai")[0]
    assert {row["mode"] for row in rows} == everything - {"ai"}


def test_losses_are_told_apart(scores):
    """All-intra plays the part of the codec without loss: mAP 0.60 at QP 22 with every sampler."""
    for name in ("scenes", "datasets", "sequences"):
        rows = [r for r in getattr(scores, name) if r.get("mode") != "ai" or r["qp"] == 22]
        setattr(scores, name, rows)
    for row in scores.pick(scores.scenes, sampler="manifold", mode="ra", scene="3_fire_site"):
        row["map"] = float(row["map"]) - 0.02
    rows, markdown, _ = make(scores, "losses")
    assert len(rows) == 4 * 6
    ours = {row["point"]: row for row in rows if row["sampler"] == "manifold"}
    assert float(ours["22"]["dropping"]) == pytest.approx(100 * (0.62 - 0.60))
    assert float(ours["32"]["coding"]) == pytest.approx(100 * (0.62 - 0.44))
    assert float(ours["32"]["both"]) == pytest.approx(100 * (0.62 - 0.43))
    assert float(ours["32"]["both_error"]) == pytest.approx(1)
    assert ours["32"]["both_scenes"] == "2 of 2"
    assert "| manifold | 32 | 2.00 ± 0.00 | 18.00 ± 0.00 | 19.0 ± 1.0 |" in markdown


def test_bounds_place_a_sampler_among_all_choices(scores):
    rows, markdown, _ = make(scores, "bounds")
    ours, by_psnr, by_accuracy = rows
    assert (ours["sampler"], ours["sequences"]) == ("manifold", "2")
    # Better than 2 and 3 of 4, and as good as itself.
    assert float(ours["accuracy_percentile"]) == pytest.approx((62.5 + 87.5) / 2)
    assert float(ours["accuracy_percentile_error"]) == pytest.approx(12.5)
    assert float(ours["accuracy_gain"]) == pytest.approx(100 * (0.35 - 0.25))
    assert float(by_psnr["psnr_gain"]) == pytest.approx(400 - 250)
    assert float(by_accuracy["accuracy_percentile"]) == pytest.approx(87.5)
    assert "4 to 4 choices, of 2 of 2 sequences all there are" in markdown


def test_tracks_are_held_against_the_ground_truth(scores):
    rows, markdown, _ = make(scores, "tracks")
    assert [row["sequence"] for row in rows] == ["s1", "s2", "all"]
    assert [row["ids"] for row in rows] == ["1", "2", "3"]
    assert [row["objects"] for row in rows] == ["1", "1", "2"]
    assert [float(row["mota"]) for row in rows] == pytest.approx([1, 0.5, 0.75])
    assert [float(row["idf1"]) for row in rows] == pytest.approx([1, 0.5, 0.75])
    assert "| all | 0.750 | 0.750 | 2 | 3 | 1 |" in markdown
    argv = ["tables", "--table", "tracks", *write_tracked(scores.folder)[:-1]]
    assert stage([*argv, "--csv-out", str(scores.folder / "t.csv")]) == 2


# --- bad input ------------------------------------------------------------------------------------


PAPER_3 = ["--table", "3", *ANCHOR, *TEST, "--paper-values"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--table", "8"], "unknown table '8'; allowed: 3, 4, 5, 6, 7, ablation, accuracy"),
        (["--table", "3", *ANCHOR], "table 3 needs --test"),
        (["--table", "3", *ANCHOR, "--test", "magic"], "no rows of method 'magic'; there are unif"),
        (["--table", "3", *ANCHOR, "--test", "all", "manifold"], "takes one --anchor and one --te"),
        (["--table", "3", *ANCHOR, *TEST, "--task", "x"], "--task 'x'; the scores are of: detect"),
        (
            ["--table", "6", *TEST, *STANDARD, "--points", "23"],
            "no point 23 for all of tracking, manifold; there are 47, 42",
        ),
        (["--table", "7"], "table 7 needs --complexity"),
        (["--table", "compare"], "table compare needs --anchor"),
        (["--table", "compare", "--anchor", "x"], "no rows of method 'x'"),
        (["--table", "importance", *TEST], "table importance needs --anchor"),
        (["--table", "3", "--paper-values"], "--paper-values needs --reference"),
        (
            [*PAPER_3, "--reference", str(REFERENCE / PAPER["7"])],
            "no column 'scene'",
        ),
        (
            [
                *("--table", "5", *TEST, *STANDARD, "--paper-values"),
                *("--reference", str(REFERENCE / PAPER["6"])),
            ],
            "column 'jaccard_standard' is not in Table 5",
        ),
    ],
)
def test_bad_choices_are_one_line(scores, capsys, flags, message):
    out = scores.folder / "out.csv"
    assert stage(["tables", *flags, *scores.write(), "--csv-out", str(out)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_a_table_needs_its_scores(scores, capsys):
    argv = ["tables", "--table", "5", "--csv-out", str(scores.folder / "out.csv")]
    assert stage(argv) == 2
    assert "table 5 needs --scores" in capsys.readouterr().err


def test_broken_score_tables_are_refused(scores, capsys):
    scores.scenes[3]["map"] = "much"
    argv = ["tables", "--table", "3", *scores.write(), "--csv-out", str(scores.folder / "out.csv")]
    assert stage(argv) == 2
    assert "map is 'much', status ''; a value is a finite number" in capsys.readouterr().err


def test_complexity_has_to_name_both_methods(scores, capsys):
    path = scores.folder / "c.json"
    argv = ["tables", "--table", "7", *scores.write(), "--complexity", str(path)]
    argv += ["--csv-out", str(scores.folder / "out.csv")]
    for content, message in (
        ({"manifold": COSTS["manifold"], "measured": {}}, "not a file of complexity"),
        ([], "not a file of complexity"),
    ):
        path.write_text(json.dumps(content), "utf-8")
        assert stage(argv) == 2
        assert message in capsys.readouterr().err
