"""Methods as chains: what is made once, and under which instances it lies."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from planning import plan, settings

from vcmflow.core.errors import VcmflowError
from vcmflow.plan.code import modules, version
from vcmflow.plan.grid import keep_every, sampler_of, used_maps
from vcmflow.plan.products import Products
from vcmflow.task.registry import DETECTORS, FOLLOWERS
from vcmflow.track.registry import TRACKERS

SEQUENCE = "1_calibration_1.1-rgb_center"
CHAIN = {"sampler": "uniform", "codec": "vvenc_ra", "reconstructor": "interpolation"}


def chain(**values: str) -> Any:
    """Wildcards of a job of railway."""
    return SimpleNamespace(**({"dataset": "railway", "sequence": SEQUENCE} | CHAIN | values))


def with_method(**parts: str) -> dict[str, Any]:
    """A change that gives railway one more method, which differs from uniform in these parts."""
    methods = [*settings().data.datasets["railway"].methods, "x"]
    return {
        "methods": {"x": CHAIN | parts},
        "data": {"datasets": {"railway": {"methods": methods}}},
    }


def test_the_default_methods_are_the_papers_and_their_rivals() -> None:
    grid = plan().grid
    assert [name for name, m in grid["railway"].methods.items() if m.swept is None] == [
        *("uniform", "tracking", "manifold", "all", "grey", "difference"),
        *("uniform_ai", "tracking_ai", "manifold_ai", "all_ai"),
        *("uniform_lossless", "tracking_lossless", "manifold_lossless"),
    ]
    assert [*grid["davis"].methods][:4] == ["uniform", "tracking", "manifold", "all"]
    assert grid["railway"].methods["all"].points == ("22", "27", "32", "37", "42", "47")
    assert grid["railway"].counterpart("uniform", "vvenc_ai") == "uniform_ai"
    assert grid["davis"].counterpart("uniform", "vvenc_ai") is None


def test_a_sweep_is_methods_with_a_share_of_their_own() -> None:
    found = plan()
    swept = [m for m in found.grid["railway"].methods.values() if m.swept is not None]
    assert {m.name for m in swept} == {
        f"{name}-n{share}" for name in ("uniform", "manifold") for share in (2, 4, 9)
    }
    assert all(m.points == found.grid["railway"].methods["uniform"].points for m in swept)
    assert sampler_of(found.settings, "manifold-n4").embedding == "learned"
    assert keep_every(found.settings, found.grid["railway"], "manifold-n4") == 4
    at_one = plan(change={"sample": {"sweep": {"points": [32]}}}).grid["railway"].methods
    assert at_one["manifold-n4"].points == ("32",)
    assert keep_every(found.settings, found.grid["railway"], "manifold") == 3
    assert keep_every(found.settings, found.grid["davis"], "manifold") == 4


def test_a_sampler_may_have_a_share_of_its_own() -> None:
    change = with_method(sampler="sparse")
    change["sample"] = {"samplers": {"sparse": {"sampler": "uniform", "keep_every": 7}}}
    found = plan(change=change)
    assert found.keep_every(chain(sampler="sparse")) == 7
    assert found.keep_every(chain()) == 3


def test_a_second_reconstructor_shares_streams() -> None:
    change = with_method(reconstructor="hold")
    change["reconstruct"] = {"reconstructors": {"hold": {"reconstructor": "hold"}}}
    before, after = plan(), plan(change=change)
    assert after.encodings() == before.encodings()
    assert len(after.reconstructions()) == len(before.reconstructions()) + 1


def test_an_optional_part_without_its_weights_is_left_out(tmp_path: Path) -> None:
    assert "uniform_ema_vfi" not in plan("compare").grid["railway"].methods
    weights = tmp_path / "weights.pkl"
    weights.write_bytes(b"weights")
    part = {"ema_vfi": {"weights": str(weights)}}
    found = plan("compare", {"reconstruct": {"reconstructors": part}})
    assert found.grid["railway"].methods["uniform_ema_vfi"].reconstructor == "ema_vfi"
    assert found.chain_weights("vvenc_ra", "ema_vfi") == [str(weights)]


def test_a_second_detector_shares_reconstructions() -> None:
    change = {
        "task": {"tasks": {"second": {"kind": "detection", "model": "faster_rcnn_mini"}}},
        "data": {"datasets": {"railway": {"tasks": ["detection", "second"]}}},
    }
    before, after = plan(), plan(change=change)
    assert after.encodings() == before.encodings()
    assert after.reconstructions() == before.reconstructions()
    assert after.grid["railway"].with_kind("detection") == ["detection", "second"]


def test_a_method_that_differs_in_its_codec_shares_decision_and_embedding() -> None:
    change = with_method(sampler="manifold", codec="x265")
    change["encode"] = {"codecs": {"x265": {"codec": "x265", "preset": "fast"}}}
    found = plan(change=change)
    assert found.sampler_needs(chain(sampler="manifold")) == {
        "embedding": f"results/mini/railway/embed/{SEQUENCE}/learned.npy"
    }
    samplers = {name for coding in found.encodings() for name in coding.samplers}
    assert samplers == {name for coding in plan().encodings() for name in coding.samplers}
    assert found.streams("x265", ["22"]) == ["22.265"]


def test_methods_that_share_a_coding_at_different_points_code_each_once() -> None:
    found = plan(change={"sample": {"sweep": {"points": [32]}}})
    made = [
        (sampler, coding.codec, point)
        for coding in found.encodings()
        for sampler in coding.samplers
        for point in coding.points
    ]
    assert len(made) == len(set(made))
    names = {coding.name for coding in found.encodings()}
    assert names == {"vvenc_ra", "vvenc_ra_32", "vvenc_ai", "lossless"}
    assert found.points(chain(sampler="uniform-n4")) == ["32"]


def test_a_part_keeps_its_number_when_others_lose_sequences() -> None:
    dataset = plan(change={"task": {"sequences_per_job": 6}}).grid["railway"]
    assert list(dataset.parts()) == ["000", "001"]
    assert dataset.part_of(SEQUENCE) == "000"
    assert sorted(name for part in dataset.parts().values() for name in part) == sorted(
        dataset.sequences
    )


def test_words_of_a_job_are_the_narrowest() -> None:
    found = plan()
    assert found.settings.encode.codecs["vvenc_ai"].job() == (
        '{"codec": "vvenc", "intra_period": 32, "preset": "faster", "structure": "ai"}'
    )
    assert found.sampler_job(chain(sampler="manifold")) == (
        '{"arc": "chord", "count": "exact", "sampler": "manifold"}'
    )
    assert found.task_device(SimpleNamespace(task="detection")) == "cpu"


@pytest.mark.parametrize("gpus", [0, 2])
def test_gpus_go_to_what_is_made_for_them(gpus: int) -> None:
    paper = plan("paper", gpus=gpus)
    assert paper.task_gpus(SimpleNamespace(task="detection")) == min(1, gpus)
    assert paper.reconstruct_gpus("vvenc_ra", "interpolation") == min(1, gpus)
    assert paper.encode_gpus("vvenc_ra") == 0
    assert plan(gpus=gpus).task_gpus(SimpleNamespace(task="detection")) == 0


def test_a_codec_with_a_map_has_it_made_and_no_other() -> None:
    change = with_method(codec="x265")
    change["encode"] = {"codecs": {"x265": {"codec": "x265_roi", "importance": "own"}}}
    own = {"map": "plis", "network": "faster_rcnn_mini", "training": "faster_rcnn_mini"}
    change["importance"] = {"maps": {"own": own, "bound": {"map": "boxes"}}}
    found = plan(change=change)
    file = f"results/mini/railway/importance/{SEQUENCE}/own.npy"
    assert found.codec_needs("x265", chain()) == {"importance": file}
    assert used_maps(found.settings, found.grid) == ["own"]
    assert used_maps(plan().settings, plan().grid) == []
    assert found.model_trainings() == ["faster_rcnn_mini"]
    own_map, bound = (
        SimpleNamespace(dataset="railway", sequence=SEQUENCE, importance=name)
        for name in ("own", "bound")
    )
    assert found.map_weights(own_map) == [found.training_file("faster_rcnn_mini")]
    code = " ".join(modules(*found.map_entries(own_map)))
    assert "nets/faster_rcnn_mini.py" in code and "nets/proxy_mini.py" not in code
    code = " ".join(modules(*found.map_entries(bound)))
    assert "gradient.py" not in code and not found.map_weights(bound)
    assert found.map_code(own_map) != found.map_code(bound)
    assert found.map_truth(own_map) == []
    assert found.map_truth(bound) == [f"results/mini/railway/frames/{SEQUENCE}/truth.json"]


def test_importance_is_compared_with_the_same_sampling() -> None:
    products = Products(plan("importance"))
    pairs = products._importance_pairs(products.grid["railway"])
    assert {(method.name, anchor.name) for method, anchor in pairs} >= {
        ("roi_plis", "all_x265"),
        ("roi_plis_uniform", "uniform_x265"),
        ("roi_boxes_manifold", "manifold_x265"),
    }
    assert len(pairs) == 12
    assert "importance" in {table.name for table in products.tables()}
    (figure,) = (one for one in products.figures() if one.name == "importance")
    assert [Path(file).name for file in figure.files["--maps"]] == [
        *("plis.pixels.npy", "plis.npy", "37.qp.npy"),
    ]
    others = Products(plan())
    assert "importance" not in {one.name for one in [*others.tables(), *others.figures()]}


@pytest.mark.parametrize("detector", ["faster_rcnn_mini", "yolact_mini"])
def test_a_task_depends_on_the_detector_and_the_tracker_that_are_its_options(detector: str) -> None:
    task = {"kind": "tracking", "model": "tracked", "detector": detector}
    task["weights"] = f"models/{detector}.safetensors"
    change = {
        "task": {"tasks": {"tracking": task}},
        "data": {"datasets": {"railway": {"tasks": ["detection", "tracking"]}}},
    }
    parts = FOLLOWERS["tracked"], DETECTORS[detector], TRACKERS["deepsort"]
    code = plan(change=change).task_code(chain(task="tracking"))
    assert code == version("vcmflow.task.command", *parts)


def test_a_codec_of_features_has_a_figure_of_its_maps_and_bits() -> None:
    made = plan("transvfc")
    (figure,) = (one for one in Products(made).figures() if one.name == "features")
    folder = f"results/transvfc/{figure.datasets[0]}/encode"
    count = len(made.grid[figure.datasets[0]].sequences)
    assert len(figure.files["--bits"]) == 4 * count
    first = next(iter(made.grid[figure.datasets[0]].sequences))
    assert figure.files["--maps"] == [
        f"{folder}/{first}/all/transvfc/{point}.maps.npz" for point in (16, 256)
    ]
    assert "features" not in {one.name for one in Products(plan()).figures()}


OF_FEATURES = ("transvfc", "copied", "mosaic", "mosaic_420")
NO_TRANSFER = {"task": {"tasks": {"by_segmenter": {"transfers": None}}}}


def test_features_reach_the_tasks_that_can_go_on_from_them() -> None:
    """The mini detector from its own features, the segmenter's boxes through a transfer."""
    through = chain(task="by_segmenter", codec="transvfc", reconstructor="hold")
    made = plan("transvfc", NO_TRANSFER)
    results = [name for name, _ in made.task_results(chain())]
    assert {"detection/transvfc", "by_segmenter/all", "by_segmenter/source"} <= set(results)
    left_out = [f"by_segmenter/{name}" for name in OF_FEATURES]
    assert not {*left_out} & {*results}
    assert made.not_applicable(chain()) == ["--not-applicable", *left_out]
    assert made.task_transfer(through) == []
    assert plan().not_applicable(chain()) == []

    made = plan("transvfc")
    assert {*left_out} < {name for name, _ in made.task_results(chain())}
    assert made.not_applicable(chain()) == []
    assert made.task_transfer(through) == ["models/fst_mini.safetensors"]
    for others in ({"task": "detection"}, {"codec": "x265"}):
        assert made.task_transfer(chain(**(vars(through) | others))) == []
    assert made.task_transfer(SimpleNamespace(task="by_segmenter")) == []  # uncompressed frames
    assert made.task_code(through) != made.task_code(chain(task="by_segmenter", codec="x265"))


