# Detection and tracking of objects for the paper's standard method (spec 3): vcmflow/track.
TRACK = SETTINGS["track"]


rule track:
    input:
        video=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/frames.mkv",
        weights=weights_input(TRACK),
        code=modules("vcmflow.track.command", DETECTORS[TRACK["model"]]),
    output:
        f"{RESULTS}/{{dataset}}/track/{{sequence}}.json",
    log:
        f"{RESULTS}/logs/{{dataset}}/track/{{sequence}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/track/{{sequence}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        gpu=model_gpus(TRACK),
    params:
        model=TRACK["model"],
        device=model_device(TRACK),
        weights=weights_flag(TRACK),
        options=option_flags(TRACK.get("options")),
        threshold=TRACK["score_threshold"],
    shell:
        "python -m vcmflow track --model {params.model} {params.weights} {params.options}"
        " --score-threshold {params.threshold} --device {params.device} --threads {threads}"
        " --videos {input.video:q} --out {output:q} 2> {log:q}"
