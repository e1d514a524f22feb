# Functions that the rules call while planning: which files and flags a job has. Wiring only.


# common


def option_flags(options):
    """Settings of a plug-in as `--option key=value` flags."""
    values = {key: "null" if value is None else value for key, value in (options or {}).items()}
    return " ".join(f"--option {shlex.quote(f'{key}={value}')}" for key, value in values.items())


def weights_flag(entry):
    """`--weights FILE`, or nothing for a model that needs none."""
    return f"--weights {shlex.quote(entry['weights'])}" if entry.get("weights") else ""


def model_device(entry):
    """Where a detector or segmenter runs."""
    return "auto" if MODELS[entry["model"]].gpu else "cpu"


def model_gpus(entry):
    """GPUs that a job with this detector or segmenter asks for."""
    return min(1, GPUS) if MODELS[entry["model"]].gpu else 0


def weights_input(entry):
    return [entry["weights"]] if entry.get("weights") else []


def frames_of(dataset, sequences):
    return [f"{RESULTS}/{dataset}/frames/{sequence}/frames.mkv" for sequence in sequences]


# data


def imported(dataset, file):
    """A file of every sequence of a dataset, those included that are not coded."""
    return [f"{RESULTS}/{dataset}/frames/{sequence}/{file}" for sequence in GRID[dataset].planned]


def dataset_source(wildcards):
    """What an import depends on: checksums of rendered files, the stamp of a download, or files."""
    dataset = GRID[wildcards.dataset]
    inputs = dataset.planned[wildcards.sequence].inputs
    if dataset.settings["source"] == "render":
        return f"{DATA}/{wildcards.dataset}.sha256"
    entry = entry_for(CATALOGUE, inputs[0])
    if dataset.settings["source"] == "download" and entry is not None:
        return f"data/downloads/{entry.name}"
    # A folder outside the table of downloads, a mount for instance, is used as it is.
    return inputs


def print_estimate(workflow):
    """What the planned jobs of a dry run cost; called at its end, when the jobs are known."""
    if not workflow.dryrun or getattr(workflow, "dag", None) is None:
        return
    planned = workflow.dag.needrun_jobs(exclude_finished=False)
    jobs = [(job.rule.name, dict(job.wildcards_dict)) for job in planned]
    entries = read_catalogue(Path("data/weights.csv"))
    weights = {file: entries[name] for file, name in WEIGHTS.items()}
    found = estimate(jobs, SETTINGS, GRID, CATALOGUE, weights, read_costs())
    print("", *found.lines(), sep="\n", file=sys.stderr)


# pretrain


def dataset_folder(wildcards):
    """The folder of a rendered dataset, so that it is rendered again if someone removes it."""
    rendered = GRID[wildcards.dataset].settings["source"] == "render"
    return ancient(f"{DATA}/{wildcards.dataset}") if rendered else []


def pretrain_inputs():
    """What training depends on: the checksums of rendered videos, a download's stamp, or files."""
    if RENDERED_VIDEOS:
        folder = ancient(f"{DATA}/videos")
        return {"folder": folder, "source": f"{DATA}/videos.sha256"}
    entry = entry_for(CATALOGUE, Path(PRETRAIN["videos"]))
    if Path(PRETRAIN["videos"]).exists() or entry is None:
        return {"source": PRETRAIN["videos"]}
    return {"source": f"data/downloads/{entry.name}"}


# embed


def pretrained(name):
    """Whether an embedding takes its weights from the stage pretrain."""
    return EMBEDDINGS[name]["embedder"] == "learned" and not EMBEDDINGS[name].get("weights")


def training_file(variant, file):
    """A file of the main training (no variant), or of one of its variants."""
    return str(Path(RESULTS, "pretrain", variant or "", file))


def embedding_weights(wildcards):
    entry = EMBEDDINGS[wildcards.embedding]
    if pretrained(wildcards.embedding):
        return [training_file(entry.get("pretraining"), "embedding.safetensors")]
    return weights_input(entry)


def embedding_code(wildcards):
    return modules("vcmflow.embed.command", EMBEDDERS[EMBEDDINGS[wildcards.embedding]["embedder"]])


# sample


