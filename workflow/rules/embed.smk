# Embedding of every frame (paper 2.1): vcmflow/embed.
rule embed:
    input:
        video=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/frames.mkv",
        weights=PLAN.embedding_weights,
    output:
        f"{RESULTS}/{{dataset}}/embed/{{sequence}}/{{embedding}}.npy",
    log:
        f"{RESULTS}/logs/{{dataset}}/embed/{{sequence}}/{{embedding}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/embed/{{sequence}}/{{embedding}}.tsv"
    conda:
        ENVIRONMENT
    params:
        code=PLAN.embedding_code,
        embedding=lambda wildcards: SETTINGS.embed.embeddings[wildcards.embedding].job(),
        weights=lambda wildcards, input: flag("--weights", input.weights),
    shell:
        "python -m vcmflow stage embed --embedding {params.embedding:q} {params.weights:q}"
        " --threads {threads} --videos {input.video:q} --out {output:q} 2> {log:q}"
