# How smooth embeddings are, and whether sampling on them follows the content: vcmflow/trajectory.
WARPS = SETTINGS.data.warps


if WARPS:

    # Rendered like a dataset, and longer: embedded and sampled, but not coded.
    rule render_warps:
        output:
            folder=directory(f"{DATA}/warps"),
            sums=f"{DATA}/warps.sha256",
        log:
            f"{RESULTS}/logs/render_warps.log",
        benchmark:
            f"{RESULTS}/benchmarks/render_warps.tsv"
        conda:
            ENVIRONMENT
        resources:
            **DEMAND.of("render_warps"),
        params:
            code=version("vcmrender.__main__"),
            seed=SETTINGS.data.seed,
            width=SETTINGS.data.width,
            height=SETTINGS.data.height,
            sequences=WARPS.sequences,
            frames=WARPS.frames,
            step=WARPS.step,
        shell:
            "python -m vcmrender --kind detection --split test --out {output.folder:q}"
            " --seed {params.seed:q} --width {params.width:q} --height {params.height:q}"
            " --sequences {params.sequences:q} --frames {params.frames:q} --step {params.step:q}"
            " --sums-out {output.sums:q} 2> {log:q}"

    rule embed_warps:
        input:
            sums=f"{DATA}/warps.sha256",
            folder=ancient(f"{DATA}/warps"),
            weights=PLAN.embedding_weights,
        output:
            [PROBES.warped(name, "{embedding}") for name in WARPS.sequences],
        log:
            f"{RESULTS}/logs/embed_warps/{{embedding}}.log",
        benchmark:
            f"{RESULTS}/benchmarks/embed_warps/{{embedding}}.tsv"
        conda:
            ENVIRONMENT
        resources:
            **DEMAND.of("embed_warps"),
        params:
            code=PLAN.embedding_code,
            videos=PROBES.warp_videos,
            embedding=PLAN.embedding_job,
            weights=lambda wildcards, input: flag("--weights", input.weights),
        shell:
            "python -m vcmflow stage embed --embedding {params.embedding:q} {params.weights:q}"
            " --threads {threads} --videos {params.videos:q} --out {output:q} 2> {log:q}"


rule trajectory:
    input:
        embeddings=PROBES.embeddings,
        weights=PROBES.weights,
        sums=[f"{DATA}/{name}.sha256" for name in PROBES.rendered],
        folders=ancient([f"{DATA}/{name}" for name in PROBES.rendered]),
    output:
        f"{RESULTS}/trajectory/{{variant}}.csv",
    log:
        f"{RESULTS}/logs/trajectory/{{variant}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/trajectory/{{variant}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        **DEMAND.of("trajectory"),
    params:
        code=PROBES.code,
        # Without `input`: Snakemake reruns nothing for what it could derive from inputs.
        words=PROBES.words,
        weights=lambda wildcards, input: flag("--weights", input.weights),
    shell:
        "python -m vcmflow stage trajectory {params.words:q} {params.weights:q}"
        " --embeddings {input.embeddings:q} --out {output:q} 2> {log:q}"
