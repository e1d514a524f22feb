# Embedding of every frame (paper 2.1): vcmflow/embed.
EMBEDDINGS = SETTINGS["embed"]["embeddings"]


USES_PRETRAINING = any(
    pretrained(embedding)
    for embedding in [
        *SETTINGS["figures"]["embeddings"],
        *(
            SETTINGS["sample"]["samplers"][split_sampler(sampler)[0]].get("embedding")
            for dataset in GRID.values()
            for sampler in dataset.samplers
        ),
    ]
    if embedding
)


rule embed:
    input:
        video=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/frames.mkv",
        weights=embedding_weights,
        code=embedding_code,
    output:
        f"{RESULTS}/{{dataset}}/embed/{{sequence}}/{{embedding}}.npy",
    log:
        f"{RESULTS}/logs/{{dataset}}/embed/{{sequence}}/{{embedding}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/embed/{{sequence}}/{{embedding}}.tsv"
    conda:
        ENVIRONMENT
    params:
        embedder=lambda wildcards: EMBEDDINGS[wildcards.embedding]["embedder"],
        weights=lambda wildcards, input: (f"--weights {input.weights[0]}" if input.weights else ""),
        options=lambda wildcards: option_flags(EMBEDDINGS[wildcards.embedding].get("options")),
    shell:
        "python -m vcmflow embed --embedding {params.embedder} {params.weights} {params.options}"
        " --threads {threads} --videos {input.video:q} --out {output:q} 2> {log:q}"
