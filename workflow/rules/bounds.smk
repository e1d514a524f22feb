# What choices of frames are worth before they are coded, for bounds and oracles: vcmflow/bounds.
rule try_choices:
    input:
        sequence=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/sequence.json",
        frames=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/frames.mkv",
        truth=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/truth.json",
        decisions=PLAN.bounds_decisions,
        weights=PLAN.task_weights,
        rebuild=PLAN.bounds_weights(),
    output:
        f"{RESULTS}/{{dataset}}/bounds/{{sequence}}/{{task}}.csv",
    log:
        f"{RESULTS}/logs/{{dataset}}/bounds/{{sequence}}/{{task}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/bounds/{{sequence}}/{{task}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **DEMAND.of("try_choices"),
        gpu=PLAN.task_gpus,
    params:
        code=PLAN.bounds_code,
        keep_every=lambda wildcards: GRID[wildcards.dataset].settings.keep_every,
        reconstructor=PLAN.bounds_job(),
        rebuild=flag("--reconstructor-weights", PLAN.bounds_weights()),
        kind=PLAN.task_kind,
        model=PLAN.task_job,
        weights=lambda wildcards, input: flag("--weights", input.weights),
        device=PLAN.task_device,
        limit=SETTINGS.bounds.limit,
        seed=SETTINGS.bounds.seed,
    shell:
        "python -m vcmflow stage bounds --sequence {input.sequence:q} --frames {input.frames:q}"
        " --truth {input.truth:q} --keep-every {params.keep_every:q}"
        " --reconstructor {params.reconstructor:q} {params.rebuild:q} --kind {params.kind:q}"
        " --model {params.model:q} {params.weights:q} --device {params.device:q}"
        " --threads {threads} --decisions {input.decisions:q} --limit {params.limit:q}"
        " --seed {params.seed:q} --out {output:q} 2> {log:q}"
