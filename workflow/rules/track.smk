# Detection and tracking of objects for the paper's standard method: vcmflow/track.
rule track:
    input:
        video=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/frames.mkv",
        weights=weights(SETTINGS.track),
        code=PLAN.track_code,
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
        model=SETTINGS.track.job(),
        device=PLAN.track_device,
        weights=flag("--weights", weights(SETTINGS.track)),
        threshold=SETTINGS.track.score_threshold,
    shell:
        "python -m vcmflow track --model {params.model:q} {params.weights:q}"
        " --score-threshold {params.threshold} --device {params.device} --threads {threads}"
        " --videos {input.video:q} --out {output:q} 2> {log:q}"
