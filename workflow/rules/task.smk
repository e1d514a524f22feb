# Detection and segmentation on all n reconstructed frames (spec 7): vcmflow/task.
# A job loads the model once and takes a part of the sequences, at all modes and QPs of one sampler.
rule task:
    input:
        videos=lambda wildcards: [
            f"{RESULTS}/{wildcards.dataset}/reconstruct/{sequence}/{wildcards.sampler}/{mode}/qp{qp}.mkv"
            for sequence, mode, qp in task_runs(**wildcards)
        ],
        weights=lambda wildcards: weights_input(task_entry(wildcards)),
        code=task_code,
    output:
        f"{RESULTS}/{{dataset}}/task/{{sampler}}/{{part}}.json",
    log:
        f"{RESULTS}/logs/{{dataset}}/task/{{sampler}}/{{part}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/task/{{sampler}}/{{part}}.tsv"
    wildcard_constraints:
        sampler="[a-z][a-z0-9_]*(-n[0-9]+)?",
    conda:
        ENVIRONMENT
    resources:
        gpu=lambda wildcards: model_gpus(task_entry(wildcards)),
    params:
        task=lambda wildcards: GRID[wildcards.dataset].task,
        model=lambda wildcards: task_entry(wildcards)["model"],
        device=lambda wildcards: model_device(task_entry(wildcards)),
        weights=lambda wildcards: weights_flag(task_entry(wildcards)),
        options=lambda wildcards: option_flags(task_entry(wildcards).get("options")),
        sequences=lambda wildcards: [run[0] for run in task_runs(**wildcards)],
        modes=lambda wildcards: [run[1] for run in task_runs(**wildcards)],
        qps=lambda wildcards: [run[2] for run in task_runs(**wildcards)],
    shell:
        "python -m vcmflow task --task {params.task} --model {params.model} {params.weights}"
        " {params.options} --device {params.device} --threads {threads} --videos {input.videos:q}"
        " --sequence-ids {params.sequences} --sampler {wildcards.sampler}"
        " --modes {params.modes} --qps {params.qps} --runs-out {output:q} 2> {log:q}"


# The same on the uncompressed frames: the upper bound, and pseudo ground truth where there is none.
rule task_source:
    input:
        videos=lambda wildcards: frames_of(
            wildcards.dataset, GRID[wildcards.dataset].parts()[wildcards.part]
        ),
        weights=lambda wildcards: weights_input(task_entry(wildcards)),
        code=task_code,
    output:
        f"{RESULTS}/{{dataset}}/task_source/{{part}}.json",
    log:
        f"{RESULTS}/logs/{{dataset}}/task_source/{{part}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/task_source/{{part}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        gpu=lambda wildcards: model_gpus(task_entry(wildcards)),
    params:
        task=lambda wildcards: GRID[wildcards.dataset].task,
        model=lambda wildcards: task_entry(wildcards)["model"],
        device=lambda wildcards: model_device(task_entry(wildcards)),
        weights=lambda wildcards: weights_flag(task_entry(wildcards)),
        options=lambda wildcards: option_flags(task_entry(wildcards).get("options")),
        sequences=lambda wildcards: GRID[wildcards.dataset].parts()[wildcards.part],
    shell:
        "python -m vcmflow task --task {params.task} --model {params.model} {params.weights}"
        " {params.options} --device {params.device} --threads {threads} --videos {input.videos:q}"
        " --sequence-ids {params.sequences} --sampler source --runs-out {output:q} 2> {log:q}"
