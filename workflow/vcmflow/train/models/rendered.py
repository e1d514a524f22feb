"""Training and validation samples from the renderer of the mini data, drawn in memory.

Scenes are random, with other seeds than the test sets and with the textures that the renderer sets
aside for training.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import numpy as np

from vcmflow.train.models.samples import Sample
from vcmrender.api import CATEGORIES, RenderedFrame, random_scene, render_scene

FRAMES_PER_SCENE = 3

# Frames lie further apart than in a video, so that a scene shows more; the shutter is open as
# long as in rests and bursts of a video.
STEP_SECONDS = 0.6
SHUTTER_SECONDS = (0.0, 0.15)

# Share of scenes from the task's own family; the rest are of the other one, for variety of sizes.
OWN_FAMILY = 0.75
OTHER = {"detection": "segmentation", "segmentation": "detection"}
SPLITS = {"train": 0, "validation": 1}


def to_sample(rendered: RenderedFrame) -> Sample:
    """Return a rendered frame with the pixels and the categories of its objects."""
    owner = np.zeros(rendered.picture.shape[:2], np.uint8)
    for number, one in enumerate(rendered.objects, start=1):
        owner[one.mask] = number
    categories = [CATEGORIES[one.category] for one in rendered.objects]
    return Sample(rendered.picture, owner, np.array(categories, np.int64))


def render_samples(task: str, scenes: int, seed: int, split: str) -> list[Sample]:
    """Render random scenes of 416x240, a few frames of each.

    Args:
        task: "detection" or "segmentation": which family of scenes prevails.
        scenes: number of scenes.
        seed: scene i depends on the seed, the split and i alone.
        split: "train" or "validation".
    """
    samples: list[Sample] = []
    begun = time.monotonic()
    for index in range(scenes):
        rng = np.random.default_rng([seed, SPLITS[split], index])
        family = task if rng.random() < OWN_FAMILY else OTHER[task]
        shutter = float(rng.uniform(*SHUTTER_SECONDS)) / STEP_SECONDS
        spec = random_scene(
            rng, frames=FRAMES_PER_SCENE, mean_step=STEP_SECONDS, family=family, warped=False
        )
        samples += [to_sample(one) for one in render_scene(replace(spec, shutter=shutter), rng)]
        if (index + 1) % 100 == 0 or index + 1 == scenes:
            passed = time.monotonic() - begun
            print(
                f"train: {split} scene {index + 1}/{scenes} rendered, "
                f"{passed / (index + 1) * (scenes - index - 1):.0f} s left",
                file=sys.stderr,
                flush=True,
            )
    return samples
