"""The synthetic world: exact truth, one compilation, and challenges that are there."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.data import synthetic
from tirjax.data.sequence import DataError
from tirjax.data.synthetic import Settings, clips, kinds, plan
from tirjax.data.synthetic.rigs import normalised, posed
from tirjax.data.synthetic.shapes import extent

SMALL = Settings(frames=8, rows=64, cols=80, objects=4, radiometric=True)
TIMES = jnp.arange(SMALL.frames)

draw = jax.jit(synthetic.sample_scene)
film = jax.jit(synthetic.render_frames)
compose = jax.jit(clips.compose)


def small(preset: str, *challenges: str) -> Settings:
    """A preset at the size of these tests, with challenges forced."""
    shapes = {"frames": 8, "rows": 64, "cols": 80, "objects": 4, "radiometric": True}
    return synthetic.force(synthetic.preset(preset, **shapes), *challenges)


def clip(seed: int, settings: Settings = SMALL) -> synthetic.Clip:
    """All frames of one clip, on the host."""
    scene = draw(jax.random.key(seed), settings)
    return jax.tree.map(np.asarray, film(scene, TIMES, settings))


def test_same_key_gives_the_same_clip():
    jax.tree.map(np.testing.assert_array_equal, clip(0), clip(0))


def test_different_keys_give_different_clips():
    assert (clip(0).tir != clip(1).tir).mean() > 0.5
    assert not np.allclose(clip(0).boxes, clip(1).boxes)


def test_frames_have_the_documented_shapes_and_types():
    got = clip(0)
    assert (got.rgb.shape, got.rgb.dtype) == ((8, 64, 80, 3), np.uint8)
    assert (got.tir.shape, got.tir.dtype) == ((8, 64, 80, 1), np.uint8)
    assert got.counts is not None
    assert (got.counts.shape, got.counts.dtype) == ((8, 64, 80, 1), np.uint16)
    assert got.counts.max() < 2**14 and got.counts.std() > 10
    assert (got.boxes.shape, got.visible.shape) == ((8, 4), (8,))


def test_frames_at_any_times_are_those_of_the_whole_clip():
    whole = clip(3)
    scene = draw(jax.random.key(3), SMALL)
    some = jnp.array([6, 1, 6, 0, 7, 3, 2, 2])
    got = jax.tree.map(np.asarray, film(scene, some, SMALL))
    for name in ("tir", "rgb"):
        apart = getattr(got, name).astype(int) - getattr(whole, name)[np.asarray(some)]
        assert np.abs(apart).max() == 0
    np.testing.assert_array_equal(got.boxes, whole.boxes[np.asarray(some)])


def test_batched_scenes_equal_single_ones():
    keys = jax.random.split(jax.random.key(5), 2)
    scenes = [draw(key, SMALL) for key in keys]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *scenes)
    many = jax.jit(jax.vmap(synthetic.render_frames, (0, None, None)))
    batch = jax.tree.map(np.asarray, many(stacked, TIMES, SMALL))
    for i, scene in enumerate(scenes):
        alone = jax.tree.map(np.asarray, film(scene, TIMES, SMALL))
        apart = batch.tir[i].astype(int) - alone.tir
        assert np.abs(apart).max() <= 1
        np.testing.assert_allclose(batch.boxes[i], alone.boxes, atol=1e-3)
        np.testing.assert_allclose(batch.visible[i], alone.visible, atol=1e-3)


def test_without_jit_a_frame_is_the_same():
    scene = draw(jax.random.key(2), SMALL)
    eager = synthetic.render_frames(scene, jnp.array([4]), SMALL)
    apart = np.asarray(eager.tir[0], int) - clip(2).tir[4]
    assert np.abs(apart).max() <= 1


@pytest.mark.parametrize("seed", range(6))
def test_box_is_tight_around_the_target_drawn_alone(seed):
    """The silhouette at one half, on the pixel grid, is at most a pixel off."""
    settings = small("easy")
    scene = draw(jax.random.key(seed), settings)
    scene = scene._replace(count=jnp.int32(1), order=jnp.arange(4))
    shot = compose(scene, settings, jnp.float32(3.0))
    mask = np.asarray(shot.canvas[4]) > 0.5
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    low = np.array([cols[0], rows[0]])
    high = np.array([cols[-1] + 1, rows[-1] + 1])
    box = np.asarray(shot.box)
    np.testing.assert_allclose(box[:2], low, atol=1.0)
    np.testing.assert_allclose(box[:2] + box[2:], high, atol=1.0)


def test_extent_is_that_of_densely_sampled_outlines(rng):
    """Oracle: points of the superellipse, mapped and searched."""
    axes = rng.normal(size=(2, 2, 2)) * 10
    centre = rng.normal(size=(2, 2)) * 5
    angle = np.linspace(0, 2 * np.pi, 20001)
    points = []
    for i, power in enumerate((2, 8)):
        unit = np.stack([np.cos(angle), np.sin(angle)])
        unit = unit / (np.abs(unit) ** power).sum(0) ** (1 / power)
        points.append(centre[i] + (axes[i] @ unit).T)
    low, high = np.concatenate(points).min(0), np.concatenate(points).max(0)
    got = extent(
        jnp.asarray(centre, jnp.float32),
        jnp.asarray(axes, jnp.float32),
        jnp.array([False, True]),
        jnp.ones(2),
    )
    np.testing.assert_allclose(got, [*low, *(high - low)], atol=2e-3)


def test_every_kind_fits_a_box_of_unit_area():
    @jax.jit
    @jax.vmap
    def measured(rig):
        rig, shape = normalised(rig)
        stride = jnp.float32(0.7)
        return shape, extent(*posed(rig, stride, stride), rig.boxy, rig.solid)

    shape, box = measured(jax.tree.map(jnp.asarray, kinds.RIGS))
    assert len(shape) == len(kinds.KINDS)
    np.testing.assert_allclose(box, np.concatenate([-shape / 2, shape], 1), atol=1e-5)
    np.testing.assert_allclose(shape.prod(1), 1.0, rtol=1e-5)


def test_visible_is_a_share_and_whole_at_the_start():
    for seed in range(8):
        visible = clip(seed, small("mixed")).visible
        assert (visible >= 0).all() and (visible <= 1).all()
        assert visible[0] > 0.8


def test_full_occlusion_hides_the_target():
    """At the highest severity most occluders are wide: some hide nearly all of it."""
    settings = dataclasses.replace(small("easy", "occlusion"), severity=1.0)
    lowest = [clip(seed, settings).visible.min() for seed in range(6)]
    assert min(lowest) < 0.05
    free = [clip(seed, small("easy")).visible.min() for seed in range(6)]
    assert min(free) > 0.9


@pytest.mark.parametrize("challenge", synthetic.CHALLENGES)
def test_a_forced_challenge_is_measured(challenge):
    """In most clips, and more often than in easy ones.

    Eight tiny frames are not a clip of 120: crossover and clutter depend on what
    happens to be around the target, so a majority is asked for, not all.
    """
    settings = dataclasses.replace(small("easy", challenge), severity=0.5)
    name, seeds = challenge.replace("_", " "), range(6)
    forced = [name in synthetic.attributes(clip(s, settings)) for s in seeds]
    calm = [name in synthetic.attributes(clip(s, small("easy"))) for s in seeds]
    assert sum(forced) >= 4
    assert sum(forced) > sum(calm)


def test_rates_are_data_and_compile_nothing():
    before = draw._cache_size()
    draw(jax.random.key(0), small("easy"))
    draw(jax.random.key(0), small("hard", "low resolution"))
    assert draw._cache_size() == max(before, 1)


def test_motion_and_size_resemble_the_benchmark():
    """Medians over clips: size 0.134 and motion 0.022 sizes a frame in LSOTB-TIR."""
    settings = synthetic.preset("mixed")
    challenges = jax.vmap(lambda k: synthetic.settings.draw_challenges(k, settings))
    shape, speed = jnp.array([0.7, 1.0 / 0.7]), jnp.float32(1.0)
    motion = jax.jit(
        jax.vmap(
            lambda k, on: plan.draw_motion(
                k, on, settings, shape, speed, jnp.bool_(True)
            )
        )
    )
    keys = jax.random.split(jax.random.key(0), 400)
    path = motion(keys, challenges(keys)).path
    size = np.asarray(path.size) / plan.span(settings)
    assert 0.09 < np.median(size) < 0.16
    assert 0.015 < np.quantile(size, 0.05) < 0.06
    assert 0.2 < np.quantile(size, 0.95) < 0.4
    pace = np.linalg.norm(np.asarray(path.rate * path.reach), axis=1)
    pace = pace / np.asarray(path.size)
    assert 0.008 < np.median(pace) < 0.03
    assert 0.04 < np.quantile(pace, 0.95) < 0.15


def test_typical_heat_is_told_by_the_kind():
    usual = dataclasses.replace(SMALL, typical=1.0)
    any_heat, told = (
        [draw(jax.random.key(seed), settings).look for seed in range(12)]
        for settings in (SMALL, usual)
    )
    assert len({float(look.warmth[0]) for look in any_heat}) == 12
    for look in told:
        np.testing.assert_allclose(look.warmth, 11.25, rtol=1e-6)
        np.testing.assert_array_equal(look.tuning, 1.0)
    for one, other in zip(any_heat, told, strict=True):
        np.testing.assert_array_equal(one.palette, other.palette)


def test_target_starts_whole_and_inside():
    for seed in range(10):
        got = clip(seed, small("hard"))
        x, y, w, h = got.boxes[0]
        assert x > -1 and y > -1 and x + w < 81 and y + h < 65


def test_dataset_item_depends_on_its_index_alone():
    data = synthetic.Synthetic(SMALL, count=3, seed=7)
    again = synthetic.Synthetic(SMALL, count=50, seed=7)
    assert len(data) == 3
    assert data[1].name == "synthetic_custom_0001"
    np.testing.assert_array_equal(data[1].frames[2], again[1].frames[2])
    np.testing.assert_array_equal(data[-1].frames[2], data[2].frames[2])
    assert (data[0].frames[0] != data[1].frames[0]).any()
    with pytest.raises(IndexError):
        data[3]


def test_sequence_boxes_are_cut_at_the_border_and_absent_outside():
    settings = dataclasses.replace(small("easy", "out_of_view"), severity=1.0)
    seen = [synthetic.sequence(seed, settings) for seed in range(6)]
    boxes = np.concatenate([s.boxes for s in seen])
    visible = np.concatenate([s.visible for s in seen])
    known = ~np.isnan(boxes).any(1)
    assert boxes.dtype == np.float64 and visible.dtype == bool
    assert (~known).any() and not visible[~known].any()
    low, high = boxes[known, :2], boxes[known, :2] + boxes[known, 2:]
    assert (low >= 0).all() and (high <= [80, 64]).all()
    assert all("out of view" in s.attributes for s in seen if not s.visible.all())


def test_modalities_differ_in_pixels_and_agree_in_boxes():
    tir = synthetic.sequence(4, SMALL, name="a")
    rgb = synthetic.sequence(4, SMALL, modality="rgb")
    assert (tir.name, tir.modality, rgb.modality) == ("a", "tir", "rgb")
    assert (tir.frames[0].shape, rgb.frames[0].shape) == ((64, 80, 1), (64, 80, 3))
    np.testing.assert_array_equal(tir.boxes, rgb.boxes)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: synthetic.preset("soft"), "soft"),
        (lambda: synthetic.force(SMALL, "rain"), "rain"),
        (lambda: synthetic.sequence(0, SMALL, modality="sonar"), "sonar"),
        (lambda: synthetic.Synthetic("soft", 1)[0], "soft"),
    ],
)
def test_wrong_names_are_refused_with_the_right_ones(call, word):
    with pytest.raises(DataError, match=word) as caught:
        call()
    assert "use" in str(caught.value) and "\n" not in str(caught.value)


def test_contact_sheet_has_two_rows_a_clip():
    sheet = synthetic.contact_sheet(
        clip(0), clip(1), frames=3, shrink=1, names=["a", "b"]
    )
    assert (sheet.shape, sheet.dtype) == ((4 * 64, 3 * 80, 3), np.uint8)
    assert (sheet == np.array([0, 255, 0])).all(-1).any()
