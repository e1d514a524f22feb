# How smooth embeddings are, and whether sampling on them follows the content: vcmflow/trajectory.
WARPS = SETTINGS["data"].get("warps")


if WARPS:

    # Rendered like a dataset, and longer: embedded and sampled, but not coded.
    rule render_warps:
        input:
            code=modules("vcmrender.command"),
        output:
            folder=directory(f"{DATA}/warps"),
            sums=f"{DATA}/warps.sha256",
        log:
            f"{RESULTS}/logs/render_warps.log",
        benchmark:
            f"{RESULTS}/benchmarks/render_warps.tsv"
        conda:
            ENVIRONMENT
        params:
            seed=SETTINGS["data"]["seed"],
            width=SETTINGS["data"]["width"],
            height=SETTINGS["data"]["height"],
            sequences=WARPS["sequences"],
            frames=WARPS["frames"],
            step=WARPS["step"],
        shell:
            "python -m vcmflow render --kind detection --split test --out {output.folder:q}"
            " --seed {params.seed} --width {params.width} --height {params.height}"
            " --sequences {params.sequences:q} --frames {params.frames} --step {params.step}"
            " --sums-out {output.sums:q} 2> {log:q}"

    rule embed_warps:
        input:
            sums=f"{DATA}/warps.sha256",
            folder=ancient(f"{DATA}/warps"),
            weights=embedding_weights,
            code=embedding_code,
        output:
            [warped(name, "{embedding}") for name in WARPS["sequences"]],
        log:
            f"{RESULTS}/logs/embed_warps/{{embedding}}.log",
        benchmark:
            f"{RESULTS}/benchmarks/embed_warps/{{embedding}}.tsv"
        conda:
            ENVIRONMENT
        params:
            videos=[f"{DATA}/warps/{name}/{CAMERA}" for name in WARPS["sequences"]],
            embedder=lambda wildcards: EMBEDDINGS[wildcards.embedding]["embedder"],
            weights=lambda wildcards, input: (
                f"--weights {input.weights[0]}" if input.weights else ""
            ),
            options=lambda wildcards: option_flags(EMBEDDINGS[wildcards.embedding].get("options")),
        shell:
            "python -m vcmflow embed --embedding {params.embedder} {params.weights}"
            " {params.options} --threads {threads} --videos {params.videos:q} --out {output:q}"
            " 2> {log:q}"


rule trajectory:
    input:
        unpack(trajectory_inputs),
        code=lambda wildcards: modules(
            "vcmflow.trajectory.command",
            EMBEDDERS[EMBEDDINGS[VARIANTS[wildcards.variant].embedding]["embedder"]],
            SAMPLERS[VARIANTS[wildcards.variant].method].chooser,
        ),
    output:
        f"{RESULTS}/trajectory/{{variant}}.csv",
    log:
        f"{RESULTS}/logs/trajectory/{{variant}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/trajectory/{{variant}}.tsv"
    conda:
        ENVIRONMENT
    params:
        flags=trajectory_flags,
        options=lambda wildcards: option_flags(VARIANTS[wildcards.variant].options),
        embedding_options=lambda wildcards: option_flags(
            EMBEDDINGS[VARIANTS[wildcards.variant].embedding].get("options")
        ).replace("--option", "--embedding-option"),
    shell:
        "python -m vcmflow trajectory {params.flags} {params.options} {params.embedding_options}"
        " --embeddings {input.embeddings:q} --out {output:q} 2> {log:q}"
