"""``vcmflow stage score``: from the files of the stages before to the score tables."""

from __future__ import annotations

import json
import math

import pytest
from score_files import METHODS, method

from vcmflow.__main__ import stage
from vcmflow.core.files import record
from vcmflow.core.scores import read_scores, tasks_of, wide


def pool(folder, *files):
    for one in files:
        assert stage(one.arguments()) == 0
    argv = ["score", "pool", "--scores", *(str(one.out) for one in files)]
    assert stage([*argv, "--scores-out", str(folder / "scores.csv")]) == 0
    return read_scores([folder / "scores.csv"])


def row(table, **wanted):
    for key, value in wanted.items():
        table = table[table[key] == value]
    (index,) = table.index
    return table.loc[index]


def test_rates_count_stream_and_gaps_over_the_original_video(build, tmp_path):
    methods = [method("tracking", ["22"]), method("uniform", ["22"])]
    scores = pool(tmp_path, build("s1", methods=methods), build("s2", seed=1, methods=methods))
    one = row(wide(scores, "sequence"), sequence="s1", method="tracking", point="22")
    assert (one["stream_bytes"], one["metadata_bytes"], one["rate_bytes"]) == (4545, 2, 4547)
    assert one["kbps"] == pytest.approx(4547 * 8 / 1000 / 0.7, abs=1e-4)
    assert one["bpp"] == pytest.approx(4547 * 8 / (7 * 64 * 48), abs=1e-6)
    # What a receiver derives from n and m is not sent.
    free = row(wide(scores, "sequence"), sequence="s1", method="uniform", point="22")
    assert (free["metadata_bytes"], free["rate_bytes"]) == (0, free["stream_bytes"])
    both = row(wide(scores, "scene"), method="tracking", point="22")
    assert (both["sequences"], both["n"], both["m"]) == (2, 14, 6)
    assert both["rate_bytes"] == 4547 + 4548
    assert both["kbps"] == pytest.approx((4547 + 4548) * 8 / 1000 / 1.4, abs=1e-4)


def test_rate_is_the_sum_of_all_streams_and_each_is_told(build, tmp_path):
    scores = pool(tmp_path, build(roles=("base", "semantic")))
    one = row(wide(scores, "sequence"), method="uniform", point="22")
    assert (one["stream_bytes.base"], one["stream_bytes.semantic"]) == (4545, 4545)
    assert (one["stream_bytes"], one["rate_bytes"]) == (9090, 9090)
    assert "stream_bytes.base" not in wide(pool(tmp_path, build()), "sequence")


def test_seconds_are_summed_over_sequences(build, tmp_path):
    scores = pool(tmp_path, build("s1"), build("s2"))
    one = row(wide(scores, "dataset"), method="uniform", point="22")
    assert (one["encode_seconds"], one["decode_seconds"]) == (3.0, 0.5)
    assert one["reconstruct_seconds"] == 1.0


def test_a_method_that_rebuilds_no_frames_has_no_fidelity(build, tmp_path):
    rows = wide(pool(tmp_path, build(rebuilt=["uniform"])), "scene", "detection")
    assert not math.isnan(row(rows, method="uniform", point="22")["psnr"])
    whole = row(rows, method="all")
    assert math.isnan(whole["psnr"])
    assert math.isnan(whole["decode_seconds"])
    assert whole["map"] > 0


def test_every_sampler_is_compared_with_the_frames_it_had_to_keep(build, tmp_path):
    rows = wide(pool(tmp_path, build()), "sequence")
    found = {r["method"]: (r["m"], r["m_expected"]) for _, r in rows.iterrows()}
    assert (found["uniform"], found["all"]) == ((3, 3), (7, 7))
    assert all(map(math.isnan, found["source"]))


