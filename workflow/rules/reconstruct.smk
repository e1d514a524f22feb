# Decoding, and rebuilding of the dropped frames: vcmflow/reconstruct. The same job compares them with
# the originals (vcmflow/fidelity), because what it makes is large and goes away.
for CODING in PLAN.reconstructions():
    VIDEOS = [
        f"{RESULTS}/{{dataset}}/reconstruct/{{sequence}}/{{sampler}}/{CODING.codec}/"
        f"{CODING.reconstructor}/{point}{PLAN.suffix(CODING.codec)}"
        for point in CODING.points
    ]

    rule:
        name:
            f"reconstruct_{CODING.name}"
        input:
            encoded=f"{RESULTS}/{{dataset}}/encode/{{sequence}}/{{sampler}}/{CODING.codec}/encode.json",
            streams=[
                f"{RESULTS}/{{dataset}}/encode/{{sequence}}/{{sampler}}/{CODING.codec}/{file}"
                for file in PLAN.streams(CODING.codec, CODING.points)
            ],
            decision=f"{RESULTS}/{{dataset}}/sample/{{sequence}}/{{sampler}}.json",
            weights=PLAN.chain_weights(CODING.codec, CODING.reconstructor),
            original=(
                f"{RESULTS}/{{dataset}}/frames/{{sequence}}/frames.mkv"
                if PLAN.gives_frames(CODING.codec)
                else []
            ),
        output:
            frames=temp(VIDEOS),
            records=temp([str(record(Path(video))) for video in VIDEOS]),
            times=f"{RESULTS}/{{dataset}}/reconstruct/{{sequence}}/{{sampler}}/{CODING.codec}/"
            f"{CODING.reconstructor}/times.json",
            fidelity=(
                f"{RESULTS}/{{dataset}}/fidelity/{{sequence}}/{{sampler}}/{CODING.codec}/"
                f"{CODING.reconstructor}.csv"
                if PLAN.gives_frames(CODING.codec)
                else []
            ),
        log:
            f"{RESULTS}/logs/{{dataset}}/reconstruct/{{sequence}}/{{sampler}}/{CODING.codec}/"
            f"{CODING.reconstructor}.log",
        benchmark:
            (
                f"{RESULTS}/benchmarks/{{dataset}}/reconstruct/{{sequence}}/{{sampler}}/"
                f"{CODING.codec}/{CODING.reconstructor}.tsv"
            )
        wildcard_constraints:
            sampler="|".join(CODING.samplers),
        group:
            "coding"
        conda:
            ENVIRONMENT
        resources:
            **DEMAND.of(f"reconstruct_{CODING.name}"),
            gpu=PLAN.reconstruct_gpus(CODING.codec, CODING.reconstructor),
        params:
            code=PLAN.reconstruct_code(CODING.codec, CODING.reconstructor),
            reconstructor=SETTINGS.reconstruct.reconstructors[CODING.reconstructor].job(),
            weights=PLAN.chain_weight_words(CODING.codec, CODING.reconstructor),
            points=CODING.points,
            compare=PLAN.fidelity_words,
        shell:
            "python -m vcmflow stage reconstruct --encoded {input.encoded:q} --points {params.points:q}"
            " --decision {input.decision:q}"
            " --reconstructor {params.reconstructor:q} {params.weights:q} --threads {threads}"
            " --out {output.frames:q} --times-out {output.times:q} {params.compare:q} 2> {log:q}"


# The few frames that Figs. 6 and 7 show are decoded again, so that no raw video has to be kept.
SHOWN = f"{RESULTS}/{{dataset}}/shown/{{sequence}}/{{sampler}}/{{codec}}/{{reconstructor}}/{{point}}.mkv"


rule reconstruct_shown:
    input:
        unpack(PLAN.shown_inputs),
        decision=f"{RESULTS}/{{dataset}}/sample/{{sequence}}/{{sampler}}.json",
    output:
        frames=temp(SHOWN),
        record=temp(str(record(Path(SHOWN)))),
    log:
        f"{RESULTS}/logs/{{dataset}}/shown/{{sequence}}/{{sampler}}/{{codec}}/{{reconstructor}}/"
        "{point}.log",
    benchmark:
        (
            f"{RESULTS}/benchmarks/{{dataset}}/shown/{{sequence}}/{{sampler}}/{{codec}}/"
            "{reconstructor}/{point}.tsv"
        )
    conda:
        ENVIRONMENT
    resources:
        **DEMAND.of("reconstruct_shown"),
        gpu=lambda wildcards: PLAN.reconstruct_gpus(wildcards.codec, wildcards.reconstructor),
    params:
        code=lambda wildcards: PLAN.reconstruct_code(wildcards.codec, wildcards.reconstructor),
        reconstructor=lambda wildcards: SETTINGS.reconstruct.reconstructors[
            wildcards.reconstructor
        ].job(),
        weights=lambda wildcards: PLAN.chain_weight_words(wildcards.codec, wildcards.reconstructor),
    shell:
        "python -m vcmflow stage reconstruct --encoded {input.encoded:q} --points {wildcards.point:q}"
        " --decision {input.decision:q}"
        " --reconstructor {params.reconstructor:q} {params.weights:q} --threads {threads}"
        " --out {output.frames:q} 2> {log:q}"
