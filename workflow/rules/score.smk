# Accuracy, fidelity and rate of every method: vcmflow/score.
rule score_sequence:
    input:
        sequence=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/sequence.json",
        truth=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/truth.json",
        decisions=lambda wildcards: PLAN.per_method(wildcards, "sample/{sequence}/{sampler}.json"),
        gaps=lambda wildcards: PLAN.per_method(wildcards, "sample/{sequence}/{sampler}.gaps"),
        encodes=lambda wildcards: PLAN.per_method(
            wildcards, "encode/{sequence}/{stream}/encode.json"
        ),
        fidelity=lambda wildcards: PLAN.per_rebuilding(wildcards, "fidelity/{sequence}/{chain}.csv"),
        times=lambda wildcards: PLAN.per_method(
            wildcards, "reconstruct/{sequence}/{chain}/times.json"
        ),
        results=lambda wildcards: [file for _, file in PLAN.task_results(wildcards)],
    output:
        f"{RESULTS}/{{dataset}}/score/{{sequence}}.json",
    log:
        f"{RESULTS}/logs/{{dataset}}/score_sequence/{{sequence}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/score_sequence/{{sequence}}.tsv"
    group:
        "scores"
    conda:
        ENVIRONMENT
    resources:
        **DEMAND.of("score_sequence"),
    params:
        code=PLAN.score_code,
        methods=lambda wildcards: json.dumps(PLAN.method_list(wildcards)),
        names=lambda wildcards: list(GRID[wildcards.dataset].methods),
        rebuilding=lambda wildcards: [m.name for m in PLAN.rebuilding(wildcards.dataset)],
        tasks=lambda wildcards: json.dumps(GRID[wildcards.dataset].kinds),
        results_of=lambda wildcards: [name for name, _ in PLAN.task_results(wildcards)],
        evaluators=PLAN.evaluator_words,
        not_applicable=PLAN.not_applicable,
    shell:
        "python -m vcmflow stage score sequence --sequence {input.sequence:q} --truth {input.truth:q}"
        " --methods {params.methods:q} --decisions {input.decisions:q} --gaps {input.gaps:q}"
        " --encodes {input.encodes:q} --fidelity {input.fidelity:q}"
        " --fidelity-of {params.rebuilding:q} --times {input.times:q} --times-of {params.names:q}"
        " --tasks {params.tasks:q} {params.evaluators:q} {params.not_applicable:q} --results {input.results:q} --results-of {params.results_of:q}"
        " --out {output:q} 2> {log:q}"


rule score_pool:
    input:
        scores=lambda wildcards: [
            f"{RESULTS}/{wildcards.dataset}/score/{sequence}.json"
            for sequence in GRID[wildcards.dataset].sequences
        ],
    output:
        f"{RESULTS}/{{dataset}}/score/scores.csv",
    log:
        f"{RESULTS}/logs/{{dataset}}/score_pool.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/score_pool.tsv"
    conda:
        ENVIRONMENT
    resources:
        **DEMAND.of("score_pool"),
    params:
        code=PLAN.score_code,
        selection=lambda wildcards: (
            "--require-objects" if GRID[wildcards.dataset].settings.require_objects else ""
        ),
    shell:
        "python -m vcmflow stage score pool --scores {input.scores:q} {params.selection:q}"
        " --scores-out {output:q} 2> {log:q}"