def test_fidelity_is_the_mean_over_frames_and_over_kept_frames(build, tmp_path):
    scores = pool(tmp_path, build())
    one = row(wide(scores, "sequence"), method="uniform", point="42")
    assert one["psnr_kept"] == pytest.approx(39)
    assert one["psnr"] == pytest.approx((3 * 39 + 4 * 33) / 7, abs=1e-4)
    assert one["ssim"] == pytest.approx(0.79)
    assert row(wide(scores, "scene"), method="uniform", point="42")["psnr"] == one["psnr"]


@pytest.mark.parametrize("psnr", ["inf", "123.4"])
def test_a_frame_without_error_counts_a_hundred_decibels(build, tmp_path, psnr):
    files = build()
    edit_text(files.path("uniform.csv"), ",1,0,1.0,33.0,", f",1,0,0.0,{psnr},")
    one = row(wide(pool(tmp_path, files), "sequence"), method="uniform", point="42")
    assert one["psnr"] == pytest.approx((3 * 39 + 3 * 33 + 100) / 7, abs=1e-4)
    assert one["psnr_kept"] == pytest.approx(39)


def test_detections_are_scored_per_class_and_fall_with_qp(build, tmp_path):
    scores = pool(tmp_path, build("s1"), build("s2", seed=1), build("s3", "2_yard"))
    scenes, dataset = (wide(scores, level, "detection") for level in ("scene", "dataset"))
    assert list(scenes["scene"]) == ["1_calibration"] * 4 + ["2_yard"] * 4
    assert set(dataset["scene"]) == {"all"}
    source = row(dataset, method="source")
    assert [source[key] for key in ("sampler", "codec", "reconstructor", "point")] == [""] * 4
    assert math.isnan(source["kbps"]) and math.isnan(source["psnr"])
    assert source["map"] == pytest.approx(1)
    assert math.isnan(source["ap_car"])
    good, bad = (row(dataset, method="uniform", point=qp)["map"] for qp in ("22", "42"))
    assert 1 >= good > bad > 0
    assert (source["ap_person"] + source["ap_bicycle"]) / 2 == source["map"]
    assert "jaccard" not in dataset
    assert set(scores["status"]) == {"", "undefined"}


def test_masks_are_scored_per_object(build, tmp_path):
    files = build(annotations="masks"), build("s2", "2_yard", "masks", seed=3)
    scores = pool(tmp_path, *files)
    scenes, single = (wide(scores, level, "segmentation") for level in ("scene", "sequence"))
    assert row(scenes, scene="2_yard", method="source")["jaccard"] == 1
    good, bad = (row(single, sequence="s1", method="uniform", point=qp) for qp in ("22", "42"))
    assert 1 >= good["jaccard"] > bad["jaccard"] > 0
    assert bad["f1"] > bad["jaccard"]
    assert row(scenes, scene="1_calibration", method="uniform", point="42")["f1"] == bad["f1"]


def test_two_detectors_and_a_segmenter_on_one_dataset(build, tmp_path):
    tasks = {"small": "detection", "large": "detection", "parts": "segmentation"}
    scores = pool(tmp_path, build(tasks=tasks))
    assert tasks_of(scores) == list(tasks)
    small, large, parts = (wide(scores, "dataset", task) for task in tasks)
    # Their detections have other scores.
    assert list(small["map"]) != list(large["map"])
    # Boxes are no ground truth of masks.
    assert (set(small["status"]), set(parts["status"])) == ({""}, {"pseudo"})
    assert row(parts, method="source")["jaccard"] == pytest.approx(1)
    assert list(small["kbps"].dropna()) == list(parts["kbps"].dropna())


