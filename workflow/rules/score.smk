# Accuracy, fidelity and rate of every condition (spec 7, 8): vcmflow/score.
rule score_sequence:
    input:
        sequence=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/sequence.json",
        truth=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/truth.json",
        decisions=per_sampler("{dataset}/sample/{sequence}/{sampler}.json"),
        gaps=per_sampler("{dataset}/sample/{sequence}/{sampler}.gaps"),
        fidelity=per_sampler("{dataset}/fidelity/{sequence}/{sampler}.csv"),
        encodes=lambda wildcards: [table for _, table in encode_tables(**wildcards)],
        tasks=score_tasks,
        code=modules("vcmflow.score.command"),
    output:
        f"{RESULTS}/{{dataset}}/score/{{sequence}}.json",
    log:
        f"{RESULTS}/logs/{{dataset}}/score_sequence/{{sequence}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/score_sequence/{{sequence}}.tsv"
    conda:
        ENVIRONMENT
    params:
        encodes_of=lambda wildcards: [sampler for sampler, _ in encode_tables(**wildcards)],
        tasks=lambda wildcards, input: f"--tasks {input.tasks}" if input.tasks else "",
    shell:
        "python -m vcmflow score sequence --sequence {input.sequence:q} --truth {input.truth:q}"
        " --decisions {input.decisions:q} --gaps {input.gaps:q} --fidelity {input.fidelity:q}"
        " --encodes {input.encodes:q} --encodes-of {params.encodes_of} {params.tasks}"
        " --out {output:q} 2> {log:q}"


rule score_pool:
    input:
        scores=lambda wildcards: [
            f"{RESULTS}/{wildcards.dataset}/score/{sequence}.json"
            for sequence in GRID[wildcards.dataset].sequences
        ],
        code=modules("vcmflow.score.command"),
    output:
        sequences=f"{RESULTS}/{{dataset}}/score/sequences.csv",
        scenes=f"{RESULTS}/{{dataset}}/score/scenes.csv",
        dataset=f"{RESULTS}/{{dataset}}/score/dataset.csv",
    log:
        f"{RESULTS}/logs/{{dataset}}/score_pool.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/score_pool.tsv"
    conda:
        ENVIRONMENT
    params:
        selection=lambda wildcards: (
            "--require-objects" if GRID[wildcards.dataset].settings.get("require_objects") else ""
        ),
    shell:
        "python -m vcmflow score pool --scores {input.scores:q} {params.selection}"
        " --sequences-out {output.sequences:q}"
        " --scenes-out {output.scenes:q} --dataset-out {output.dataset:q} 2> {log:q}"
