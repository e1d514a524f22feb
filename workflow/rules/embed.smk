# Embedding of every frame (paper 2.1): vcmflow/embed.
EMBEDDINGS = SETTINGS["embed"]["embeddings"]


# The rows of the ablation, by name: everything that is built on an embedding here.
VARIANTS = {variant.name: variant for variant in variants(SETTINGS, GRID)}
# The trainings in use: None for the main one, and names of its variants.
TRAININGS = list(
    dict.fromkeys(
        EMBEDDINGS[variant.embedding].get("pretraining")
        for variant in VARIANTS.values()
        if pretrained(variant.embedding)
    )
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
