"""Pseudo boxes of unlabelled scenes."""

import functools
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.data.sequence import DataError
from tirjax.data.training.objectness import Windows
from tirjax.data.training.pseudo_boxes import (
    Scene,
    centre_area,
    detected,
    hot_spots,
    random_area,
    reads_detections,
)

KEYS = jax.random.split(jax.random.key(0), 400)
FEW = KEYS[:24]


def scene_of(size=(60, 80), boxes=(), scores=(), canvas=(64, 96)):
    return Scene(
        jnp.zeros((*canvas, 3), jnp.uint8),
        jnp.zeros((*canvas, 1), jnp.uint8),
        jnp.array(size, jnp.int32),
        jnp.array(boxes, jnp.float32).reshape(-1, 4),
        jnp.array(scores, jnp.float32).reshape(-1),
    )


def draws(generator, scene, keys=KEYS):
    """A box for every key, of one compiled program."""
    return np.asarray(jax.jit(jax.vmap(generator, (0, None)))(keys, scene))


def test_the_centre_is_that_of_the_true_image():
    boxes = draws(centre_area(20.0), scene_of())
    assert (boxes == [30, 20, 20, 20]).all() and boxes.dtype == np.float32


def test_cmd_has_100_pixels_in_the_middle_of_kaist():
    """The released code's box, y and x exchanged and moved into the left half."""
    scene = scene_of((512, 640), canvas=(512, 640))
    box = centre_area()(KEYS[0], scene)
    np.testing.assert_array_equal(box, [270, 206, 100, 100])


def test_random_areas_fill_the_image_and_stay_inside():
    boxes = draws(random_area(20.0), scene_of())
    assert (boxes[:, 2:] == 20).all()
    x, y = boxes[:, 0], boxes[:, 1]
    assert x.min() >= 0 and x.max() <= 60 and y.min() >= 0 and y.max() <= 40
    # Uniform: 400 draws, standard errors 0.9 and 0.6.
    assert abs(x.mean() - 30) < 3 and abs(y.mean() - 20) < 2
    assert x.min() < 2 and x.max() > 58 and y.min() < 2 and y.max() > 38


@pytest.mark.parametrize("make", [centre_area, random_area])
def test_a_share_is_of_the_root_of_the_area(make):
    boxes = draws(make(share=1 / 6), scene_of((48, 75)))
    np.testing.assert_allclose(boxes[:, 2:], 60 / 6, rtol=1e-6)


@pytest.mark.parametrize("make", [centre_area, random_area])
def test_a_box_larger_than_the_image_shrinks_to_a_square_that_fits(make):
    boxes = draws(make(100.0), scene_of((40, 70)))
    assert (boxes[:, 2:] == 40).all() and (boxes[:, 1] == 0).all()
    assert (boxes[:, 0] >= 0).all() and (boxes[:, 0] <= 30).all()


BOXES = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [0, 0, 0, 0]]


def test_detections_are_drawn_alike_where_there_are_some():
    boxes = draws(detected(), scene_of(boxes=BOXES, scores=[0.9, 0, 0.1, 0]))
    assert set(boxes[:, 0]) == {1.0, 9.0}
    assert 150 < (boxes[:, 0] == 1).sum() < 250


def test_the_first_detection_skips_empty_slots():
    boxes = draws(detected("first"), scene_of(boxes=BOXES, scores=[0, 0.5, 0.4, 0]))
    assert (boxes == BOXES[1]).all()


@pytest.mark.parametrize("pick", ["random", "first"])
@pytest.mark.parametrize(("boxes", "scores"), [(BOXES, [0, 0, 0, 0]), ((), ())])
def test_without_detections_there_is_another_way(pick, boxes, scores):
    generator = detected(pick, otherwise=centre_area(10.0))
    drawn = draws(generator, scene_of(boxes=boxes, scores=scores))
    assert (drawn == [35, 25, 10, 10]).all()
    assert np.isfinite(
        draws(detected(pick), scene_of(boxes=boxes, scores=scores))
    ).all()


def test_hot_spots_are_drawn_from_what_stands_out():
    warm = [(10, 20, 10, 16), (50, 30, 14, 12)]
    thermal = np.random.default_rng(0).integers(90, 110, (64, 96, 1), dtype=np.uint8)
    for x, y, w, h in warm:
        thermal[y : y + h, x : x + w] += 100
    scene = scene_of()._replace(thermal=jnp.asarray(thermal))
    spots = functools.partial(
        hot_spots, windows=Windows((0.1, 0.2), (0.8, 1.3), grid=24)
    )
    boxes = draws(spots(2), scene, FEW)
    middles = np.unique(boxes[:, :2] + boxes[:, 2:] / 2, axis=0)
    np.testing.assert_allclose(middles, [[15, 28], [57, 36]], atol=3)
    assert len(np.unique(draws(spots(2, "first"), scene, FEW), axis=0)) == 1
    # Nothing stands out of a flat image.
    flat = draws(spots(2, otherwise=centre_area(10.0)), scene_of(), FEW)
    assert (flat == [35, 25, 10, 10]).all()


def test_generators_pickle_and_say_whether_they_need_detections():
    for make in (centre_area, random_area, detected, hot_spots):
        again = pickle.loads(pickle.dumps(make()))
        assert reads_detections(again) == (make is detected)
    assert not reads_detections(lambda key, scene: scene.boxes[0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: centre_area(0.0), "side 0.0"),
        (lambda: random_area(share=-1.0), "share -1.0"),
        (lambda: detected("best"), "'best'"),
        (lambda: hot_spots(pick="last"), "'last'"),
        (lambda: hot_spots(0), "0 hot spots"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make, message):
    with pytest.raises(DataError, match=message):
        make()
