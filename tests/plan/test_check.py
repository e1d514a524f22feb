"""Names that refer to each other, options and points: one line before any job."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import pytest
from planning import PARAMS, plan, settings

from vcmflow.config.load import presets
from vcmflow.core.errors import VcmflowError
from vcmflow.plan.check import check, check_weights, weights_files


@pytest.mark.parametrize("preset", presets())
def test_every_preset_passes(preset: str) -> None:
    check(settings(preset))


METHOD = {"sampler": "uniform", "codec": "vvenc_ra", "reconstructor": "interpolation"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"methods": {"x": METHOD | {"sampler": "y"}}}, ["methods.x.sampler", "'y'", "uniform"]),
        ({"methods": {"x": METHOD | {"codec": "y"}}}, ["methods.x.codec", "'y'", "vvenc_ra"]),
        (
            {"methods": {"x": METHOD | {"reconstructor": "y"}}},
            ["methods.x.reconstructor", "'y'", "interpolation"],
        ),
        ({"data": {"use": ["x"]}}, ["data.use", "'x'", "railway"]),
        (
            {"data": {"datasets": {"railway": {"methods": ["manifolt"]}}}},
            ["railway.methods", "'manifolt'", "did you mean 'manifold'"],
        ),
        (
            {"data": {"datasets": {"railway": {"tasks": ["x"]}}}},
            ["railway.tasks", "'x'", "detection"],
        ),
        (
            {"data": {"datasets": {"railway": {"tasks": [], "require_objects": True}}}},
            ["railway.require_objects", "without tasks"],
        ),
        (
            {"sample": {"samplers": {"x": {"sampler": "y"}}}},
            ["sample.samplers.x", "unknown sampler 'y'", "uniform"],
        ),
        (
            {"sample": {"samplers": {"x": {"sampler": "manifold", "embedding": "y"}}}},
            ["sample.samplers.x.embedding", "'y'", "learned"],
        ),
        (
            {"sample": {"samplers": {"x": {"sampler": "manifold"}}}},
            ["sample.samplers.x.embedding", "is missing"],
        ),
        (
            {"sample": {"samplers": {"x": {"sampler": "uniform", "embedding": "learned"}}}},
            ["sample.samplers.x.embedding", "takes no embedding"],
        ),
        (
            {"sample": {"samplers": {"manifold": {"arc": "x"}}}},
            ["sample.samplers.manifold", "arc", "'x'", "'chord' or 'spline'"],
        ),
        (
            {"sample": {"samplers": {"manifold": {"ark": "chord"}}}},
            ["sample.samplers.manifold", "no option 'ark'", "did you mean 'arc'"],
        ),
        (
            {"importance": {"maps": {"x": {"map": "saliency"}}}},
            ["importance.maps.x", "'saliency'", "texture"],
        ),
        (
            {"importance": {"maps": {"plis": {"network": "proxy"}}}},
            ["importance.maps.plis.network", "'proxy'", "did you mean 'proxy_mini'"],
        ),
        (
            {"importance": {"maps": {"x": {"map": "plis"}}}},
            ["importance.maps.x.weights", "is missing", "'plis'"],
        ),
        (
            {"importance": {"maps": {"plis": {"probse": 4}}}},
            ["importance.maps.plis", "did you mean 'probes'"],
        ),
        (
            {"importance": {"maps": {"texture": {"weights": "w.pt"}}}},
            ["importance.maps.texture.weights", "takes none"],
        ),
        (
            {"encode": {"codecs": {"x": {"codec": "x265_roi", "importance": "plsi"}}}},
            ["encode.codecs.x.importance", "'plsi'", "did you mean 'plis'"],
        ),
        (
            {"encode": {"codecs": {"x": {"codec": "x265_roi"}}}},
            ["encode.codecs.x.importance", "is missing", "codec needs one"],
        ),
        (
            {"encode": {"codecs": {"x": {"codec": "x265", "importance": "plis"}}}},
            ["encode.codecs.x.importance", "takes no importance"],
        ),
        ({"tables": {"importance": "x"}}, ["tables.importance", "'x'", "vvenc_ra"]),
        ({"encode": {"ladder": [64]}}, ["encode.ladder", "64", "vvenc", "0..63"]),
        (
            {"encode": {"codecs": {"x": {"codec": "x264", "ladder": [22, 60]}}}},
            ["encode.codecs.x.ladder", "60", "x264", "0..51"],
        ),
        ({"encode": {"codecs": {"x": {"codec": "av2"}}}}, ["encode.codecs.x", "'av2'", "vvenc"]),
        (
            {"encode": {"codecs": {"vvenc_ra": {"preset": "fastest"}}}},
            ["encode.codecs.vvenc_ra", "preset", "'fastest'", "'faster'"],
        ),
        (
            {"encode": {"codecs": {"vvenc_ra": {"weights": "w.pt"}}}},
            ["encode.codecs.vvenc_ra.weights", "takes none"],
        ),
        (
            {"reconstruct": {"reconstructors": {"x": {"reconstructor": "dain"}}}},
            ["reconstruct.reconstructors.x", "'dain'", "flow"],
        ),
        (
            {"task": {"tasks": {"detection": {"model": "x"}}}},
            ["task.tasks.detection", "'x'", "faster_rcnn_mini"],
        ),
        (
            {"task": {"tasks": {"detection": {"kind": "x"}}}},
            ["task.tasks.detection.kind", "'x'", "segmentation"],
        ),
        ({"track": {"detector": {"detector": "x"}}}, ["track.detector", "'x'", "faster_rcnn_mini"]),
        ({"track": {"tracker": {"max_aeg": 3}}}, ["track.tracker", "did you mean 'max_age'"]),
        (
            {"track": {"tracker": {"appearance": "smell"}}},
            ["track.tracker", "'mobilenet' or 'colours'"],
        ),
        (
            {
                "data": {
                    "datasets": {
                        "railway": {"source": "local", "rendered": {"frames": 31, "step": 0.1}}
                    }
                }
            },
            ["data.datasets.railway.rendered", "source 'local'"],
        ),
        ({"tables": {"anchor": "x"}}, ["tables.anchor", "'x'", "uniform"]),
        ({"tables": {"compare": "x"}}, ["tables.compare", "'x'"]),
        ({"tables": {"all_intra": "x"}}, ["tables.all_intra", "'x'", "vvenc_ai"]),
        ({"sample": {"sweep": {"methods": ["x"]}}}, ["sample.sweep.methods", "'x'"]),
        ({"sample": {"sweep": {"points": [33]}}}, ["sample.sweep.points", "33", "32"]),
        ({"figures": {"shown_point": 33}}, ["figures.shown_point", "33", "37"]),
        ({"figures": {"embeddings": ["learned", "x"]}}, ["figures.embeddings", "'x'", "frozen"]),
        (
            {"embed": {"embeddings": {"x": {"embedder": "learned", "training": "cold"}}}},
            ["embed.embeddings.x.training", "'cold'", "embedding"],
        ),
        (
            {"embed": {"embeddings": {"x": {"embedder": "grey", "training": "embedding"}}}},
            ["embed.embeddings.x.training", "'grey'", "no weights"],
        ),
        (
            {
                "reconstruct": {
                    "reconstructors": {"x": {"reconstructor": "ema_vfi", "training": "y"}}
                }
            },
            ["reconstruct.reconstructors.x.training", "'y'", "embedding"],
        ),
        (
            {"task": {"tasks": {"detection": {"training": "faster_rcnn_mini"}}}},
            ["task.tasks.detection", "has weights and a training"],
        ),
        (
            {"score": {"evaluators": {"detection": {"treshold": 1}}}},
            ["score.evaluators.detection", "'treshold'", "pseudo_threshold"],
        ),
        (
            {"train": {"trainings": {"cold": {"like": "embedding", "temprature": 0.1}}}},
            ["train.trainings.cold", "'temprature'", "did you mean 'temperature'"],
        ),
        (
            {"data": {"warps": {"sequences": ["x"], "frames": 9, "step": 0.1, "keep_every": 3}}},
            ["data.warps.sequences", "'x'", "1_calibration_1.1"],
        ),
    ],
)
def test_a_problem_is_one_line_with_key_value_and_what_is_allowed(
    change: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(VcmflowError) as caught:
        plan(change=change)
    message = str(caught.value)
    assert message.startswith("params.yaml: ") and "\n" not in message
    assert all(word in message for word in words), message


NAN = math.nan


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"encode": {"codecs": {"vvenc_ra": {"intra_period": 7}}}}, "multiples of the GOP size"),
        ({"encode": {"codecs": {"vvenc_ra": {"preset": "fastr"}}}}, "preset is 'fastr'"),
        ({"encode": {"codecs": {"vvenc_ra": {"speed": 1}}}}, "no option 'speed'"),
        ({"track": {"tracker": {"score_threshold": NAN}}}, "score_threshold is nan"),
        ({"task": {"tasks": {"detection": {"score_threshold": 5}}}}, "score_threshold is 5"),
        ({"data": {"datasets": {"railway": {"fps": math.inf}}}}, "fps: is inf"),
        ({"tables": {"min_map": NAN}}, "min_map: is nan"),
        ({"sample": {"samplers": {"x" * 300: {"sampler": "uniform"}}}}, "at most 64 characters"),
    ],
)
def test_what_would_fail_hours_later_fails_in_the_plan(change: dict[str, Any], told: str) -> None:
    with pytest.raises(VcmflowError, match=told) as error:
        plan(change=change)
    assert "\n" not in str(error.value)


def test_weights_that_are_nowhere_are_one_line(tmp_path: Any) -> None:
    found = plan(change={"task": {"tasks": {"detection": {"weights": "models/none.pt"}}}})
    table = tmp_path / "weights.csv"
    table.write_text(
        (PARAMS.parent / "data/weights.csv").read_text("utf-8").partition("\n")[0] + "\n", "utf-8"
    )
    with pytest.raises(VcmflowError, match=r"task\.tasks\.detection\.weights: models/none\.pt"):
        check_weights(found.settings, found.grid, table)


def test_weights_that_nothing_uses_are_not_asked_for() -> None:
    found = plan("paper")
    keys = [key for key, _ in weights_files(found.settings, found.grid)]
    assert "embed.embeddings.imagenet.weights" in keys
    assert "reconstruct.reconstructors.interpolation.weights" in keys
    assert "embed.embeddings.frozen.weights" not in keys


def test_checking_imports_no_network_library() -> None:
    program = (
        "import sys; sys.path.insert(0, 'tests/plan'); from planning import plan; plan('paper');"
        "print(sorted({'torch', 'torchvision', 'cv2', 'onnxruntime'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
