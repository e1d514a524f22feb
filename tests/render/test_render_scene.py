"""Rendered scenes: ground truth that fits the pictures, known motion, natural statistics."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcmflow.core.errors import VcmflowError
from vcmrender import warp
from vcmrender.camera import Camera, CameraPath
from vcmrender.car import Car
from vcmrender.catalogue import (
    CATEGORIES,
    DETECTION_TEST,
    SEGMENTATION_TEST,
    TEST_SETS,
    TestSequence,
)
from vcmrender.characters import CHARACTERS, build
from vcmrender.draw import FAMILIES, random_scene, render_scene
from vcmrender.lighting import Light, Sensor
from vcmrender.person import Person
from vcmrender.scene import (
    MIN_PIXELS,
    MIN_VISIBLE,
    RenderedFrame,
    SceneSpec,
    World,
    render_world,
)
from vcmrender.scenery import Panorama, ground, post
from vcmrender.seeds import stream
from vcmrender.sprite import Actor, Sprite
from vcmrender.surface import Haze, Surface
from vcmrender.textures import Half, TexturePool

ALL = (*DETECTION_TEST, *SEGMENTATION_TEST)
CLEAR = Light((0.3, 0.8, -0.52), 0.5, 0.4, Haze((0.8, 0.8, 0.8), 1e5), noise=0.0, softness=0.0)


@cache
def shown(item: TestSequence) -> tuple[RenderedFrame, ...]:
    """Two frames of a test sequence, 0.6 s apart."""
    rng = stream(7, "detection", "test", item.name)
    return tuple(render_scene(SceneSpec(item.scene, 416, 240, (0.0, 0.6), "left"), rng))


def stand_in(*things: Actor | Surface, width: int = 160, height: int = 96) -> World:
    """An empty plain with a camera that rests 2 m above it."""
    rng = np.random.default_rng(3)
    pool = TexturePool(rng, "right")
    camera = Camera(width, height, 1.2 * width, (0.0, 2.0, 0.0))
    sky = Panorama(pool, camera, (0.5, 0.6, 0.8), (0.8, 0.8, 0.8))
    surfaces = [ground(pool, (0.4, 0.4, 0.4))]
    surfaces += [thing for thing in things if isinstance(thing, Surface)]
    actors = [thing for thing in things if not isinstance(thing, Surface)]
    return World(CameraPath(camera), CLEAR, sky, surfaces, actors)


def pool(seed: int = 5) -> TexturePool:
    return TexturePool(np.random.default_rng(seed), "right")


def film(world: World, times: tuple[float, ...], shutter: float = 0.0) -> list[RenderedFrame]:
    start = world.camera.start
    spec = SceneSpec("", start.width, start.height, times, shutter=shutter)
    return list(render_world(world, spec, np.random.default_rng(0)))


# -- the test sets -----------------------------------------------------------------------------


def test_catalogue_is_the_list_of_the_specification() -> None:
    names = [item.name for item in DETECTION_TEST]
    parts = ["1.1", "3.2", "4.1", "4.4", "5.2", "7.1", "7.3", "8.3", "9.2", "9.6", "10.1", "13.1"]
    assert [name.rpartition("_")[2] for name in names] == parts
    assert all(
        item.name == f"{item.scene}_{item.name.rpartition('_')[2]}" for item in DETECTION_TEST
    )
    assert len({item.scene for item in DETECTION_TEST}) == 9
    assert all(item.frames == 10 and item.fps == 10.0 for item in DETECTION_TEST)
    assert len(SEGMENTATION_TEST) >= 6
    assert all(24 <= item.frames <= 30 for item in SEGMENTATION_TEST)
    assert {item.scene for item in ALL} == {*FAMILIES["detection"], *FAMILIES["segmentation"]}


def test_no_test_sequence_has_a_kind_that_clips_are_made_of() -> None:
    assert not {item.scene for item in ALL} & {*FAMILIES["videos"]}
    assert {name for family in FAMILIES.values() for name in family} == set(CHARACTERS)
    assert len(FAMILIES["videos"]) == 10


@pytest.mark.parametrize("kind", sorted(TEST_SETS))
def test_every_class_occurs_often_in_every_test_set(kind: str) -> None:
    counts = dict.fromkeys(CATEGORIES, 0)
    for item in TEST_SETS[kind]:
        for name in {thing.category for frame in shown(item) for thing in frame.objects}:
            counts[name] += 1
    assert min(counts.values()) >= len(TEST_SETS[kind]) / 2, counts


@pytest.mark.parametrize("item", ALL, ids=lambda item: item.name)
def test_a_sequence_shows_at_least_two_classes_large_enough_to_be_seen(item: TestSequence) -> None:
    large = {
        thing.category
        for frame in shown(item)
        for thing in frame.objects
        if min(thing.bbox[2:]) >= 10
    }
    assert len(large) >= 2


@pytest.mark.parametrize("item", SEGMENTATION_TEST, ids=lambda item: item.name)
def test_segmentation_has_two_to_four_objects(item: TestSequence) -> None:
    assert all(2 <= len(frame.objects) <= 4 for frame in shown(item))


@pytest.mark.parametrize("item", ALL, ids=lambda item: item.name)
def test_masks_and_boxes_agree(item: TestSequence) -> None:
    categories: dict[int, str] = {}
    for frame in shown(item):
        assert frame.picture.dtype == np.uint8
        taken = np.zeros(frame.picture.shape[:2], bool)
        ids = [thing.object_id for thing in frame.objects]
        assert ids == sorted(set(ids))
        for thing in frame.objects:
            rows, columns = np.nonzero(thing.mask)
            x, y, w, h = thing.bbox
            assert (x, y) == (columns.min(), rows.min())
            assert (x + w - 1, y + h - 1) == (columns.max(), rows.max())
            assert len(rows) >= MIN_PIXELS
            assert 0.0 <= thing.occlusion <= 1.0 - MIN_VISIBLE
            assert not (taken & thing.mask).any(), "two objects own one pixel"
            taken |= thing.mask
            assert categories.setdefault(thing.object_id, thing.category) == thing.category


@pytest.mark.parametrize("scene", ["1_calibration", "10_station_suelldorf", "street_yard"])
def test_masks_are_where_the_objects_are_painted(scene: str) -> None:
    """Against the same scene without its objects, what changed is the masks (and shadows)."""
    spec = SceneSpec(scene, 416, 240, (0.0,))
    world = build(spec, np.random.default_rng(11))
    quiet = replace(world, light=replace(world.light, noise=0.0, softness=0.0))
    full = next(render_world(quiet, spec, np.random.default_rng(0)))
    bare = next(render_world(replace(quiet, actors=()), spec, np.random.default_rng(0)))
    change = np.abs(full.picture.astype(int) - bare.picture).max(axis=2)
    masks = np.zeros(change.shape, bool)
    for thing in full.objects:
        # The discs of a bicycle's wheels count as bicycle, yet most of them is air.
        if thing.category != "bicycle":
            assert (change[thing.mask] > 2).mean() > 0.93, thing.category
        masks |= thing.mask
    near = cv2.dilate(masks.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    brighter = (full.picture.astype(int) - bare.picture).max(axis=2) > 12
    # Shadows only darken: what got brighter away from all masks is an object that nobody annotated
    # (too small or too hidden), and there is little of that.
    assert (brighter & ~near).mean() < 0.004


def test_pictures_have_the_statistics_of_photographs() -> None:
    """Power falls about as 1/f^2.5, gradients are sparse: as in the DAVIS videos (2.5, 18)."""
    slopes, tails = [], []
    window = np.hanning(240)[:, None] * np.hanning(416)[None, :]
    radius = np.hypot(np.fft.fftfreq(240)[:, None], np.fft.fftfreq(416)[None, :])
    edges = np.geomspace(0.015, 0.45, 13)
    for item in ALL:
        grey = shown(item)[0].picture.mean(axis=2)
        power = np.abs(np.fft.fft2((grey - grey.mean()) * window)) ** 2
        bands = [power[(radius >= low) & (radius < high)].mean() for low, high in pairwise(edges)]
        centres = np.log(np.sqrt(edges[1:] * edges[:-1]))
        slopes.append(np.polyfit(centres, np.log(bands), 1)[0])
        steps = np.diff(grey, axis=1)
        tails.append(((steps - steps.mean()) ** 4).mean() / steps.var() ** 2)
    assert -2.9 < np.mean(slopes) < -2.1
    assert np.median(tails) > 8


# -- determinism and randomness ----------------------------------------------------------------


def test_same_seed_same_scene_and_another_seed_another() -> None:
    def take(seed: int) -> RenderedFrame:
        spec = SceneSpec("9_station_ruebenkamp", 128, 80, (0.0,))
        return render_scene(spec, np.random.default_rng(seed))[0]

    first, again, other = take(1), take(1), take(2)
    assert np.array_equal(first.picture, again.picture)
    assert [thing.bbox for thing in first.objects] == [thing.bbox for thing in again.objects]
    assert not np.array_equal(first.picture, other.picture)


def test_streams_of_sets_and_sequences_differ() -> None:
    keys = [
        (seed, kind, split, name)
        for seed in (1, 2)
        for kind in ("detection", "segmentation")
        for split in ("test", "train")
        for name in ("a", "b")
    ]
    assert len({stream(*key).bytes(8) for key in keys}) == len(keys)
    assert stream(*keys[0]).bytes(8) == stream(*keys[0]).bytes(8)


@pytest.mark.parametrize("half", ["left", "right"])
def test_test_and_training_textures_share_no_pixel(
    half: Half, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a photograph that is dark left and bright right, each pool sees only its own half."""
    noise = np.random.default_rng(0).uniform(-0.05, 0.05, (427, 640, 3)).astype(np.float32)
    marked = noise + np.where(np.arange(640) < 320, 0.2, 0.8)[None, :, None].astype(np.float32)
    monkeypatch.setattr("vcmrender.textures.photograph", lambda _: marked)
    textures = TexturePool(np.random.default_rng(1), half)
    cuts = [textures.crop(40, 60) for _ in range(60)] + [textures.crop(400, 500)]
    values = np.concatenate([cut.ravel() for cut in cuts])
    assert (values < 0.5).all() if half == "left" else (values > 0.5).all()
    # Foliage is recoloured, its contrast normalised: a seam between the halves would show as one.
    seen: list[float] = []
    real = np.ndarray.mean

    def spy(picture: np.ndarray, axis: int) -> np.ndarray:
        seen.extend((float(picture.min()), float(picture.max())))
        return real(picture, axis=axis)

    class Spied(np.ndarray):
        def mean(self, axis: int | None = None, **_: object) -> np.ndarray:  # type: ignore[override]
            return spy(np.asarray(self), axis) if axis == 2 else real(np.asarray(self), axis=axis)

    monkeypatch.setattr("vcmrender.textures.photograph", lambda _: marked.view(Spied))
    for _ in range(8):
        textures.leaves(32, 32, (0.3, 0.4, 0.2))
    assert seen
    assert max(seen) < 0.5 if half == "left" else min(seen) > 0.5


