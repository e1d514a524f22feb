"""``vcmflow score``: from the files of the stages before to the score tables."""

from __future__ import annotations

import csv
import json

import pytest

from vcmflow.__main__ import main


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def pool(folder, *files):
    for one in files:
        assert main(one.arguments()) == 0
    names = ("sequences", "scenes", "dataset")
    argv = ["score", "pool", "--scores", *(str(one.out) for one in files)]
    for name in names:
        argv += [f"--{name}-out", str(folder / f"{name}.csv")]
    assert main(argv) == 0
    return tuple(read(folder / f"{name}.csv") for name in names)


def row(rows, **wanted):
    (found,) = [r for r in rows if all(r[key] == value for key, value in wanted.items())]
    return found


def test_rates_count_stream_and_gaps_over_the_original_video(build, tmp_path):
    sequences, scenes, _ = pool(tmp_path, build("s1"), build("s2", seed=1))
    one = row(sequences, sequence="s1", sampler="uniform", qp="22")
    assert (one["stream_bytes"], one["metadata_bytes"], one["rate_bytes"]) == ("4545", "2", "4547")
    assert float(one["kbps"]) == pytest.approx(4547 * 8 / 1000 / 0.7, abs=1e-4)
    assert float(one["bpp"]) == pytest.approx(4547 * 8 / (7 * 64 * 48), abs=1e-6)
    both = row(scenes, sampler="uniform", qp="22")
    assert (both["sequences"], both["n"], both["m"]) == ("2", "14", "6")
    assert int(both["rate_bytes"]) == 4547 + 4548
    assert float(both["kbps"]) == pytest.approx((4547 + 4548) * 8 / 1000 / 1.4, abs=1e-4)


def test_every_sampler_is_compared_with_the_frames_it_had_to_keep(build, tmp_path):
    sequences, _, _ = pool(tmp_path, build())
    assert {r["sampler"]: (r["m"], r["m_expected"]) for r in sequences} == {
        "source": ("", ""),
        "uniform": ("3", "3"),
        "all": ("7", "7"),
    }


def test_fidelity_is_the_mean_over_frames_and_over_kept_frames(build, tmp_path):
    sequences, scenes, _ = pool(tmp_path, build())
    one = row(sequences, sampler="uniform", qp="42")
    assert float(one["psnr_kept"]) == pytest.approx(39)
    assert float(one["psnr"]) == pytest.approx((3 * 39 + 4 * 33) / 7, abs=1e-4)
    assert float(one["ssim"]) == pytest.approx(0.79)
    assert row(scenes, sampler="uniform", qp="42")["psnr"] == one["psnr"]


def test_detections_are_scored_per_class_and_fall_with_qp(build, tmp_path):
    _, scenes, dataset = pool(tmp_path, build("s1"), build("s2", seed=1), build("s3", "2_yard"))
    assert [r["scene"] for r in scenes] == ["1_calibration"] * 4 + ["2_yard"] * 4
    assert {r["scene"] for r in dataset} == {"all"}
    source = row(dataset, sampler="source")
    assert (source["mode"], source["qp"], source["kbps"], source["psnr"]) == ("", "", "", "")
    assert float(source["map"]) == pytest.approx(1)
    assert source["ap_car"] == ""
    good, bad = (float(row(dataset, sampler="uniform", qp=qp)["map"]) for qp in ("22", "42"))
    assert 1 >= good > bad > 0
    assert (float(source["ap_person"]) + float(source["ap_bicycle"])) / 2 == float(source["map"])
    assert source["jaccard"] == ""


def test_masks_are_scored_per_object(build, tmp_path):
    sequences, scenes, _ = pool(
        tmp_path, build(task="segmentation"), build("s2", "2_yard", "segmentation", seed=3)
    )
    assert float(row(scenes, scene="2_yard", sampler="source")["jaccard"]) == 1
    good, bad = (row(sequences, sequence="s1", sampler="uniform", qp=qp) for qp in ("22", "42"))
    assert 1 >= float(good["jaccard"]) > float(bad["jaccard"]) > 0
    assert float(bad["f1"]) > float(bad["jaccard"])
    assert row(scenes, scene="1_calibration", sampler="uniform", qp="42")["f1"] == bad["f1"]
    assert bad["task"] == "segmentation"


