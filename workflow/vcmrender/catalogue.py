"""The test sequences of the mini data, as plain data (no drawing library is imported here).

The detection set mirrors the OSDaR23 sequences that the paper scores, one camera and ten frames
each; the segmentation set stands in for DAVIS 2017, that of actions for UCF101.
"""

from __future__ import annotations

from dataclasses import dataclass

CAMERA = "rgb_center"
CATEGORIES: dict[str, int] = {"person": 1, "bicycle": 2, "car": 3}

# Scenes in which something changes at random from frame to frame, whatever their clock does.
FLICKERING = frozenset({"3_fire_site"})


@dataclass(frozen=True)
class TestSequence:
    """One sequence of a mini test set.

    Attributes:
        name: folder name of the sequence.
        scene: the scene's character, a key of ``characters.CHARACTERS``.
        frames: number of frames.
        fps: frames per second.
        first_frame: id of the first frame in the annotation file (detection only).
    """

    __test__ = False  # not a test case, whatever pytest thinks of the name

    name: str
    scene: str
    frames: int
    fps: float
    first_frame: int = 0


DETECTION_TEST: tuple[TestSequence, ...] = (
    TestSequence("1_calibration_1.1", "1_calibration", 10, 10.0, 12),
    TestSequence("3_fire_site_3.2", "3_fire_site", 10, 10.0, 30),
    TestSequence("4_station_pedestrian_bridge_4.1", "4_station_pedestrian_bridge", 10, 10.0, 8),
    TestSequence("4_station_pedestrian_bridge_4.4", "4_station_pedestrian_bridge", 10, 10.0, 101),
    TestSequence("5_station_bergedorf_5.2", "5_station_bergedorf", 10, 10.0, 20),
    TestSequence(
        "7_approach_underground_station_7.1", "7_approach_underground_station", 10, 10.0, 5
    ),
    TestSequence(
        "7_approach_underground_station_7.3", "7_approach_underground_station", 10, 10.0, 64
    ),
    TestSequence("8_station_altona_8.3", "8_station_altona", 10, 10.0, 41),
    TestSequence("9_station_ruebenkamp_9.2", "9_station_ruebenkamp", 10, 10.0, 17),
    TestSequence("9_station_ruebenkamp_9.6", "9_station_ruebenkamp", 10, 10.0, 72),
    TestSequence("10_station_suelldorf_10.1", "10_station_suelldorf", 10, 10.0, 3),
    TestSequence("13_station_ohlsdorf_13.1", "13_station_ohlsdorf", 10, 10.0, 25),
)

SEGMENTATION_TEST: tuple[TestSequence, ...] = (
    TestSequence("bridge-crossing", "street_bridge", 24, 24.0),
    TestSequence("cars-crossing", "street_crossing", 26, 24.0),
    TestSequence("cycle-path", "street_cycle_path", 28, 24.0),
    TestSequence("forecourt", "street_forecourt", 24, 24.0),
    TestSequence("platform-walk", "street_platform", 30, 24.0),
    TestSequence("yard-crew", "street_yard", 24, 24.0),
)

TEST_SETS: dict[str, tuple[TestSequence, ...]] = {
    "detection": DETECTION_TEST,
    "segmentation": SEGMENTATION_TEST,
}

# Classes of clips (``actions``).
MOTIONS = (
    *("approach", "clockwise", "counterclockwise", "down", "left"),
    *("recede", "right", "stop_and_go", "up", "zigzag"),
)
# <class>/<video>
ACTION_TEST: tuple[TestSequence, ...] = tuple(
    TestSequence(f"{motion}/{number}.mp4", motion, 24, 24.0)
    for motion in MOTIONS
    for number in range(1, 11)
)


def scenes() -> tuple[str, ...]:
    """The nine detection scenes, in the order of the tables."""
    return tuple(dict.fromkeys(sequence.scene for sequence in DETECTION_TEST))
