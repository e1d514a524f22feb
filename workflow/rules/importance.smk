# How much every block of a frame matters to machines: vcmflow/importance.
rule importance_map:
    input:
        video=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/frames.mkv",
        truth=PLAN.map_truth,
        weights=PLAN.map_weights,
    output:
        blocks=f"{RESULTS}/{{dataset}}/importance/{{sequence}}/{{importance}}.npy",
        pixels=f"{RESULTS}/{{dataset}}/importance/{{sequence}}/{{importance}}.pixels.npy",
        sheet=f"{RESULTS}/{{dataset}}/importance/{{sequence}}/{{importance}}.png",
    log:
        f"{RESULTS}/logs/{{dataset}}/importance/{{sequence}}/{{importance}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/importance/{{sequence}}/{{importance}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **DEMAND.of("importance_map"),
        gpu=PLAN.map_gpus,
    params:
        code=PLAN.map_code,
        map=PLAN.map_job,
        device=PLAN.map_device,
        weights=lambda wildcards, input: flag("--weights", input.weights),
        truth=lambda wildcards, input: flag("--truth", input.truth),
    shell:
        "python -m vcmflow stage importance --map {params.map:q} {params.weights:q} {params.truth:q}"
        " --device {params.device:q} --threads {threads} --videos {input.video:q}"
        " --out {output.blocks:q} --pixels-out {output.pixels:q} --sheets-out {output.sheet:q}"
        " 2> {log:q}"