def test_video_without_a_task_has_rates_and_fidelity_only(build, tmp_path):
    sequences, scenes, _ = pool(tmp_path, build(task="none"))
    assert {r["sampler"] for r in scenes} == {"uniform", "all"}
    assert all(r["map"] == r["jaccard"] == "" and r["psnr"] for r in scenes)
    assert {r["ground_truth"] for r in sequences} == {"none"}


@pytest.mark.parametrize("task", ["detection", "segmentation"])
def test_pseudo_ground_truth_is_what_is_found_on_the_uncompressed_frames(build, tmp_path, task):
    files = build(task=task, ground_truth="pseudo")
    edit_json(files.path("truth.json"), lambda value: value["annotations"].clear())
    sequences, scenes, _ = pool(tmp_path, files)
    score = "map" if task == "detection" else "jaccard"
    best = float(row(scenes, sampler="source")[score])
    good, bad = (float(row(scenes, sampler="uniform", qp=qp)[score]) for qp in ("22", "42"))
    assert best == pytest.approx(1)
    assert best >= good > bad > 0
    assert {r["ground_truth"] for r in [*sequences, *scenes]} == {"pseudo"}


def test_a_higher_threshold_leaves_less_pseudo_ground_truth(build):
    files = build(ground_truth="pseudo")
    counts = []
    for threshold in ("0", "0.6", "1.1"):
        assert main([*files.arguments(), "--pseudo-threshold", threshold]) == 0
        first = json.loads(files.out.read_text("utf-8"))["conditions"][0]
        counts.append(sum(part["boxes"] for part in first["matches"].values()))
    assert counts[0] == 21
    assert counts[0] > counts[1] > counts[2] == 0


def test_swept_samplers_and_fewer_modes_are_conditions_like_others(build, tmp_path):
    conditions = [("uniform", "ra", 22), ("uniform", "ai", 22), ("uniform-n5", "ra", 32)]
    _, scenes, _ = pool(tmp_path, build(conditions=conditions))
    assert [(r["sampler"], r["mode"], r["qp"]) for r in scenes] == [
        ("source", "", ""),
        ("uniform", "ai", "22"),
        ("uniform", "ra", "22"),
        ("uniform-n5", "ra", "32"),
    ]


def test_same_files_give_the_same_bytes_in_any_order(build, tmp_path):
    files = build("s10"), build("s9", seed=1)
    pool(tmp_path, *files)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.csv")}
    scores = files[0].out.read_bytes()
    pool(tmp_path, *reversed(files))
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.csv")} == before
    assert files[0].out.read_bytes() == scores
    assert b"s9" in before["sequences.csv"].split(b"\n")[1]


def edit_json(path, change):
    value = json.loads(path.read_text("utf-8"))
    change(value)
    path.write_text(json.dumps(value), "utf-8")