def test_random_scenes_cover_their_family() -> None:
    rng = np.random.default_rng(0)
    for family, names in FAMILIES.items():
        drawn = [random_scene(rng, frames=8, family=family) for _ in range(120)]
        assert {spec.character for spec in drawn} == set(names)
        assert {spec.half for spec in drawn} == {"right"}
        assert len({spec.times for spec in drawn}) > 100
    even = random_scene(rng, frames=5, mean_step=0.2, warped=False)
    assert np.allclose(warp.content_speed(even.times), 0.2)


# -- time --------------------------------------------------------------------------------------


@given(st.integers(0, 2**32), st.integers(10, 60), st.floats(0.01, 0.5))
@settings(max_examples=60, deadline=None)
def test_warps_rest_and_burst(seed: int, frames: int, step: float) -> None:
    times = warp.rests_and_bursts(np.random.default_rng(seed), frames, step)
    speeds = warp.content_speed(times)
    assert len(times) == frames
    assert min(speeds) > 0
    assert times[-1] - times[0] == pytest.approx(step * (frames - 1))
    assert max(speeds) > 2 * min(speeds)


def test_a_warp_cannot_run_backwards() -> None:
    with pytest.raises(VcmflowError, match="backwards"):
        warp.from_speeds([0.1, -0.1])
    with pytest.raises(VcmflowError, match="decrease"):
        SceneSpec("1_calibration", 64, 64, (0.0, 0.2, 0.1))


