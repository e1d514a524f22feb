# Parameters, operations and measured speed of the two methods, for Table 7: vcmflow/complexity.
from vcmflow.embed.registry import EMBEDDERS
from vcmflow.task.registry import DETECTORS

MEASURED = next(iter(GRID.values()))
MEASURED_EMBEDDING = SETTINGS.sample.samplers[
    SETTINGS.methods[SETTINGS.tables.test].sampler
].embedding


if MEASURED_EMBEDDING:

    rule complexity:
        input:
            video=f"{RESULTS}/{MEASURED.name}/frames/{next(iter(MEASURED.sequences))}/frames.mkv",
            embedding=PLAN.weights_of_embedding(MEASURED_EMBEDDING),
            detector=PLAN.weights(SETTINGS.track.detector),
        output:
            PRODUCTS.complexity,
        log:
            f"{RESULTS}/logs/complexity.log",
        benchmark:
            f"{RESULTS}/benchmarks/complexity.tsv"
        conda:
            ENVIRONMENT
        resources:
            **DEMAND.of("complexity"),
            gpu=PLAN.track_gpus,
        params:
            code=version(
                "vcmflow.complexity.command",
                EMBEDDERS[SETTINGS.embed.embeddings[MEASURED_EMBEDDING].embedder],
                DETECTORS[SETTINGS.track.detector.detector],
            ),
            device=PLAN.track_device,
            embedding=SETTINGS.embed.embeddings[MEASURED_EMBEDDING].job(),
            embedding_weights=lambda wildcards, input: flag("--embedding-weights", input.embedding),
            detector=SETTINGS.track.detector.job(),
            detector_weights=flag("--detector-weights", PLAN.weights(SETTINGS.track.detector)),
            tracker=SETTINGS.track.tracker.job(),
            keep_every=MEASURED.settings.keep_every,
        shell:
            "python -m vcmflow stage complexity --embedding {params.embedding:q}"
            " {params.embedding_weights:q} --detector {params.detector:q}"
            " {params.detector_weights:q} --tracker {params.tracker:q}"
            " --video {input.video:q} --keep-every {params.keep_every:q} --device {params.device:q}"
            " --threads {threads} --out {output:q} 2> {log:q}"
