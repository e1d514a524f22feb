"""XMem (Cheng and Schwing, ECCV 2022) as a program of its own: a checkout that the user has.

It is under the GPL: nothing of it is here, and it runs in a Python of its own. Frames and the first
frame's masks go to it as PNG files, in the layout of its option ``--dataset G``, masks come back.
Other programs with the same flags (``--generic_path``, ``--output``, ``--model``) do as well.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from vcmflow.core.detections import Result
from vcmflow.core.errors import VcmflowError
from vcmflow.core.pictures import read_labels
from vcmflow.core.video import Frame
from vcmflow.task.vos import labels_of, to_results

PROGRAM = "eval.py"


@dataclass(frozen=True)
class Xmem:
    """See ``vcmflow.task.registry``.

    Attributes:
        checkout: folder with ``eval.py``.
        python: interpreter of its environment.
        weights: its checkpoint.
        size: px that it resizes the shorter side to; -1: it does not.
    """

    checkout: Path
    python: str
    weights: Path
    size: int

    def run(
        self, frames: Sequence[Frame], first: Mapping[int, npt.NDArray[np.bool_]]
    ) -> list[Result]:
        """Masks of the objects in all frames; see ``FlowMasks.run``.

        Raises:
            VcmflowError: the program fails, or leaves a frame out.
        """
        labels, numbers = labels_of(first, frames[0].shape[:2])
        if not numbers:
            return []
        with tempfile.TemporaryDirectory(prefix="vcmflow-") as folder:
            root = Path(folder)
            pictures = root / "in" / "JPEGImages" / "video"
            masks = root / "in" / "Annotations" / "video"
            for place in (pictures, masks):
                place.mkdir(parents=True)
            for index, frame in enumerate(frames):
                Image.fromarray(frame).save(pictures / f"{index:05d}.png", compress_level=1)
            start = Image.fromarray(labels).convert("P")
            start.putpalette([value for k in range(256) for value in (k, k, k)])
            start.save(masks / "00000.png")
            self._call(root / "in", root / "out")
            results = []
            for index in range(len(frames)):
                path = root / "out" / "video" / f"{index:05d}.png"
                found, _ = read_labels(path)
                if found.shape != labels.shape:
                    raise VcmflowError(f"{PROGRAM}: its mask {path.name} has another size")
                results += to_results(index, found, numbers)
            return results

    def _call(self, given: Path, out: Path) -> None:
        words = [self.python, PROGRAM, "--dataset", "G", "--generic_path", str(given)]
        words += ["--output", str(out), "--model", str(self.weights.resolve())]
        words += ["--size", str(self.size)]
        # Its Python has libraries of its own.
        environment = {key: text for key, text in os.environ.items() if key != "PYTHONPATH"}
        try:
            subprocess.run(
                words,
                cwd=self.checkout,
                env=environment,
                check=True,
                capture_output=True,
                stdin=subprocess.DEVNULL,
            )
        except OSError as error:
            raise VcmflowError(f"{self.python}: cannot be started ({error.strerror})") from None
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode("utf-8", "replace").strip().splitlines()
            raise VcmflowError(
                f"{self.checkout / PROGRAM}: failed with status {error.returncode}: "
                f"{said[-1][:200] if said else 'it said nothing'}"
            ) from None


def build(
    weights: Path | None,
    checkout: Path | None = None,
    python: str = "python3",
    size: int = 480,
) -> Xmem:
    """The model.

    Args:
        weights: XMem's checkpoint.
        checkout: folder of its source, with ``eval.py``.
        python: the interpreter that has what it needs, a GPU's PyTorch among it.
        size: px that it resizes the shorter side to; -1: it does not.

    Raises:
        VcmflowError: there is no such folder or checkpoint.
    """
    if checkout is None or not (checkout / PROGRAM).is_file():
        where = "the option checkout" if checkout is None else f"{checkout}: no {PROGRAM} in it;"
        raise VcmflowError(
            f"xmem: {where} has to name a folder of github.com/hkchengrex/XMem (GPL, not part of "
            "vcmflow)"
        )
    if weights is None or not weights.is_file():
        raise VcmflowError(f"xmem: weights {weights or ''} are not there; give XMem's checkpoint")
    return Xmem(checkout, python, weights, size)
