"""Which sequences have an object that counts: the selection of a dataset with `require_objects`.

The grid is made before any data are there, so that it holds every sequence of the configuration;
scoring leaves those without an object out. A selection, made from the imported ground truth, spares
the work on them: whoever plans after it leaves them out of the grid. It holds, per sequence, the
number of objects and a digest of the settings that the number was counted with; a line whose digest
is another one says nothing.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import intact, whole_file
from vcmflow.data.types import SequenceSpec

COLUMNS = ("id", "objects", "settings")


def digest(spec: SequenceSpec) -> str:
    """What an imported ground truth depends on, besides the data, in 16 hexadecimal digits."""
    return hashlib.sha256(
        "\0".join(spec.arguments()).encode("utf-8", "surrogateescape")
    ).hexdigest()[:16]


def write_selection(path: Path, counted: Iterable[tuple[str, int, str]]) -> None:
    """Write id, number of objects and digest of every sequence, whole or not at all."""
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(counted)


def without_objects(path: Path, specs: Mapping[str, SequenceSpec]) -> set[str]:
    """Ids of the sequences in which a selection knows no object; none where there is no selection.

    Sequences without annotations stay: pseudo ground truth does not exist yet when a selection is
    made.

    Args:
        path: the selection; may be missing.
        specs: sequence id -> sequence, as planned now.

    Raises:
        VcmflowError: the file is something else.
    """
    empty = set()
    try:
        with intact(path).open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise VcmflowError(f"{path}: columns have to be {', '.join(COLUMNS)}; remove it")
            for row in reader:
                spec = specs.get(row["id"])
                if spec is None or spec.annotations == "none":
                    continue
                if row["objects"] == "0" and row["settings"] == digest(spec):
                    empty.add(spec.id)
    except FileNotFoundError:
        return set()
    except (csv.Error, UnicodeDecodeError) as error:
        raise VcmflowError(f"{path}: not a CSV file in UTF-8 ({error}); remove it") from None
    return empty
