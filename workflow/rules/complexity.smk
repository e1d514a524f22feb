# Parameters, operations and measured speed of the two methods, for Table 7: vcmflow/complexity.
COMPLEXITY = f"{RESULTS}/complexity/complexity.json"
MEASURED_DATASET = next(iter(GRID))
MEASURED_SEQUENCE = next(iter(GRID[MEASURED_DATASET].sequences))
MEASURED_EMBEDDING = instance(SETTINGS["tables"]["test"]).get("embedding", "")


rule complexity:
    input:
        video=frames_of(MEASURED_DATASET, [MEASURED_SEQUENCE]),
        embedding=measured_weights,
        detector=weights_input(TRACK),
        code=lambda wildcards: modules(
            "vcmflow.complexity.command",
            EMBEDDERS[EMBEDDINGS[MEASURED_EMBEDDING]["embedder"]],
            DETECTORS[TRACK["model"]],
        ),
    output:
        COMPLEXITY,
    log:
        f"{RESULTS}/logs/complexity.log",
    benchmark:
        f"{RESULTS}/benchmarks/complexity.tsv"
    conda:
        ENVIRONMENT
    resources:
        gpu=model_gpus(TRACK),
    params:
        device=model_device(TRACK),
        embedding=lambda wildcards: EMBEDDINGS[MEASURED_EMBEDDING]["embedder"],
        embedding_weights=lambda wildcards, input: (
            f"--embedding-weights {input.embedding}" if input.embedding else ""
        ),
        embedding_options=lambda wildcards: option_flags(
            EMBEDDINGS[MEASURED_EMBEDDING].get("options")
        ).replace("--option", "--embedding-option"),
        detector=TRACK["model"],
        detector_weights=weights_flag(TRACK).replace("--weights", "--detector-weights"),
        detector_options=option_flags(TRACK.get("options")).replace("--option", "--detector-option"),
        threshold=TRACK["score_threshold"],
        keep_every=GRID[MEASURED_DATASET].settings["keep_every"],
    shell:
        "python -m vcmflow complexity --embedding {params.embedding} {params.embedding_weights}"
        " {params.embedding_options} --detector {params.detector} {params.detector_weights}"
        " {params.detector_options} --score-threshold {params.threshold} --video {input.video:q}"
        " --keep-every {params.keep_every} --device {params.device} --threads {threads} --out {output:q} 2> {log:q}"