def instance(sampler):
    """The settings of a sampler, swept or not."""
    return SETTINGS["sample"]["samplers"][split_sampler(sampler)[0]]


def keep_every(dataset, sampler):
    return split_sampler(sampler)[1] or GRID[dataset].settings["keep_every"]


def sampler_needs(wildcards):
    folder = f"{RESULTS}/{wildcards.dataset}"
    needs = sampler_instance(SETTINGS, wildcards.sampler).needs
    if needs == "embedding":
        embedding = instance(wildcards.sampler)["embedding"]
        return {"embeddings": f"{folder}/embed/{wildcards.sequence}/{embedding}.npy"}
    if needs == "tracks":
        return {"tracks": f"{folder}/track/{wildcards.sequence}.json"}
    return {}


# fidelity


def recon_runs(dataset, sampler):
    """(mode, qp) of every reconstruction that a sampler has in a dataset."""
    plan = GRID[dataset]
    return [(mode, qp) for mode in plan.modes(sampler) for qp in plan.qps(sampler, mode)]


def recon_videos(dataset, sequence, sampler):
    return [
        f"{RESULTS}/{dataset}/reconstruct/{sequence}/{sampler}/{mode}/qp{qp}.mkv"
        for mode, qp in recon_runs(dataset, sampler)
    ]


# task


def task_code(wildcards):
    task = GRID[wildcards.dataset].task
    return modules("vcmflow.task.command", TASKS[task][SETTINGS["task"][task]["model"]])


def task_entry(wildcards):
    return SETTINGS["task"][GRID[wildcards.dataset].task]


def task_runs(dataset, part, sampler):
    """(sequence, mode, qp) of every video of a task job."""
    return [
        (sequence, mode, qp)
        for sequence in GRID[dataset].parts()[part]
        for mode, qp in recon_runs(dataset, sampler)
    ]


# score


def part_of(dataset, sequence):
    return next(part for part, ids in GRID[dataset].parts().items() if sequence in ids)


def encode_tables(dataset, sequence):
    """(sampler, table of stream sizes) of every coding of a sequence."""
    folder = f"{RESULTS}/{dataset}/encode/{sequence}"
    return [
        (
            run.sampler,
            f"{folder}/{run.sampler}/{run.mode}/"
            + (f"qp{run.qps[0]}.csv" if split_sampler(run.sampler)[1] else "encode.csv"),
        )
        for run in GRID[dataset].conditions
    ]


def score_tasks(wildcards):
    """The task results that hold a sequence's runs; none without a task."""
    if GRID[wildcards.dataset].task == "none":
        return []
    part = part_of(**wildcards)
    folder = f"{RESULTS}/{wildcards.dataset}"
    return [f"{folder}/task_source/{part}.json"] + [
        f"{folder}/task/{sampler}/{part}.json" for sampler in GRID[wildcards.dataset].samplers
    ]


def per_sampler(template):
    return lambda wildcards: [
        f"{RESULTS}/{template}".format(sampler=sampler, **wildcards)
        for sampler in GRID[wildcards.dataset].samplers
    ]


# complexity


def measured_weights(wildcards):
    entry = EMBEDDINGS[MEASURED_EMBEDDING]
    if pretrained(MEASURED_EMBEDDING):
        return [training_file(entry.get("pretraining"), "embedding.safetensors")]
    return weights_input(entry)


# trajectory


def warped(sequence, embedding):
    """Embedding of a rendered sequence whose content speed is known."""
    return f"{RESULTS}/trajectory/warps/{embedding}/{sequence}.npy"


def speed_file(dataset, sequence):
    """Where a sequence's true content speed stands; None where it is not known."""
    spec = GRID[dataset].sequences[sequence]
    if GRID[dataset].settings["source"] != "render" or spec.first:
        return None
    if spec.loader == "osdar23":
        return spec.path / spec.sequence / SPEED_FILE
    return davis_speed_file(spec.path, spec.sequence)


