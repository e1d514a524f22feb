"""``vcmflow stage tables``: write one of the tables as CSV, Markdown and LaTeX."""

from __future__ import annotations

import argparse
from pathlib import Path

from vcmflow.core.choices import read_choices
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import lookup
from vcmflow.core.scores import read_scores
from vcmflow.core.titles import parse_titles
from vcmflow.tables.inputs import Inputs, read_complexity, read_tracked, read_trajectories
from vcmflow.tables.layout import Table, to_markdown, to_tex, write_table_csv, write_text
from vcmflow.tables.paper import beside, read_reference
from vcmflow.tables.registry import TABLES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("--table", required=True, help=f"one of {', '.join(TABLES)}")
    parser.add_argument(
        "--scores", type=Path, nargs="+", default=[], help="scores.csv of each dataset (score pool)"
    )
    parser.add_argument(
        "--trajectories",
        type=Path,
        nargs="+",
        default=[],
        help="ablation: measures per sequence, one file per variant (trajectory)",
    )
    parser.add_argument(
        "--choices", type=Path, nargs="+", default=[], help="bounds: choices of each sequence"
    )
    parser.add_argument(
        "--tracks", type=Path, nargs="+", default=[], help="tracks: tracks of each sequence"
    )
    parser.add_argument(
        "--truths", type=Path, nargs="+", default=[], help="tracks: their ground truth"
    )
    parser.add_argument("--complexity", type=Path, help="what the samplers cost (complexity)")
    parser.add_argument("--reference", type=Path, help="the paper's version of the table (.csv)")
    parser.add_argument(
        "--paper-values", action="store_true", help="put the values of --reference beside ours"
    )
    for flag, text in (
        ("anchor", "method to measure against"),
        ("test", "the paper's method"),
        ("standard", "the standard method"),
        ("methods", "compare: methods of the rows; default: all"),
    ):
        several = "; tables 5 and 7: one per codec" if flag != "methods" else ""
        parser.add_argument(
            f"--{flag}", nargs="+", default=[], metavar="METHOD", help=f"{text}{several}"
        )
    parser.add_argument("--task", default="", help="the task, where the scores are of several")
    parser.add_argument(
        "--points", nargs="+", default=[], help="tables 5 and 6: operating points of the rows"
    )
    parser.add_argument(
        "--titles",
        default="{}",
        metavar="JSON",
        help="words for methods and instances: name -> text, of a codec {title, short, point}",
    )
    parser.add_argument(
        "--fit",
        choices=("pchip", "akima", "cubic"),
        default="pchip",
        help="interpolation between the points of a curve",
    )
    parser.add_argument("--min-map", type=float, help="sanity: smallest mAP on uncompressed frames")
    parser.add_argument(
        "--min-jaccard", type=float, help="sanity: smallest mean Jaccard on uncompressed frames"
    )
    parser.add_argument(
        "--rising",
        nargs="+",
        default=[],
        metavar="CODEC",
        help="sanity: codecs whose rate rises with their operating points",
    )
    parser.add_argument(
        "--lossless",
        nargs="+",
        default=[],
        metavar="CODEC",
        help="losses, sanity: codecs that give the kept frames back as they were",
    )
    parser.add_argument("--note", default="", help="what was measured on, for the caption")
    parser.add_argument("--csv-out", type=Path, required=True, help="all columns")
    parser.add_argument("--md-out", type=Path, help="for reading, in Markdown")
    parser.add_argument("--tex-out", type=Path, help="for reading, in LaTeX (booktabs)")


def run(args: argparse.Namespace) -> None:
    """Build the table and write it in every form that was asked for."""
    if args.paper_values and args.reference is None:
        raise VcmflowError("--paper-values needs --reference, the paper's version of the table")
    table: Table = lookup(TABLES, args.table, "table")(
        Inputs(
            table=args.table,
            scores=read_scores(args.scores),
            complexity={} if args.complexity is None else read_complexity(args.complexity),
            choices=[read_choices(path) for path in args.choices],
            tracked=read_tracked(args.tracks, args.truths),
            trajectories=read_trajectories(args.trajectories),
            task=args.task,
            anchors=tuple(args.anchor),
            tests=tuple(args.test),
            standards=tuple(args.standard),
            methods=tuple(args.methods),
            points=tuple(args.points),
            fit=args.fit,
            min_map=args.min_map,
            min_jaccard=args.min_jaccard,
            rising=frozenset(args.rising),
            lossless=frozenset(args.lossless),
            titles=parse_titles(args.titles),
            note=args.note,
        )
    )
    if args.paper_values:
        table = beside(table, read_reference(args.reference, table))
    write_table_csv(args.csv_out, table)
    if args.md_out is not None:
        write_text(args.md_out, to_markdown(table))
    if args.tex_out is not None:
        write_text(args.tex_out, to_tex(table))
