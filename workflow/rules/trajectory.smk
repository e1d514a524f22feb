# How smooth embeddings are, and whether sampling on them follows the content: vcmflow/trajectory.
from vcmflow.embed.registry import EMBEDDERS
from vcmflow.plan.products import Products
from vcmflow.sample.registry import SAMPLERS
from vcmrender.api import CAMERA

PRODUCTS = Products(PLAN)
# The rows of the ablation, by name: everything that is built on an embedding here.
VARIANTS = PRODUCTS.variants
WARPS = SETTINGS.data.warps


if WARPS:

    # Rendered like a dataset, and longer: embedded and sampled, but not coded.
    rule render_warps:
        input:
            code=modules("vcmrender.__main__"),
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
            seed=SETTINGS.data.seed,
            width=SETTINGS.data.width,
            height=SETTINGS.data.height,
            sequences=WARPS.sequences,
            frames=WARPS.frames,
            step=WARPS.step,
        shell:
            "python -m vcmrender --kind detection --split test --out {output.folder:q}"
            " --seed {params.seed} --width {params.width} --height {params.height}"
            " --sequences {params.sequences:q} --frames {params.frames} --step {params.step}"
            " --sums-out {output.sums:q} 2> {log:q}"

    rule embed_warps:
        input:
            sums=f"{DATA}/warps.sha256",
            folder=ancient(f"{DATA}/warps"),
            weights=PLAN.embedding_weights,
            code=PLAN.embedding_code,
        output:
            [PRODUCTS.warped(name, "{embedding}") for name in WARPS.sequences],
        log:
            f"{RESULTS}/logs/embed_warps/{{embedding}}.log",
        benchmark:
            f"{RESULTS}/benchmarks/embed_warps/{{embedding}}.tsv"
        conda:
            ENVIRONMENT
        params:
            videos=[f"{DATA}/warps/{name}/{CAMERA}" for name in WARPS.sequences],
            embedding=lambda wildcards: SETTINGS.embed.embeddings[wildcards.embedding].job(),
            weights=lambda wildcards, input: flag("--weights", input.weights),
        shell:
            "python -m vcmflow embed --embedding {params.embedding:q} {params.weights:q}"
            " --threads {threads} --videos {params.videos:q} --out {output:q} 2> {log:q}"


def speed_sources():
    """What true content speeds depend on: the checksums of rendered files."""
    names = ["warps"] if WARPS else RENDERED
    return {
        "sums": [f"{DATA}/{name}.sha256" for name in names],
        "folders": [ancient(f"{DATA}/{name}") for name in names],
    }


def trajectory_inputs(wildcards):
    embedding = VARIANTS[wildcards.variant].embedding
    return {
        "embeddings": [path for _, path, _, _ in PRODUCTS.probed(embedding)],
        "weights": PLAN.weights_of_embedding(embedding),
        "code": modules(
            "vcmflow.trajectory.command",
            EMBEDDERS[SETTINGS.embed.embeddings[embedding].embedder],
            SAMPLERS[VARIANTS[wildcards.variant].sampler],
        ),
        **speed_sources(),
    }


# Without `input`: Snakemake reruns nothing for another value of what it can derive from inputs.
def trajectory_words(wildcards):
    """One row of the ablation: what it is, what is measured, how frames are chosen."""
    variant = VARIANTS[wildcards.variant]
    sequences = PRODUCTS.probed(variant.embedding)
    known = [(name, speed) for name, _, speed, _ in sequences if speed]
    return [
        *("--variant", variant.name, "--embedding-name", variant.embedding),
        *(flag("--method", [variant.method] if variant.method else [])),
        *([f"--differs={variant.differs}"] if variant.differs else []),
        *("--names", *(name for name, *_ in sequences)),
        *flag("--speed-names", [name for name, _ in known]),
        *flag("--speeds", [speed for _, speed in known]),
        *("--keep-every", *(str(share) for *_, share in sequences)),
        *("--sampler", json.dumps({"sampler": variant.sampler, **variant.options})),
        *("--embedding", SETTINGS.embed.embeddings[variant.embedding].job()),
    ]


rule trajectory:
    input:
        unpack(trajectory_inputs),
    output:
        f"{RESULTS}/trajectory/{{variant}}.csv",
    log:
        f"{RESULTS}/logs/trajectory/{{variant}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/trajectory/{{variant}}.tsv"
    conda:
        ENVIRONMENT
    params:
        words=trajectory_words,
        weights=lambda wildcards, input: flag("--weights", input.weights),
    shell:
        "python -m vcmflow trajectory {params.words:q} {params.weights:q}"
        " --embeddings {input.embeddings:q} --out {output:q} 2> {log:q}"
