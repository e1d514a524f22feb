# Embedding of every frame (paper 2.1): vcmflow/embed.
EMBEDDINGS = SETTINGS["embed"]["embeddings"]


def pretrained(name):
    """Whether an embedding takes its weights from the stage pretrain."""
    return EMBEDDINGS[name]["embedder"] == "learned" and not EMBEDDINGS[name].get("weights")


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


def embedding_weights(wildcards):
    if pretrained(wildcards.embedding):
        return [rules.pretrain.output.weights]
    return weights_input(EMBEDDINGS[wildcards.embedding])


def embedding_code(wildcards):
    return modules("vcmflow.embed.command", EMBEDDERS[EMBEDDINGS[wildcards.embedding]["embedder"]])


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
    params:
        embedder=lambda wildcards: EMBEDDINGS[wildcards.embedding]["embedder"],
        weights=lambda wildcards, input: (f"--weights {input.weights[0]}" if input.weights else ""),
        options=lambda wildcards: option_flags(EMBEDDINGS[wildcards.embedding].get("options")),
    shell:
        "python -m vcmflow embed --embedding {params.embedder} {params.weights} {params.options}"
        " --threads {threads} --videos {input.video:q} --out {output:q} 2> {log:q}"