def test_content_moves_as_the_warp_says() -> None:
    """A car at constant speed moves in the picture in proportion to the warp's slope."""
    speeds = [0.0, 0.02, 0.05, 0.2, 0.3, 0.02, 0.1]
    car = Car(pool(), np.random.default_rng(1), CLEAR, (0.0, 0.0, 12.0), (4.0, 0.0, 0.0))
    frames = film(stand_in(car, width=416, height=240), warp.from_speeds(speeds))
    centres = [float(np.flatnonzero(frame.objects[0].mask.any(axis=0)).mean()) for frame in frames]
    # What the mask shows is the near flank, half the car's width before its middle.
    expected = 1.2 * 416 * 4.0 / (12.0 - 0.9) * np.array(speeds)
    assert np.allclose(np.diff(centres), expected, atol=1.5)


def test_at_rest_only_the_sensor_changes_and_bursts_change_most() -> None:
    times = warp.from_speeds([0.0, 0.05, 0.0, 0.4])
    spec = SceneSpec("13_station_ohlsdorf", 160, 96, times, shutter=0.0)
    world = build(spec, np.random.default_rng(2))
    world = replace(world, light=replace(world.light, noise=0.0))
    frames = [f.picture.astype(int) for f in render_world(world, spec, np.random.default_rng(0))]
    change = [float(np.abs(b - a).mean()) for a, b in pairwise(frames)]
    assert change[0] == change[2] == 0.0
    assert change[3] > change[1] > 0.0


