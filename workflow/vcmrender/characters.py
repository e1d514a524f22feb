"""The kinds of scene: what stands where, who moves how, in which light.

Nine railway scenes mirror those of OSDaR23 that the paper uses; six closer ones, with fewer and
larger objects, serve the segmentation set; ten from elsewhere are for training on unlabelled clips,
so that what learned from them meets every test scene for the first time. All are drawn from
plausibility alone: no choice here knows how any sampler fares on it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vcmflow.core.errors import VcmflowError
from vcmrender import elsewhere, railway, street
from vcmrender.scene import SceneSpec, World
from vcmrender.textures import TexturePool

Builder = Callable[[TexturePool, np.random.Generator, tuple[int, int]], World]

CHARACTERS: dict[str, Builder] = {
    "1_calibration": railway.calibration,
    "3_fire_site": railway.fire_site,
    "4_station_pedestrian_bridge": railway.pedestrian_bridge,
    "5_station_bergedorf": railway.bergedorf,
    "7_approach_underground_station": railway.underground_station,
    "8_station_altona": railway.altona,
    "9_station_ruebenkamp": railway.ruebenkamp,
    "10_station_suelldorf": railway.suelldorf,
    "13_station_ohlsdorf": railway.ohlsdorf,
    "street_crossing": street.crossing,
    "street_cycle_path": street.cycle_path,
    "street_forecourt": street.forecourt,
    "street_platform": street.platform,
    "street_yard": street.yard,
    "street_bridge": street.bridge,
    "motorway": elsewhere.motorway,
    "park": elsewhere.park,
    "car_park": elsewhere.car_park,
    "market_hall": elsewhere.market_hall,
    "shopping_street": elsewhere.shopping_street,
    "country_lane": elsewhere.country_lane,
    "beach": elsewhere.beach,
    "building_site": elsewhere.building_site,
    "night_square": elsewhere.night_square,
    "winter_village": elsewhere.winter_village,
}


def build(spec: SceneSpec, rng: np.random.Generator) -> World:
    """Set up the world of a scene.

    Raises:
        VcmflowError: no such character; the message lists those that exist.
    """
    if spec.character not in CHARACTERS:
        allowed = ", ".join(CHARACTERS)
        raise VcmflowError(f"unknown scene {spec.character!r}; allowed: {allowed}")
    pool = TexturePool(rng, spec.half)
    return CHARACTERS[spec.character](pool, rng, (spec.width, spec.height))