def probed(embedding):
    """(name, embedding file, speed file, keep_every) of every sequence that is measured."""
    if WARPS:
        return [
            (
                name,
                warped(name, embedding),
                f"{DATA}/warps/{name}/{SPEED_FILE}",
                WARPS["keep_every"],
            )
            for name in WARPS["sequences"]
        ]
    return [
        (
            f"{dataset}/{sequence}",
            f"{RESULTS}/{dataset}/embed/{sequence}/{embedding}.npy",
            speed_file(dataset, sequence),
            GRID[dataset].settings["keep_every"],
        )
        for dataset in GRID
        for sequence in GRID[dataset].sequences
    ]


def speed_sources():
    """What true content speeds depend on: the checksums of rendered files."""
    if WARPS:
        return {"sums": [f"{DATA}/warps.sha256"], "folders": [ancient(f"{DATA}/warps")]}
    names = [name for name in GRID if GRID[name].settings["source"] == "render"]
    return {
        "sums": [f"{DATA}/{name}.sha256" for name in names],
        "folders": [ancient(f"{DATA}/{name}") for name in names],
    }


def trajectory_inputs(wildcards):
    embedding = VARIANTS[wildcards.variant].embedding
    return {
        "embeddings": [path for _, path, _, _ in probed(embedding)],
        "weights": embedding_weights(SimpleNamespace(embedding=embedding)),
        **speed_sources(),
    }


def trajectory_flags(wildcards, input):
    """The flags of one row of the ablation: what it is, what is measured, how frames are chosen."""
    variant = VARIANTS[wildcards.variant]
    entry = EMBEDDINGS[variant.embedding]
    sequences = probed(variant.embedding)
    known = [(name, str(speed)) for name, _, speed, _ in sequences if speed]
    return shlex.join(
        [
            *("--variant", variant.name, "--embedding-name", variant.embedding),
            *(f"--{key}={value}" for key, value in variant.describe() if value),
            *("--names", *(name for name, *_ in sequences)),
            *(("--speed-names", *(name for name, _ in known)) if known else ()),
            *(("--speeds", *(path for _, path in known)) if known else ()),
            *("--keep-every", *(str(keep_every) for *_, keep_every in sequences)),
            *("--method", variant.method, "--embedder", entry["embedder"]),
            *(("--weights", str(input.weights[0])) if input.weights else ()),
        ]
    )


# tables


def first_with(task):
    """The dataset that tables and figures of a task are made of; None where there is none."""
    named = SETTINGS["tables"].get(task)
    if named in GRID and GRID[named].task == task:
        return named
    return next((name for name, dataset in GRID.items() if dataset.task == task), None)


def compared(dataset, mode):
    """A table of differences needs its anchor, its test and its mode in the dataset."""
    wanted = {SETTINGS["tables"]["anchor"], SETTINGS["tables"]["test"]}
    return (
        dataset is not None
        and wanted <= set(GRID[dataset].samplers)
        and (mode is None or mode in GRID[dataset].settings["modes"])
    )


def anchored(dataset):
    return dataset is not None and SETTINGS["tables"]["anchor"] in GRID[dataset].samplers


def both_methods(dataset):
    wanted = {SETTINGS["tables"]["test"], SETTINGS["tables"]["standard"]}
    return dataset is not None and wanted <= set(GRID[dataset].samplers)


def table_datasets(table):
    """The datasets that a table is made of; none if the grid cannot fill it."""
    if table in ("3", "4"):
        return [DETECTION] if compared(DETECTION, "ra" if table == "3" else "ai") else []
    if table == "5":
        return [DETECTION] if both_methods(DETECTION) else []
    if table == "6":
        return [SEGMENTATION] if both_methods(SEGMENTATION) else []
    if table == "7":
        return [DETECTION] if both_methods(DETECTION) and compared(DETECTION, None) else []
    if table == "ablation":
        return [DETECTION] if len(VARIANTS) > 1 and anchored(DETECTION) else []
    if table == "accuracy":
        return [name for name, dataset in GRID.items() if dataset.task != "none"]
    return list(GRID)


def data_note(datasets):
    """What a table or figure was measured on, for its caption."""
    parts = []
    for name in datasets:
        entry = GRID[name].settings
        kind = "synthetic data" if entry.get("synthetic") else "real data"
        if entry.get("require_objects"):
            kind += ", sequences with objects only"
        pseudo = any(spec.ground_truth == "pseudo" for spec in GRID[name].sequences.values())
        parts.append(
            f"{entry.get('title') or name} ({kind}{', pseudo ground truth' if pseudo else ''})"
        )
    return "; ".join(parts)


