# Self-supervised training of the embedding network (paper 2.1, 2.2): vcmflow/pretrain.
PRETRAIN = SETTINGS["pretrain"]
RENDERED_VIDEOS = PRETRAIN["videos"] == "render"


rule render_videos:
    input:
        code=modules("vcmrender.command"),
    output:
        folder=directory(f"{DATA}/videos"),
        sums=f"{DATA}/videos.sha256",
    log:
        f"{RESULTS}/logs/render_videos.log",
    benchmark:
        f"{RESULTS}/benchmarks/render_videos.tsv"
    conda:
        ENVIRONMENT
    params:
        seed=SETTINGS["data"]["seed"],
        width=SETTINGS["data"]["width"],
        height=SETTINGS["data"]["height"],
        clips=PRETRAIN["rendered"],
        frames=PRETRAIN["rendered_frames"],
    shell:
        "python -m vcmflow render --kind videos --split train --out {output.folder:q}"
        " --seed {params.seed} --width {params.width} --height {params.height}"
        " --sequences {params.clips} --frames {params.frames} --sums-out {output.sums:q} 2> {log:q}"


rule pretrain:
    input:
        **pretrain_inputs(),
        code=modules("vcmflow.pretrain.command"),
    output:
        weights=f"{RESULTS}/pretrain/embedding.safetensors",
        log=f"{RESULTS}/pretrain/log.csv",
    log:
        f"{RESULTS}/logs/pretrain.log",
    benchmark:
        f"{RESULTS}/benchmarks/pretrain.tsv"
    priority: 100
    conda:
        ENVIRONMENT
    # Rendered videos are few and small: one thread, with the same bits on every machine.
    threads: 1 if RENDERED_VIDEOS else 16
    resources:
        gpu=0 if RENDERED_VIDEOS else GPUS,
    params:
        device="cpu" if RENDERED_VIDEOS else "auto",
        videos=lambda wildcards, input: input.get("folder", PRETRAIN["videos"]),
        options=option_flags(PRETRAIN["options"]),
    shell:
        "python -m vcmflow pretrain --videos {params.videos:q} {params.options}"
        " --device {params.device} --processes {resources.gpu} --threads {threads}"
        f"{'' if RENDERED_VIDEOS else ' --workers {threads}'}"
        " --checkpoint {output.weights:q}.checkpoint"
        " --weights-out {output.weights:q} --log-out {output.log:q} 2> {log:q}"


use rule pretrain as pretrain_variant with:
    output:
        weights=f"{RESULTS}/pretrain/{{variant}}/embedding.safetensors",
        log=f"{RESULTS}/pretrain/{{variant}}/log.csv",
    log:
        f"{RESULTS}/logs/pretrain/{{variant}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/pretrain/{{variant}}.tsv"
    params:
        device="cpu" if RENDERED_VIDEOS else "auto",
        videos=lambda wildcards, input: input.get("folder", PRETRAIN["videos"]),
        options=lambda wildcards: option_flags(pretrain_options(SETTINGS, wildcards.variant)),
