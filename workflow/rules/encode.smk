# Coding of the kept frames: vcmflow/encode. One job codes one sequence at all points of its codec,
# and a codec has a rule of its own, because what it writes is its own.
for CODING in PLAN.encodings():

    rule:
        name:
            f"encode_{CODING.name}"
        input:
            unpack(lambda wildcards, codec=CODING.codec: PLAN.codec_needs(codec, wildcards)),
            frames=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/frames.mkv",
            decision=f"{RESULTS}/{{dataset}}/sample/{{sequence}}/{{sampler}}.json",
            weights=PLAN.weights(SETTINGS.encode.codecs[CODING.codec]),
        output:
            streams=[
                ensure(
                    f"{RESULTS}/{{dataset}}/encode/{{sequence}}/{{sampler}}/{CODING.codec}/{file}",
                    non_empty=True,
                )
                for file in PLAN.streams(CODING.codec, CODING.points)
            ],
            records=[
                f"{RESULTS}/{{dataset}}/encode/{{sequence}}/{{sampler}}/{CODING.codec}/{file}"
                for file in PLAN.records(CODING.codec, CODING.points)
            ],
            json=f"{RESULTS}/{{dataset}}/encode/{{sequence}}/{{sampler}}/{CODING.codec}/encode.json",
        log:
            f"{RESULTS}/logs/{{dataset}}/encode/{{sequence}}/{{sampler}}/{CODING.codec}.log",
        benchmark:
            f"{RESULTS}/benchmarks/{{dataset}}/encode/{{sequence}}/{{sampler}}/{CODING.codec}.tsv"
        wildcard_constraints:
            sampler="|".join(CODING.samplers),
        group:
            "coding"
        conda:
            ENVIRONMENT
        resources:
            **DEMAND.of(f"encode_{CODING.name}"),
            gpu=PLAN.encode_gpus(CODING.codec),
        params:
            code=PLAN.encode_code(CODING.codec),
            codec=SETTINGS.encode.codecs[CODING.codec].job(),
            weights=flag("--weights", PLAN.weights(SETTINGS.encode.codecs[CODING.codec])),
            points=CODING.points,
            intra_in=SETTINGS.encode.intra_in,
            needs=lambda wildcards, codec=CODING.codec: PLAN.codec_need_words(codec, wildcards),
            folder=lambda wildcards, output: str(Path(output.json).parent),
        shell:
            "python -m vcmflow stage encode --frames {input.frames:q} --decision {input.decision:q}"
            " --codec {params.codec:q} {params.weights:q} --points {params.points:q} {params.needs:q}"
            " --intra-in {params.intra_in:q} --threads {threads} --out {params.folder:q} 2> {log:q}"