# What a table depends on, so that another choice makes only the tables anew that it concerns.
TABLE_CHOICES = {
    "3": ("anchor", "test", "fit"),
    "4": ("anchor", "test", "fit"),
    "5": ("test", "standard"),
    "6": ("test", "standard"),
    "7": ("anchor", "test", "standard", "fit"),
    "ablation": ("anchor", "test", "fit"),
    "sanity": ("min_map", "min_jaccard"),
}


def table_flags(table):
    """The choices of a table as flags."""
    values = SETTINGS["tables"] | {"fit": SETTINGS["score"]["interpolation"]}
    return " ".join(
        f"--{name.replace('_', '-')} {values[name]}"
        for name in TABLE_CHOICES.get(table, ())
        if values.get(name) is not None
    )


def table_inputs(table):
    datasets = table_datasets(table)
    files = {
        "scenes": [f"{RESULTS}/{name}/score/scenes.csv" for name in datasets],
        "sequences": [f"{RESULTS}/{name}/score/sequences.csv" for name in datasets],
        "dataset_scores": [f"{RESULTS}/{name}/score/dataset.csv" for name in datasets],
    }
    if table == "7":
        files["complexity"] = COMPLEXITY
    if table == "ablation":
        files["trajectories"] = [f"{RESULTS}/trajectory/{name}.csv" for name in VARIANTS]
    if table in REFERENCES and SETTINGS["tables"]["paper_values"]:
        files["reference"] = REFERENCES[table]
    return files


# figures


def methods(dataset):
    """The methods of Figs. 6 and 7 that run on a dataset."""
    return [name for name in dict.fromkeys(METHODS) if name in GRID[dataset].samplers]


def choose(key, names, there):
    """Sequences that a figure's setting names; they have to be there."""
    for name in names:
        if name not in there:
            raise WorkflowError(
                f"params.yaml: figures.{key}: no sequence has the id {name!r}; there are "
                f"{', '.join(list(there)[:5])}{', …' if len(there) > 5 else ''}"
            )
    return names


def shown_figure(figure, dataset, sequence):
    """Inputs and flags of Fig. 6 or 7: one frame of a sequence from every method."""
    there = list(GRID[dataset].sequences)
    key = f"{GRID[dataset].task}_sequence"
    sequence = choose(key, [sequence or there[0]], there)[0]
    folder, mode, qp = f"{RESULTS}/{dataset}", SHOWN["shown_mode"], SHOWN["shown_qp"]
    part = part_of(dataset, sequence)
    inputs = {
        "sequences": f"{folder}/score/sequences.csv",
        "original": f"{folder}/frames/{sequence}/frames.mkv",
        "truth": f"{folder}/frames/{sequence}/truth.json",
        "source_task": f"{folder}/task_source/{part}.json",
        "recons": [
            f"{folder}/shown/{sequence}/{name}/{mode}/qp{qp}.mkv" for name in methods(dataset)
        ],
        "tasks": [f"{folder}/task/{name}/{part}.json" for name in methods(dataset)],
        "decisions": [f"{folder}/sample/{sequence}/{name}.json" for name in methods(dataset)],
    }
    words = ["--sequence", sequence, "--modes", mode, "--qps", qp, "--names", *methods(dataset)]
    return figure, [dataset], inputs, words


def embedding_figure():
    """Inputs and flags of Fig. 8: three sequences under two or more embeddings."""
    dataset = (DETECTION if WARPS else SEGMENTATION) or DETECTION or next(iter(GRID))
    there = WARPS["sequences"] if WARPS else list(GRID[dataset].sequences)
    sequences = choose("embedding_sequences", SHOWN["embedding_sequences"] or there[:3], there)
    files = [
        (warped(sequence, name) if WARPS else f"{RESULTS}/{dataset}/embed/{sequence}/{name}.npy")
        for name in SHOWN["embeddings"]
        for sequence in sequences
    ]
    words = ["--names", *sequences, "--labels", *SHOWN["embeddings"]]
    return "fig8", [dataset], {"embeddings": files}, words