def test_a_method_that_no_task_can_look_at_is_refused() -> None:
    tasks = {"data": {"datasets": {"railway": {"tasks": ["by_segmenter"]}}}}
    with pytest.raises(VcmflowError, match="gives features faster_rcnn_mini"):
        plan("transvfc", NO_TRANSFER | tasks)


@pytest.mark.parametrize(
    ("task", "transfers", "said"),
    [
        ("by_segmenter", {"nets.res2": "w"}, "is 'nets.res2'; allowed: faster_rcnn_mini.res2"),
        ("boxes", {"faster_rcnn_mini.res2": "w"}, "goes on from no features; leave it out"),
    ],
)
def test_transfers_that_cannot_be(task: str, transfers: dict[str, str], said: str) -> None:
    given = {"kind": "detection", "model": "onnx", "weights": "w"} if task == "boxes" else {}
    change = {"task": {"tasks": {task: {**given, "transfers": transfers}}}}
    with pytest.raises(VcmflowError, match=rf"task\.tasks\.{task}\.transfers: .*{said}"):
        plan("transvfc", change)


def test_the_first_masks_reach_the_tasks_that_follow_them_and_no_other() -> None:
    follow = {"task": {"tasks": {"follow": {"kind": "vos", "model": "flow"}}}}
    tasks = {"tasks": ["segmentation", "follow"]}
    found = plan(change=follow | {"data": {"datasets": {"davis": tasks}}})
    coded = chain(dataset="davis", part="000", task="follow")
    runs = found.task_runs(coded)
    truths = [f"results/mini/davis/frames/{name}/truth.json" for name, _ in runs]
    assert found.task_truths(coded) == truths and len(truths) > 6
    assert found.task_truth_words(coded) == ["--truths", *truths]
    source = SimpleNamespace(dataset="davis", part="000", task="follow")
    assert found.task_truths(source) == list(dict.fromkeys(truths))
    assert found.task_truth_words(chain(dataset="davis", part="000", task="segmentation")) == []
    with pytest.raises(VcmflowError, match="follows the masks of the first frame, and the dataset"):
        plan(change=follow | {"data": {"datasets": {"railway": {"tasks": ["follow"]}}}})