def test_fire_flickers_when_the_clock_stands_still() -> None:
    spec = SceneSpec("3_fire_site", 160, 96, (0.0, 0.0, 0.0))
    frames = [f.picture.astype(int) for f in render_scene(spec, np.random.default_rng(4))]
    calm = SceneSpec("1_calibration", 160, 96, (0.0, 0.0, 0.0))
    still = [f.picture.astype(int) for f in render_scene(calm, np.random.default_rng(4))]
    flicker = min(np.abs(b - a).mean() for a, b in pairwise(frames))
    noise = max(np.abs(b - a).mean() for a, b in pairwise(still))
    assert flicker > 1.5 * noise


def test_an_open_shutter_smears_what_moves() -> None:
    def sharpness(shutter: float) -> float:
        car = Car(pool(), np.random.default_rng(1), CLEAR, (0.0, 0.0, 10.0), (8.0, 0.0, 0.0))
        frame = film(stand_in(car), (0.0, 0.2), shutter)[0]
        x, y, w, h = frame.objects[0].bbox
        return float(
            np.abs(np.diff(frame.picture[y : y + h, x : x + w].astype(int), axis=1)).mean()
        )

    assert sharpness(0.5) < 0.8 * sharpness(0.0)


# -- geometry ----------------------------------------------------------------------------------


def test_camera_projects_as_a_pinhole() -> None:
    camera = Camera(100, 80, 120.0, (1.0, 2.0, 3.0), yaw=0.3, pitch=0.1)
    forward = np.array(
        [math.sin(0.3) * math.cos(0.1), -math.sin(0.1), math.cos(0.3) * math.cos(0.1)]
    )
    ahead = np.array([1.0, 2.0, 3.0]) + 7.0 * forward
    assert np.allclose(camera.project(ahead[None])[0], [49.5, 39.5, 7.0])
    straight = Camera(100, 80, 120.0, (0.0, 2.0, 0.0))
    assert np.allclose(straight.project(np.array([[1.0, 2.5, 4.0]]))[0], [79.5, 24.5, 4.0])


