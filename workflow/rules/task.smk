# Vision tasks on all n reconstructed frames: vcmflow/task.
# A job loads the model once and takes a part of the sequences, at all points of one method.
rule task:
    input:
        videos=PLAN.task_inputs,
        records=PLAN.task_records,
        truths=PLAN.task_truths,
        weights=PLAN.task_weights,
        transfer=PLAN.task_transfer,
    output:
        f"{RESULTS}/{{dataset}}/task/{{task}}/{{sampler}}/{{codec}}/{{reconstructor}}/{{part}}.json",
    log:
        f"{RESULTS}/logs/{{dataset}}/task/{{task}}/{{sampler}}/{{codec}}/{{reconstructor}}/{{part}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/task/{{task}}/{{sampler}}/{{codec}}/{{reconstructor}}/{{part}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **DEMAND.of("task"),
        gpu=PLAN.task_gpus,
    params:
        code=PLAN.task_code,
        kind=PLAN.task_kind,
        model=PLAN.task_job,
        device=PLAN.task_device,
        weights=lambda wildcards, input: flag("--weights", input.weights),
        transfer=lambda wildcards, input: flag("--transfer", input.transfer),
        sequences=lambda wildcards: [sequence for sequence, _ in PLAN.task_runs(wildcards)],
        points=lambda wildcards: flag("--points", [point for _, point in PLAN.task_runs(wildcards)]),
        truths=PLAN.task_truth_words,
    shell:
        "python -m vcmflow stage task --kind {params.kind:q} --model {params.model:q} {params.weights:q}"
        " {params.transfer:q} --device {params.device:q} --threads {threads} --videos {input.videos:q}"
        " --sequence-ids {params.sequences:q} {params.points:q} {params.truths:q} --runs-out {output:q}"
        " 2> {log:q}"


# The same on the uncompressed frames: the upper bound, and pseudo ground truth where there is none.
use rule task as task_source with:
    input:
        videos=PLAN.task_source_inputs,
        truths=PLAN.task_truths,
        weights=PLAN.task_weights,
    output:
        f"{RESULTS}/{{dataset}}/task/{{task}}/source/{{part}}.json",
    log:
        f"{RESULTS}/logs/{{dataset}}/task/{{task}}/source/{{part}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/task/{{task}}/source/{{part}}.tsv"
    resources:
        **DEMAND.of("task_source"),
        gpu=PLAN.task_gpus,
    params:
        code=PLAN.task_code,
        kind=PLAN.task_kind,
        model=PLAN.task_job,
        device=PLAN.task_device,
        weights=lambda wildcards, input: flag("--weights", input.weights),
        transfer=[],
        sequences=lambda wildcards: GRID[wildcards.dataset].parts()[wildcards.part],
        points=[],
        truths=PLAN.task_truth_words,
