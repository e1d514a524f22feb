# Which frames are kept (paper 2.3, spec 2 to 4): vcmflow/sample.
def instance(sampler):
    """The settings of a sampler, swept or not."""
    return SETTINGS["sample"]["samplers"][split_sampler(sampler)[0]]


def keep_every(dataset, sampler):
    return split_sampler(sampler)[1] or GRID[dataset].settings["keep_every"]


def sampler_needs(wildcards):
    entry = instance(wildcards.sampler)
    needs = SAMPLERS[entry["method"]].needs
    folder = f"{RESULTS}/{wildcards.dataset}"
    files = {}
    if "embedding" in needs:
        files["embeddings"] = f"{folder}/embed/{wildcards.sequence}/{entry['embedding']}.npy"
    if "tracks" in needs:
        files["tracks"] = f"{folder}/track/{wildcards.sequence}.json"
    return files


rule sample:
    input:
        unpack(sampler_needs),
        sequence=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/sequence.json",
        code=lambda wildcards: modules(
            "vcmflow.sample.command", SAMPLERS[instance(wildcards.sampler)["method"]].builder
        ),
    output:
        decision=f"{RESULTS}/{{dataset}}/sample/{{sequence}}/{{sampler}}.json",
        gaps=f"{RESULTS}/{{dataset}}/sample/{{sequence}}/{{sampler}}.gaps",
    params:
        method=lambda wildcards: instance(wildcards.sampler)["method"],
        options=lambda wildcards: option_flags(instance(wildcards.sampler).get("options")),
        keep_every=lambda wildcards: keep_every(wildcards.dataset, wildcards.sampler),
        needs=lambda wildcards, input: " ".join(
            f"--{name} {input[name]}" for name in ("embeddings", "tracks") if name in input.keys()
        ),
    wildcard_constraints:
        sampler="[a-z][a-z0-9_]*(-n[0-9]+)?",
    log:
        f"{RESULTS}/logs/{{dataset}}/sample/{{sequence}}/{{sampler}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/sample/{{sequence}}/{{sampler}}.tsv"
    shell:
        "python -m vcmflow sample --method {params.method} {params.options}"
        " --sampler-name {wildcards.sampler} --keep-every {params.keep_every}"
        " --sequences {input.sequence:q} {params.needs}"
        " --decisions-out {output.decision:q} --gaps-out {output.gaps:q} 2> {log:q}"
