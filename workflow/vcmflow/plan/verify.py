"""``vcmflow stage verify``: name the files that changed after a run, and what makes them again."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import intact, record
from vcmflow.plan.unlock import running_here


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.description = "In the folder of a checkout: find files that changed after a run."
    parser.add_argument(
        "folders",
        nargs="*",
        type=Path,
        default=[Path("results"), Path("data")],
        help="where to look (default: results data)",
    )
    parser.add_argument(
        "--remove", action="store_true", help="remove damaged files, so that they are made again"
    )


def run(args: argparse.Namespace) -> None:
    """Name every damaged file, and the commands that make them again.

    Raises:
        VcmflowError: there is no such folder, files are damaged and stay, or ``--remove`` is asked
            for while a run goes on.
    """
    if args.remove and (running := running_here(Path.cwd())):
        raise VcmflowError(f"a run is still going on in this folder, process {running[0]}")
    every = [path for folder in args.folders for path in recorded(folder)]
    damaged = [path for path in every if not _is_intact(path)]
    sources = [source(path) for path in damaged]
    for path in damaged:
        print(f"damaged: {path}")
    for path in [*damaged, *sources] if args.remove else []:
        path.unlink(missing_ok=True)
    print(f"{len(every) - len(damaged)} of {len(every)} files are as they were written")
    if not damaged:
        return
    commands = " && ".join(rebuilding(sources))
    if not args.remove:
        raise VcmflowError(f"{len(damaged)} damaged; --remove removes them, then: {commands}")
    print(f"removed; this makes them again: {commands}")


def recorded(folder: Path) -> Iterator[Path]:
    """The files below a folder that have a record.

    Raises:
        VcmflowError: no such folder.
    """
    if not folder.is_dir():
        raise VcmflowError(f"{folder}: no such folder")
    for found in sorted(folder.rglob(record(Path("*")).name)):
        path = found.with_name(found.name[1 : -len(found.suffix)])
        if path.is_file():
            yield path


def _is_intact(path: Path) -> bool:
    try:
        intact(path)
    except VcmflowError:
        return False
    return True


def source(path: Path) -> Path:
    """What Snakemake makes a file as: itself, or the list of the rendered folder that holds it."""
    lists = (Path(f"{folder}.sha256") for folder in path.parents)
    return next((file for file in lists if file.is_file()), path)


def rebuilding(files: Sequence[Path]) -> list[str]:
    """``snakemake`` commands, one or two per preset whose files these are."""
    groups: dict[str, list[str]] = {}
    for path in dict.fromkeys(files):
        # A checkpoint is nobody's target: the training that goes on from it starts anew.
        if path.suffix != ".checkpoint":
            kind, _, rest = path.as_posix().partition("/")
            preset = rest.partition("/")[0] if kind == "results" else path.parent.name
            groups.setdefault(preset, []).append(str(path))
    commands = []
    for preset, targets in groups.items():
        preset_words = ["--config", f"preset={preset}"]
        commands.append(["snakemake", "--cores", "all", *targets, *preset_words])
        # Videos of a job that is asked for by name stay: Snakemake takes them for wanted, too.
        if any(Path(target).parts[3:4] == ("fidelity",) for target in targets):
            commands.append(["snakemake", "--delete-temp-output", *preset_words])
    return [shlex.join(command) for command in commands]
