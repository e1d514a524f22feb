# PSNR and SSIM of the reconstructed frames against the originals (spec 7): vcmflow/fidelity.
rule fidelity:
    input:
        original=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/frames.mkv",
        decision=f"{RESULTS}/{{dataset}}/sample/{{sequence}}/{{sampler}}.json",
        recon=lambda wildcards: recon_videos(**wildcards),
        code=modules("vcmflow.fidelity.command"),
    output:
        f"{RESULTS}/{{dataset}}/fidelity/{{sequence}}/{{sampler}}.csv",
    log:
        f"{RESULTS}/logs/{{dataset}}/fidelity/{{sequence}}/{{sampler}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/fidelity/{{sequence}}/{{sampler}}.tsv"
    wildcard_constraints:
        sampler="[a-z][a-z0-9_]*(-n[0-9]+)?",
    conda:
        ENVIRONMENT
    params:
        modes=lambda wildcards: [
            mode for mode, _ in recon_runs(wildcards.dataset, wildcards.sampler)
        ],
        qps=lambda wildcards: [qp for _, qp in recon_runs(wildcards.dataset, wildcards.sampler)],
    shell:
        "python -m vcmflow fidelity --original {input.original:q} --decision {input.decision:q}"
        " --sequence-id {wildcards.sequence} --sampler {wildcards.sampler}"
        " --recon {input.recon:q} --mode {params.modes} --qp {params.qps} --out {output:q} 2> {log:q}"
