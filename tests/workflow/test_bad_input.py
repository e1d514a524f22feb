"""What a user gets wrong is one clear line before any job starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import run_in

pytestmark = pytest.mark.workflow


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("preset=mni", ["preset", "'mni'", "mini", "paper", "smoke"]),
        ("encode={qp: [22]}", ["encode", "'qp'", "did you mean 'qps'"]),
        ("encode={qps: [64]}", ["encode.qps", "64", "0..63"]),
        ("encode={codec: x264, qps: [22, 60]}", ["encode.qps", "60", "x264", "0..51"]),
        ("encode={codec: av2}", ["encode.codec", "'av2'", "vvenc"]),
        ("sample={use: [uniform, manifolt]}", ["sample.use", "'manifolt'", "manifold"]),
        ("sample={samplers: {mine: {method: best}}}", ["mine", "'best'", "uniform"]),
        ("data={datasets: {railway: {keep_every: 0}}}", ["keep_every", "0", "at least 1"]),
        ("reconstruct={interpolator: dain}", ["reconstruct.interpolator", "'dain'", "flow"]),
        ("task={detection: {model: x, weights: null}}", ["task.detection.model", "'x'"]),
        (
            "task={detection: {model: faster_rcnn_mini, weights: models/none.safetensors}}",
            ["task.detection.weights", "models/none.safetensors"],
        ),
        ("tables={anchor: nobody}", ["tables.anchor", "'nobody'", "uniform"]),
        ("figures={detection_sequence: no}", ["figures.detection_sequence", "'no'", "1_cal"]),
        (
            "figures={segmentation_sequence: no}",
            ["figures.segmentation_sequence", "'no'", "bridge"],
        ),
        ("figures={embedding_sequences: [no]}", ["figures.embedding_sequences", "'no'"]),
        (
            "data={datasets: {railway: {task: none, require_objects: true}}}",
            ["dataset railway", "require_objects", "task: none"],
        ),
        (
            "embed={embeddings: {cold: {embedder: learned, pretraining: cold}}}",
            ["embed.embeddings.cold.pretraining", "'cold'", "none is defined"],
        ),
        (
            "data={use: [own], datasets: {own: {title: t, source: local, loader: folder, "
            "path: nowhere, task: none, synthetic: false, keep_every: 3, modes: [ra]}}}",
            ["nowhere"],
        ),
    ],
)
def test_one_line_names_key_value_and_what_is_allowed(
    checkout: Path, config: str, words: list[str]
) -> None:
    done = run_in(checkout, "snakemake", "-n", "--config", config)
    assert done.returncode != 0
    said = done.stdout + done.stderr  # a dry run says everything on stdout
    assert [line for line in said.splitlines() if all(word in line for word in words)], said
    assert "Traceback" not in said
    assert "Job stats" not in said