def test_labelled_clips_are_rendered_and_scored_without_objects() -> None:
    found = plan("vcs")
    dataset = found.grid["actions"]
    assert {spec.annotations for spec in dataset.sequences.values()} == {"label"}
    assert len(dataset.sequences) == 60 and list(dataset.scenes()) == ["clips"]
    assert {spec.length for spec in dataset.sequences.values()} == {8}
    assert dataset.kinds == {"action": "action"}


def test_long_scenes_are_rendered_to_their_length_and_others_to_the_catalogues() -> None:
    def words(preset: str) -> list[str]:
        return plan(preset).rendered_words(chain())

    assert words("long") == ["--frames", "31", "--step", "0.1"]
    assert words("mini") == []
    assert set(plan("long").grid["railway"].methods) >= {"all", "tracking", "grey"}


def test_recorded_video_is_planned_without_it_or_from_a_folder(tmp_path: Path) -> None:
    """Ten sequences of DAVIS 2017, and products that apply; on disk, a path in its place."""
    found = plan("real")
    dataset = found.grid["davis2017"]
    assert len(dataset.sequences) == 10
    assert {spec.at_most for spec in dataset.sequences.values()} == {31}
    assert [*dataset.methods] == ["all", "uniform", "manifold", "grey"]
    assert {len(method.points) for method in dataset.methods.values()} == {6}
    products = Products(found)
    assert {table.name for table in products.tables()} >= {"table3", "against_all_davis2017_all"}
    assert "pseudo ground truth" in products.note(["davis2017"])
    for name in ("car-shadow", "mine"):
        for kind in ("JPEGImages", "Annotations"):
            (tmp_path / kind / "480p" / name).mkdir(parents=True)
        (tmp_path / "JPEGImages" / "480p" / name / "00000.jpg").touch()
    own = {"source": "local", "path": str(tmp_path), "sequences": "auto"}
    local = plan("real", {"data": {"datasets": {"davis2017": own}}}).grid["davis2017"]
    assert [*local.sequences] == ["car-shadow", "mine"]