def test_a_task_that_is_not_applicable_to_a_method_has_no_rows(build, tmp_path):
    files = build(tasks={"small": "detection", "large": "detection"})
    argv, owners = files.arguments(), []
    place = argv.index("--results-of")
    while not argv[place + 1 + len(owners)].startswith("--"):
        owners.append(argv[place + 1 + len(owners)])
    left_out = owners.index("large/uniform")
    del argv[place + 1 + left_out]
    del argv[argv.index("--results") + 1 + left_out]
    assert stage(argv) == 2  # it may not be missing without a word
    assert stage([*argv, "--not-applicable", "large/uniform"]) == 0
    assert stage([*files.arguments(), "--not-applicable", "large/uniform"]) == 2
    out = tmp_path / "scores.csv"
    assert stage(["score", "pool", "--scores", str(files.out), "--scores-out", str(out)]) == 0
    scores = read_scores([out])
    assert set(scores.loc[scores["task"] == "large", "method"]) == {"source", "all"}
    assert set(scores.loc[scores["task"] == "small", "method"]) == {"source", "uniform", "all"}


def test_video_without_a_task_has_rates_and_fidelity_only(build, tmp_path):
    scores = pool(tmp_path, build(annotations="none"))
    assert set(scores["method"]) == {"uniform", "all"}
    assert set(scores["task"]) == {""}
    assert wide(scores, "scene")["psnr"].notna().all()


@pytest.mark.parametrize("task", ["detection", "segmentation"])
@pytest.mark.parametrize("annotations", ["none", "other"])
def test_pseudo_ground_truth_is_what_is_found_on_the_uncompressed_frames(
    build, tmp_path, task, annotations
):
    if annotations == "other":
        annotations = "masks" if task == "detection" else "boxes"
    scores = pool(tmp_path, build(annotations=annotations, tasks={task: task}))
    score = "map" if task == "detection" else "jaccard"
    rows = wide(scores, "scene", task)
    best = row(rows, method="source")[score]
    good, bad = (row(rows, method="uniform", point=qp)[score] for qp in ("22", "42"))
    assert best == pytest.approx(1)
    assert best >= good > bad > 0
    assert set(rows["status"]) == {"pseudo"}
    assert set(scores[(scores["task"] == task) & scores["value"].notna()]["status"]) == {"pseudo"}


@pytest.mark.parametrize(
    ("kind", "threshold", "objects"),
    [
        *(("detection", *pair) for pair in ((0, 21), (0.5, 14), (None, 14), (1.1, 0))),
        *(("segmentation", *pair) for pair in ((None, 14), (1.1, 0))),
    ],
)
def test_pseudo_ground_truth_begins_at_its_threshold(build, kind, threshold, objects):
    """Of 21 things, seven score less than the threshold of 0.5 and one just as much."""
    files = build(annotations="none", tasks={"found": kind})
    scores = [round(0.25 + 0.0357142 * index, 5) for index in range(7)] + [0.5] + [0.7] * 13

    def rescore(value):
        for entry, score in zip(source(value), scores, strict=True):
            entry["score"] = score

    edit_json(files.path("found", "source.json"), rescore)
    options = {} if threshold is None else {"pseudo_threshold": threshold}
    assert stage([*files.arguments(), "--evaluators", json.dumps({kind: options})]) == 0
    conditions = json.loads(files.out.read_text("utf-8"))["conditions"]
    found = [entry["evidence"]["found"][kind] for entry in conditions]
    if kind == "detection":
        assert [sum(part["boxes"] for part in one.values()) for one in found] == [objects] * 4
    else:
        assert found[0]["jaccard"] == (1.0 if objects else None)


def test_frames_without_an_object_count_as_the_evaluator_is_told(build):
    """An object that is found badly and gone from the third frame on."""
    files = build(annotations="masks")

    def vanish(value):
        value["annotations"] = [
            one for one in value["annotations"] if one["object_id"] != 2 or one["image_id"] < 2
        ]

    edit_json(files.path("truth.json"), vanish)
    found = []
    for options in ({}, {"absent": "skip"}, {"absent": "davis"}):
        evaluators = json.dumps({"segmentation": options})
        assert stage([*files.arguments(), "--evaluators", evaluators]) == 0
        conditions = json.loads(files.out.read_text("utf-8"))["conditions"]
        (worst,) = (one for one in conditions if one["point"] == "42")
        found.append(worst["evidence"]["segmentation"]["segmentation"]["jaccard"])
    assert found[0] == found[1] < found[2] < 1