def test_objects_shrink_with_distance() -> None:
    heights = []
    for far in (6.0, 12.0):
        person = Person(pool(), np.random.default_rng(1), CLEAR, (0.0, 0.0, far), heading=math.pi)
        heights.append(film(stand_in(person, width=320, height=240), (0.0,))[0].objects[0].bbox[3])
    assert heights[0] / heights[1] == pytest.approx(2.0, rel=0.1)


def test_a_post_hides_only_what_stands_behind_it() -> None:
    def seen(z: float) -> tuple[int, float]:
        car = Car(pool(), np.random.default_rng(1), CLEAR, (0.0, 0.0, 10.0), heading=math.pi / 2)
        pillar = post(pool(2), 0.0, z, 4.0, 1.0, (0.5, 0.5, 0.5))
        thing = film(stand_in(car, pillar), (0.0,))[0].objects[0]
        return int(thing.mask.sum()), thing.occlusion

    behind, before = seen(14.0), seen(7.0)
    assert behind[1] == 0.0
    assert 0.1 < before[1] < 0.7
    assert before[0] == pytest.approx(behind[0] * (1 - before[1]), abs=1)


def test_the_nearer_of_two_people_is_in_front() -> None:
    people = [
        Person(pool(k), np.random.default_rng(k), CLEAR, (0.0, 0.0, far), heading=math.pi)
        for k, far in ((1, 8.0), (2, 8.6))
    ]
    objects = film(stand_in(*people), (0.0,))[0].objects
    assert objects[0].object_id == 1
    assert objects[0].occlusion == 0.0
    assert all(thing.occlusion > 0.3 for thing in objects[1:])


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.0])
def test_painting_is_antialiased(angle: float) -> None:
    """A turned square covers its area (OpenCV adds half a fine pixel) around its true centre."""
    camera = Camera(64, 64, 64.0, (0.0, 0.0, 0.0))
    spin = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    square = np.array([[-5, -5], [5, -5], [5, 5], [-5, 5]]) @ spin.T + [30.3, 31.7]
    low, high = square.min(axis=0), square.max(axis=0)
    sprite = Sprite((float(low[0]), float(low[1])), (float(high[0]), float(high[1])), camera)
    sprite.paint_polygon(square, (1.0, 0.5, 0.0))
    layer = sprite.finish(0, CLEAR.haze, 10.0)
    assert float(layer.pixels[:, :, 3].sum()) == pytest.approx(100.0, rel=0.08)
    weights = layer.pixels[:, :, 3]
    columns = layer.x + np.arange(weights.shape[1])
    assert float((weights.sum(axis=0) * columns).sum() / weights.sum()) == pytest.approx(
        30.3, abs=0.1
    )


def test_sensor_noise_is_as_strong_as_asked() -> None:
    light = replace(CLEAR, noise=3.0, vignette=0.0)
    sensor = Sensor(light, np.random.default_rng(0), 128, 96)
    grey = np.full((96, 128, 3), 128, np.uint8)
    frames = np.stack([sensor.expose(grey) for _ in range(4)]).astype(float)
    assert frames.mean() == pytest.approx(128, abs=0.5)
    assert frames.std() == pytest.approx(3.0, rel=0.1)
    assert not np.array_equal(frames[0], frames[1])


@pytest.mark.parametrize("size", [(64, 64), (97, 65)])
def test_small_and_odd_sizes_and_long_times(size: tuple[int, int]) -> None:
    spec = SceneSpec("9_station_ruebenkamp", *size, (0.0, 0.0, 9.0, 30.0))
    for frame in render_scene(spec, np.random.default_rng(0)):
        assert frame.picture.shape == (size[1], size[0], 3)


def test_bad_scenes_are_refused() -> None:
    with pytest.raises(VcmflowError, match="allowed: 1_calibration"):
        render_scene(SceneSpec("moon", 64, 64, (0.0,)), np.random.default_rng(0))
    with pytest.raises(VcmflowError, match="too small"):
        SceneSpec("1_calibration", 32, 64, (0.0,))
    with pytest.raises(VcmflowError, match="at least one"):
        SceneSpec("1_calibration", 64, 64, ())
