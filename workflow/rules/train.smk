# The mini models from scratch: vcmflow/task/train. Their weights are kept in models/, because
# training takes longer than everything else together; `make models` trains them again.
TRAIN = SETTINGS["train"]


rule train:
    input:
        code=lambda wildcards: modules(
            "vcmflow.task.train.command",
            TRAINEES[TRAIN[wildcards.model]["task"]][wildcards.model],
            TASKS[TRAIN[wildcards.model]["task"]][wildcards.model],
        ),
    output:
        weights=f"{RESULTS}/models/{{model}}.safetensors",
        log=f"{RESULTS}/models/{{model}}.csv",
    log:
        f"{RESULTS}/logs/train/{{model}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{model}}.tsv"
    wildcard_constraints:
        model="|".join(TRAIN),
    conda:
        ENVIRONMENT
    params:
        task=lambda wildcards: TRAIN[wildcards.model]["task"],
        scenes=lambda wildcards: TRAIN[wildcards.model]["scenes"],
        validation_scenes=lambda wildcards: TRAIN[wildcards.model]["validation_scenes"],
        seed=lambda wildcards: TRAIN[wildcards.model]["seed"],
        steps=lambda wildcards: TRAIN[wildcards.model]["steps"],
        precision=lambda wildcards: TRAIN[wildcards.model]["precision"],
    shell:
        "python -m vcmflow train --task {params.task} --model {wildcards.model}"
        " --scenes {params.scenes} --validation-scenes {params.validation_scenes}"
        " --seed {params.seed} --steps {params.steps} --precision {params.precision}"
        " --validate-every 500 --device cpu --threads {threads}"
        " --out {output.weights:q} --log {output.log:q} 2> {log:q}"