def test_methods_keep_their_order_and_may_share_files(build, tmp_path):
    methods = [
        method("uniform__hold", ["22"], reconstructor="hold"),
        method("uniform", ["42", "22"]),
        method("uniform-n5", ["32"]),
    ]
    scenes = wide(pool(tmp_path, build(methods=methods)), "scene")
    assert [(r["method"], r["reconstructor"], r["point"]) for _, r in scenes.iterrows()] == [
        ("source", "", ""),
        ("uniform__hold", "hold", "22"),
        ("uniform", "flow", "42"),
        ("uniform", "flow", "22"),
        ("uniform-n5", "flow", "32"),
    ]


def test_same_files_give_the_same_bytes_in_any_order(build, tmp_path):
    files = build("s10"), build("s9", seed=1)
    pool(tmp_path, *files)
    before = (tmp_path / "scores.csv").read_bytes()
    scores = files[0].out.read_bytes()
    pool(tmp_path, *reversed(files))
    assert (tmp_path / "scores.csv").read_bytes() == before
    assert files[0].out.read_bytes() == scores
    assert b"s9" in before.split(b"\n")[1]


def edit_json(path, change):
    value = json.loads(path.read_text("utf-8"))
    change(value)
    path.write_text(json.dumps(value), "utf-8")
    record(path).unlink(missing_ok=True)


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
        lambda f: edit_json(
            f.path("detection", "source.json"), lambda v: source(v)[2].update(bbox=[1, 2, 3])
        ),
        "entry 2 is no detection",
    ),
    "negative box": (
        lambda f: edit_json(
            f.path("detection", "source.json"), lambda v: source(v)[2].update(bbox=[1, 2, -3, 4])
        ),
        "is no box",
    ),
    "frame out of range": (
        lambda f: edit_json(
            f.path("detection", "source.json"), lambda v: source(v)[0].update(image_id=7)
        ),
        "image_id 7; allowed: 0..6",
    ),
    "score that is no number": (
        lambda f: edit_text(
            f.path("detection", "source.json"), '"score":0.', '"score":NaN,"was":0.'
        ),
        "not a JSON file (NaN is no number)",
    ),
    "results that are no list": (
        lambda f: f.path("detection", "source.json").write_text("[]", "utf-8"),
        "not a file of task results",
    ),
    "empty bitstream": (
        lambda f: edit_text(f.path("uniform", "vvc", "encode.json"), ": 4545", ": 0"),
        "the stream 'base' is empty",
    ),
    "wrong frame count": (
        lambda f: edit_text(f.path("uniform", "vvc", "encode.json"), '"frames": 3', '"frames": 4'),
        "4 frames were coded, 3 were kept",
    ),
    "lost size": (
        lambda f: edit_text(f.path("uniform", "vvc", "encode.json"), '"bytes"', '"size"'),
        "not what encode writes",
    ),
    "times that are none": (
        lambda f: f.path("uniform.times.json").write_text("[]", "utf-8"),
        "not a report of the reconstruct stage",
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
        lambda f: edit_text(f.path("uniform.csv"), "s1,42,6,1,1.0,39.0,0.79\n", ""),
        "has 6 frames; needed: 0..6",
    ),
    "fidelity with other kept frames": (
        lambda f: edit_text(f.path("uniform.csv"), "s1,42,1,0,", "s1,42,1,1,"),
        "has 4 kept frames, the decision 3",
    ),
    "no such annotations": (
        lambda f: edit_text(f.path("sequence.json"), '"boxes"', '"tracks"'),
        "annotations is 'tracks'; allowed: boxes, masks, label, none",
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
    for path in files.folder.rglob(".*.sha256"):
        path.unlink()
    assert stage(files.arguments()) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not files.out.exists()


def without(argv, *flags):
    for flag in flags:
        start = argv.index(flag)
        stop = next(i for i in range(start + 1, len(argv)) if argv[i].startswith("--"))
        argv = argv[:start] + argv[stop:]
    return argv


def swapped(argv, flag, value):
    return [
        value if before == flag else word for before, word in zip(["", *argv], argv, strict=False)
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda argv: without(argv, "--truth"), "no truth was given"),
        (lambda argv: without(argv, "--gaps"), "--gaps has 0 entries and --methods 2"),
        (lambda argv: without(argv, "--encodes"), "--encodes has 0 entries and --methods 2"),
        (lambda argv: without(argv, "--times-of"), "--times-of has 0 entries and --times 2"),
        (
            lambda argv: without(argv, "--results", "--results-of"),
            "condition source has no results of task 'detection'",
        ),
        (
            lambda argv: [word.replace("detection/uniform", "detection/source") for word in argv],
            "results of detection for source were given before",
        ),
        (
            lambda argv: swapped(argv, "--fidelity-of", "x"),
            "--fidelity-of 'x'; allowed: uniform, all",
        ),
        (lambda argv: swapped(argv, "--results-of", "x/source"), "no task 'x'; allowed: detection"),
        (
            lambda argv: swapped(argv, "--tasks", '{"a": "captioning"}'),
            "unknown kind of task 'captioning'",
        ),
        (lambda argv: swapped(argv, "--tasks", "[]"), "wanted: a mapping from tasks"),
        (
            lambda argv: [*argv, "--evaluators", '{"detection": {"iou": 1}}'],
            "has no option 'iou'; allowed: pseudo_threshold",
        ),
        (
            lambda argv: [*argv, "--evaluators", '{"detections": {}}'],
            "unknown evaluator 'detections'; allowed: action, detection, segmentation, tracking, "
            "vos (did you mean",
        ),
        (lambda argv: swapped(argv, "--methods", "[{}]"), "wanted: a list of mappings with name"),
        (lambda argv: swapped(argv, "--methods", "uniform"), "--methods: not JSON"),
    ],
)
def test_incomplete_command_lines_are_refused(build, capsys, change, message):
    assert stage(change(build().arguments())) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_point_that_was_not_coded_is_told(build, capsys):
    files = build()
    methods = json.dumps([METHODS[0] | {"points": ["22", "37"]}, METHODS[1]])
    assert stage(swapped(files.arguments(), "--methods", methods)) == 2
    assert "nothing of point '37' of method 'uniform'; there are 22, 42" in capsys.readouterr().err


