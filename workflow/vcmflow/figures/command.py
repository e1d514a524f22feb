"""``vcmflow stage figures --figure <name> … --out <files>``: draw one figure."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from vcmflow.core.options import parse_options
from vcmflow.core.registry import lookup
from vcmflow.core.scores import parse_curves
from vcmflow.core.titles import parse_titles
from vcmflow.figures import style
from vcmflow.figures.inputs import Inputs
from vcmflow.figures.registry import FIGURES

_USES = """which figure is drawn from what:
  fig4, fig5    --scores --methods [--task --titles]
  fig6, fig7    --original --source-results --truth --scores --sequence --points, and for each
                method --methods --recons --results --decisions [--titles]
  fig8          --labels --names, and for each label --embeddings of all names
  timeline      --decisions [--embeddings --names --samplers]
  rate_scores   --scores [--methods --task --titles]
  rd            --scores [--methods --titles]
  compare       --scores [--methods --task --titles]
  importance    as fig6, of two methods, and --maps
  features      --scores --methods --sequence --points, --maps of each, --bits of all [--titles]
  accuracy_m    --scores --curves --points [--whole --task --titles]
  frontier      --scores --whole [--curves --task --titles]
  time          --benchmarks --names
  training      --logs [--names]
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags; a figure says which of them it needs."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _USES
    names = ", ".join(FIGURES)
    parser.add_argument("--figure", required=True, metavar="NAME", help=f"one of: {names}")
    parser.add_argument(
        "--out",
        required=True,
        nargs="+",
        type=Path,
        metavar="FILE",
        help=".png, .pdf or .svg files",
    )
    parser.add_argument(
        "--note", default="", help="small print above the panels: what data this is"
    )

    scores = parser.add_argument_group("scores, and what to take from them")
    _files(scores, "--scores", "score/scores.csv of one or more datasets")
    _words(scores, "--methods", "default: all that were coded at more than one point")
    scores.add_argument("--task", default="", help="default: the only one, or all")
    _words(scores, "--points", "operating points, as encoded")
    scores.add_argument(
        "--curves", default="{}", metavar="JSON", help="name of a curve -> the methods on it"
    )
    scores.add_argument("--whole", default="", metavar="METHOD", help="that keeps every frame")
    scores.add_argument(
        "--titles",
        default="{}",
        metavar="JSON",
        help="words for methods and instances: name -> text, of a codec {title, short, point}",
    )

    frame = parser.add_argument_group("one frame of a sequence (fig6, fig7)")
    frame.add_argument("--sequence", default="", help="its id")
    frame.add_argument("--original", type=Path, help="video of its frames")
    frame.add_argument("--source-results", type=Path, help="task results on them")
    frame.add_argument("--truth", type=Path, help="its ground truth, COCO JSON")
    _files(frame, "--recons", "reconstructed video, one per method")
    _files(frame, "--results", "task results, one file per method")

    _files(frame, "--maps", "importance: of pixels, of blocks, and the coded QPs, .npy; features")
    _files(frame, "--bits", "features: what the parts of a stream take, <point>.bits.csv")

    rest = parser.add_argument_group("decisions, embeddings, logs")
    _files(rest, "--decisions", "sampling decisions, JSON (fig6, fig7: one per method)")
    _files(rest, "--embeddings", "embeddings, .npy, n x d, one per sequence (fig8: and label)")
    _files(rest, "--benchmarks", "Snakemake's benchmarks: .tsv files, or folders of them")
    _files(rest, "--logs", "training logs, CSV")
    _words(rest, "--samplers", "timeline: whose decisions; default: those that drop frames")
    _words(rest, "--names", "names of the embedded sequences, the benchmarks' stages, or the logs")
    _words(rest, "--labels", "titles of fig8's columns")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="fig6: score (least one drawn, 0.5); fig6, fig7: frame (else by rule); fig8: seed (0)",
    )


def _files(group: argparse._ArgumentGroup, flag: str, text: str) -> None:
    group.add_argument(flag, nargs="+", default=(), type=Path, metavar="FILE", help=text)


def _words(group: argparse._ArgumentGroup, flag: str, text: str) -> None:
    group.add_argument(flag, nargs="+", default=(), metavar="NAME", help=text)


def run(args: argparse.Namespace) -> None:
    """Draw the figure and write it to every file of ``--out``."""
    builder = lookup(FIGURES, args.figure, "figure")
    style.check_paths(args.out)
    style.save(builder(read_inputs(args)), args.out)


def read_inputs(args: argparse.Namespace) -> Inputs:
    """What the flags say."""
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in vars(args).items()
        if key in Inputs.__dataclass_fields__
    }
    given |= {"titles": parse_titles(args.titles), "curves": parse_curves(args.curves)}
    return Inputs(**given, options=parse_options(args.option))
