# Everything that learns: vcmflow/train. The embedding's weights are made by every run; those of the mini
# models are kept in models/, because training takes longer than everything else together, and
# `make models` trains them again.
TRAININGS = SETTINGS.train.trainings
# Rendered videos are few and small: one thread, with the same bits on every machine.
LARGE = [name for name, training in TRAININGS.items() if training.videos not in (None, "render")]


rule render_videos:
    output:
        folder=directory(f"{DATA}/videos"),
        sums=f"{DATA}/videos.sha256",
    log:
        f"{RESULTS}/logs/render_videos.log",
    benchmark:
        f"{RESULTS}/benchmarks/render_videos.tsv"
    conda:
        ENVIRONMENT
    resources:
        **DEMAND.of("render_videos"),
    params:
        code=version("vcmrender.__main__"),
        seed=SETTINGS.data.seed,
        width=SETTINGS.data.width,
        height=SETTINGS.data.height,
        clips=SETTINGS.train.rendered,
        frames=SETTINGS.train.rendered_frames,
    shell:
        "python -m vcmrender --kind videos --split train --out {output.folder:q}"
        " --seed {params.seed:q} --width {params.width:q} --height {params.height:q}"
        " --sequences {params.clips:q} --frames {params.frames:q} --sums-out {output.sums:q} 2> {log:q}"


rule train:
    input:
        source=PLAN.training_source,
        initial=PLAN.training_initial,
        folder=lambda wildcards: ancient(PLAN.rendered_videos(wildcards)),
    output:
        weights=f"{RESULTS}/train/{{training}}/weights.safetensors",
        log=f"{RESULTS}/train/{{training}}/log.csv",
    log:
        f"{RESULTS}/logs/train/{{training}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{training}}.tsv"
    wildcard_constraints:
        training="|".join(TRAININGS),
    priority: 100
    conda:
        ENVIRONMENT
    threads: lambda wildcards: 16 if wildcards.training in LARGE else 1
    resources:
        **DEMAND.of("train"),
        gpu=lambda wildcards: PLAN.gpus if wildcards.training in LARGE else 0,
    params:
        code=PLAN.training_code,
        trainee=lambda wildcards: TRAININGS[wildcards.training].job(),
        device=lambda wildcards: "auto" if wildcards.training in LARGE else "cpu",
        videos=PLAN.training_videos,
        initial=lambda wildcards, input: flag("--initial-weights", input.initial),
        large=lambda wildcards: int(wildcards.training in LARGE),
    shell:
        "python -m vcmflow stage train --trainee {params.trainee:q} {params.videos:q}"
        " {params.initial:q} --device {params.device:q} --processes {resources.gpu} --threads {threads}"
        " --workers $(({params.large:q} * {threads})) --checkpoint {output.weights:q}.checkpoint"
        " --weights-out {output.weights:q} --log-out {output.log:q} 2> {log:q}"
