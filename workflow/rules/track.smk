# Detection and tracking of objects for the paper's standard method: vcmflow/track.
for BATCH in PLAN.batches():

    rule:
        name:
            f"track{BATCH.name}"
        input:
            videos=[
                f"{RESULTS}/{BATCH.dataset}/frames/{sequence}/frames.mkv"
                for sequence in BATCH.sequences
            ],
            weights=PLAN.weights(SETTINGS.track.detector),
        output:
            [f"{RESULTS}/{BATCH.dataset}/track/{sequence}.json" for sequence in BATCH.sequences],
        log:
            f"{RESULTS}/logs/{BATCH.dataset}/track/{BATCH.place}.log",
        benchmark:
            f"{RESULTS}/benchmarks/{BATCH.dataset}/track/{BATCH.place}.tsv"
        conda:
            ENVIRONMENT
        resources:
            **DEMAND.of(f"track{BATCH.name}"),
            gpu=PLAN.track_gpus,
        params:
            code=PLAN.track_code(),
            detector=SETTINGS.track.detector.job(),
            tracker=SETTINGS.track.tracker.job(),
            device=PLAN.track_device,
            weights=flag("--detector-weights", PLAN.weights(SETTINGS.track.detector)),
        shell:
            "python -m vcmflow stage track --detector {params.detector:q} {params.weights:q}"
            " --tracker {params.tracker:q} --device {params.device:q} --threads {threads}"
            " --videos {input.videos:q} --out {output:q} 2> {log:q}"
