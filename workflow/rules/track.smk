# Detection and tracking of objects for the paper's standard method: vcmflow/track.
rule track:
    input:
        video=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/frames.mkv",
        weights=PLAN.weights(SETTINGS.track.detector),
    output:
        f"{RESULTS}/{{dataset}}/track/{{sequence}}.json",
    log:
        f"{RESULTS}/logs/{{dataset}}/track/{{sequence}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/track/{{sequence}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        gpu=PLAN.track_gpus,
    params:
        code=PLAN.track_code,
        detector=SETTINGS.track.detector.job(),
        tracker=SETTINGS.track.tracker.job(),
        device=PLAN.track_device,
        weights=flag("--detector-weights", PLAN.weights(SETTINGS.track.detector)),
    shell:
        "python -m vcmflow stage track --detector {params.detector:q} {params.weights:q}"
        " --tracker {params.tracker:q} --device {params.device:q} --threads {threads}"
        " --videos {input.video:q} --out {output:q} 2> {log:q}"