def test_sequences_that_do_not_belong_together_are_not_pooled(build, tmp_path, capsys):
    few = build("s2", methods=METHODS[:1])
    other = build("s3", annotations="masks")
    short = build("s4", methods=[method("uniform", ["22"]), METHODS[1]])
    files = [build("s1"), few, other, short]
    for one in files:
        assert stage(one.arguments()) == 0
    for scores, message in (
        ([files[0], few], "sequences to pool differ in methods: s1 has uniform, all, s2 has unif"),
        ([files[0], other], "differ in tasks: s1 has detection, s3 has segmentation"),
        ([files[0], short], "sequence s4 has no scores for condition uniform/42"),
        ([files[0], files[0]], "sequence s1 is given twice"),
    ):
        argv = ["score", "pool", "--scores", *(str(one.out) for one in scores)]
        assert stage([*argv, f"--scores-out={tmp_path / 'scores.csv'}"]) == 2
        assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("*.csv"))


def test_pooling_refuses_files_that_are_no_scores(tmp_path, capsys):
    (tmp_path / "x.json").write_text("[]", "utf-8")
    argv = ["score", "pool", "--scores", str(tmp_path / "x.json")]
    assert stage([*argv, f"--scores-out={tmp_path / 'scores.csv'}"]) == 2
    assert "not the scores of a sequence" in capsys.readouterr().err
