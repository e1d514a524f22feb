# Accuracy, fidelity and rate of every condition (spec 7, 8): vcmflow/score.
def part_of(dataset, sequence):
    return next(part for part, ids in GRID[dataset].parts().items() if sequence in ids)


def encode_tables(dataset, sequence):
    """(sampler, table of stream sizes) of every coding of a sequence."""
    folder = f"{RESULTS}/{dataset}/encode/{sequence}"
    return [
        (
            run.sampler,
            f"{folder}/{run.sampler}/{run.mode}/"
            + (f"qp{run.qps[0]}.csv" if split_sampler(run.sampler)[1] else "encode.csv"),
        )
        for run in GRID[dataset].conditions
    ]


def score_tasks(wildcards):
    """The task results that hold a sequence's runs; none without a task."""
    if GRID[wildcards.dataset].task == "none":
        return []
    part = part_of(**wildcards)
    folder = f"{RESULTS}/{wildcards.dataset}"
    return [f"{folder}/task_source/{part}.json"] + [
        f"{folder}/task/{sampler}/{part}.json" for sampler in GRID[wildcards.dataset].samplers
    ]


def per_sampler(template):
    return lambda wildcards: [
        f"{RESULTS}/{template}".format(sampler=sampler, **wildcards)
        for sampler in GRID[wildcards.dataset].samplers
    ]


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
    shell:
        "python -m vcmflow score pool --scores {input.scores:q} --sequences-out {output.sequences:q}"
        " --scenes-out {output.scenes:q} --dataset-out {output.dataset:q} 2> {log:q}"