def edit_text(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def source(content):
    return content["runs"][1]["results"]


BROKEN = {
    "truth of other frames": (
        lambda f: edit_json(f.path("truth.json"), lambda v: v["images"].pop()),
        "its images must be the frames 0..6",
    ),
    "unknown category": (
        lambda f: edit_json(f.path("truth.json"), lambda v: v["categories"].pop(0)),
        "category_id 1 is not in categories",
    ),
    "box with a hole": (
        lambda f: edit_json(f.path("source.json"), lambda v: source(v)[2].update(bbox=[1, 2, 3])),
        "entry 2 is no detection",
    ),
    "negative box": (
        lambda f: edit_json(
            f.path("source.json"), lambda v: source(v)[2].update(bbox=[1, 2, -3, 4])
        ),
        "is no box",
    ),
    "frame out of range": (
        lambda f: edit_json(f.path("source.json"), lambda v: source(v)[0].update(image_id=7)),
        "image_id 7; allowed: 0..6",
    ),
    "score that is no number": (
        lambda f: edit_text(f.path("source.json"), '"score":0.', '"score":NaN,"was":0.'),
        "score nan is not a number",
    ),
    "results that are no list": (
        lambda f: f.path("source.json").write_text("[]", "utf-8"),
        "not a file of task results",
    ),
    "empty bitstream": (
        lambda f: edit_text(f.path("uniform", "ra", "encode.csv"), "4545", "0"),
        "the bitstream is empty",
    ),
    "wrong frame count": (
        lambda f: edit_text(f.path("uniform", "ra", "encode.csv"), "22,3,", "22,4,"),
        "4 frames were coded, 3 were kept",
    ),
    "lost column": (
        lambda f: edit_text(f.path("uniform", "ra", "encode.csv"), "stream_bytes", "size"),
        "no column 'stream_bytes'",
    ),
    "gaps of another decision": (
        lambda f: f.path("uniform.gaps").write_bytes(b"\x01\x03"),
        "does not hold the gaps of",
    ),
    "fidelity of another sequence": (
        lambda f: edit_text(f.path("uniform.csv"), "s1,", "s2,"),
        "is of 's2', not of 's1'",
    ),
    "fidelity with a frame missing": (
        lambda f: edit_text(f.path("uniform.csv"), "s1,uniform,ra,42,6,1,1.0,39.0,0.79\n", ""),
        "has 6 frames; needed: 0..6",
    ),
    "fidelity with other kept frames": (
        lambda f: edit_text(f.path("uniform.csv"), "ra,42,1,0,", "ra,42,1,1,"),
        "fidelity has 4 kept frames, the decision 3",
    ),
    "no such task": (
        lambda f: edit_text(f.path("sequence.json"), '"detection"', '"tracking"'),
        "task is 'tracking'; allowed: detection, segmentation, none",
    ),
    "decision of another sequence": (
        lambda f: edit_text(f.path("uniform.json"), '"s1"', '"s7"'),
        "is of s7 with 7 frames, not of s1 with 7",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_bad_input_is_one_line_and_leaves_nothing_behind(build, capsys, name):
    damage, message = BROKEN[name]
    files = build()
    # `csv` writes \r\n; damage is told in terms of \n.
    for path in files.folder.rglob("*.csv"):
        path.write_text(path.read_text("utf-8").replace("\r\n", "\n"), "utf-8")
    damage(files)
    assert main(files.arguments()) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not files.out.exists()


def without(argv, flag):
    start = argv.index(flag)
    stop = next(i for i in range(start + 1, len(argv)) if argv[i].startswith("--"))
    return argv[:start] + argv[stop:]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda argv: without(argv, "--truth"), "no truth was given"),
        (lambda argv: without(argv, "--gaps"), "--gaps has 0 entries and --decisions 2"),
        (lambda argv: without(argv, "--fidelity"), "no fidelity for condition uniform/ra/22"),
        (
            lambda argv: without(argv, "--tasks"),
            "condition all/ai/22 has no results of the task",
        ),
        (
            lambda argv: without(without(argv, "--encodes"), "--encodes-of"),
            "condition all/ai/22 has no bitstream",
        ),
        (
            lambda argv: [*argv, *(["--tasks"] + [argv[argv.index("--tasks") + 1]] * 2)],
            "results of s1/source were given before",
        ),
    ],
)
def test_incomplete_command_lines_are_refused(build, capsys, change, message):
    assert main(change(build().arguments())) == 2
    assert message in capsys.readouterr().err


def test_sequences_that_do_not_belong_together_are_not_pooled(build, tmp_path, capsys):
    few = build("s2", conditions=[("uniform", "ra", 22)])
    other = build("s3", task="segmentation")
    files = [build("s1"), few, other]
    for one in files:
        assert main(one.arguments()) == 0
    outs = [f"--{name}-out={tmp_path / name}.csv" for name in ("sequences", "scenes", "dataset")]
    for scores, message in (
        ([files[0], few], "sequence s2 has no scores for condition"),
        ([files[0], other], "sequences to pool differ in task: detection, segmentation"),
        ([files[0], files[0]], "sequence s1 is given twice"),
    ):
        argv = ["score", "pool", "--scores", *(str(one.out) for one in scores), *outs]
        assert main(argv) == 2
        assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("*.csv"))


def test_pooling_refuses_files_that_are_no_scores(tmp_path, capsys):
    (tmp_path / "x.json").write_text("[]", "utf-8")
    argv = ["score", "pool", "--scores", str(tmp_path / "x.json")]
    argv += [f"--{name}-out={tmp_path / name}.csv" for name in ("sequences", "scenes", "dataset")]
    assert main(argv) == 2
    assert "not the scores of a sequence" in capsys.readouterr().err