def timeline_figure(dataset):
    """Inputs and flags of a timeline: decisions, and the embedding behind the proposed sampler."""
    plan, folder = GRID[dataset], f"{RESULTS}/{dataset}"
    samplers = [name for name in plan.samplers if split_sampler(name)[1] is None]
    inputs = {
        "decisions": [
            f"{folder}/sample/{sequence}/{sampler}.json"
            for sequence in plan.sequences
            for sampler in samplers
        ]
    }
    words = []
    embedding = instance(SETTINGS["tables"]["test"]).get("embedding")
    if embedding and SETTINGS["tables"]["test"] in samplers:
        inputs["embeddings"] = [
            f"{folder}/embed/{sequence}/{embedding}.npy" for sequence in plan.sequences
        ]
        words = ["--names", *plan.sequences]
    return "timeline", [dataset], inputs, words


def stage_benchmarks():
    """(stage, benchmark file) of every job whose time the figure of times adds up."""
    root = f"{RESULTS}/benchmarks"
    found = [
        ("pretrain", f"{root}/pretrain/{name}.tsv" if name else f"{root}/pretrain.tsv")
        for name in TRAININGS
    ]
    for name, plan in GRID.items():
        for sequence in plan.sequences:
            found.append(("data", f"{root}/{name}/import_sequence/{sequence}.tsv"))
            found.append(("score", f"{root}/{name}/score_sequence/{sequence}.tsv"))
            for run in plan.conditions:
                swept = split_sampler(run.sampler)[1] is not None
                job = f"{run.mode}/qp{run.qps[0]}" if swept else run.mode
                tail = f"{sequence}/{run.sampler}/{job}.tsv"
                found.append(("encode", f"{root}/{name}/encode/{tail}"))
                found.append(("reconstruct", f"{root}/{name}/reconstruct/{tail}"))
            for sampler in plan.samplers:
                found.append(("sample", f"{root}/{name}/sample/{sequence}/{sampler}.tsv"))
                found.append(("fidelity", f"{root}/{name}/fidelity/{sequence}/{sampler}.tsv"))
                needs = sampler_instance(SETTINGS, sampler).needs
                if needs == "embedding":
                    embedding = instance(sampler)["embedding"]
                    found.append(("embed", f"{root}/{name}/embed/{sequence}/{embedding}.tsv"))
                if needs == "tracks":
                    found.append(("track", f"{root}/{name}/track/{sequence}.tsv"))
        if plan.task != "none":
            for part in plan.parts():
                found.append(("task", f"{root}/{name}/task_source/{part}.tsv"))
                for sampler in plan.samplers:
                    found.append(("task", f"{root}/{name}/task/{sampler}/{part}.tsv"))
    order = "data pretrain embed track sample encode reconstruct fidelity task score".split()
    return sorted(dict.fromkeys(found), key=lambda entry: order.index(entry[0]))


def stage_folders():
    """(stage, folder of benchmarks, or file), in order: short enough for any command line."""
    return list(dict.fromkeys((stage, folder_of(path)) for stage, path in stage_benchmarks()))


def folder_of(benchmark):
    """`.../benchmarks/<dataset>/<rule>` of a benchmark file; itself where it has no dataset."""
    return str(Path(*Path(benchmark).parts[: len(Path(RESULTS).parts) + 3]))


def scores_of(kind, datasets):
    return {kind: [f"{RESULTS}/{name}/score/{kind}.csv" for name in datasets]}


# metrics


def tables_made(*names):
    """Those of the named tables that the grid can fill."""
    return [f"{RESULTS}/tables/{name}.csv" for name in names if name in TABLE_NAMES]


# provenance


def encoder_reports():
    """One report of the encoder per dataset and mode: one run has one encoder."""
    first = {}
    for name, plan in GRID.items():
        sequence = next(iter(plan.sequences))
        for sampler, table in encode_tables(name, sequence):
            if split_sampler(sampler)[1] is None:
                first.setdefault((name, Path(table).parent.name), table.replace(".csv", ".json"))
    return list(first.values())
