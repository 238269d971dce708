"""Overlap of VOT regions: both toolkits' recorded pairs, and hostile regions."""

import json

import numpy as np
import pytest

from tirjax.evaluation.regions import overlaps, polygons, row_spans

RECORDED = {"vot": "bounded_96x72", "legacy": "pysot_c_bounded"}
SIZE = 72, 96


def region(*numbers):
    return np.array([[*numbers, *[np.nan] * (8 - len(numbers))]], float)


def convex(numbers):
    corners = polygons(region(*numbers))[0]
    edge = np.roll(corners, -1, 0) - corners
    turn = np.cross(
        np.pad(edge, ((0, 0), (0, 1))), np.pad(np.roll(edge, -1, 0), ((0, 0), (0, 1)))
    )[:, 2]
    return (turn >= 0).all() or (turn <= 0).all()


@pytest.mark.parametrize("raster", RECORDED)
def test_every_recorded_pair_of_convex_regions(shared, raster):
    cases = json.loads((shared / "goldens/eval/vot_region_overlaps.json").read_text())
    cases = [c for c in cases["cases"] if convex(c["a"]) and convex(c["b"])]
    assert len(cases) == 243
    a, b = (np.concatenate([region(*c[k]) for c in cases]) for k in "ab")
    expected = [c[RECORDED[raster]] for c in cases]
    # The recorded values of the C library are single precision.
    np.testing.assert_allclose(
        overlaps(a, b, raster, SIZE), expected, rtol=0, atol=1e-7
    )


def test_a_box_is_one_pixel_wider_under_the_legacy_rule():
    box, half = region(10, 10, 4, 4), region(10, 10, 2, 4)
    assert overlaps(box, half, "vot", SIZE) == 8 / 16
    assert overlaps(box, half, "legacy", SIZE) == 15 / 25


def test_only_pixels_of_the_image_count():
    assert overlaps(region(-5, 10, 10, 4), region(0, 10, 5, 4), "vot", SIZE) == 1
    assert overlaps(region(-50, 10, 10, 4), region(-50, 10, 10, 4), "vot", SIZE) == 0


@pytest.mark.parametrize("raster", RECORDED)
def test_a_missing_region_gives_nan_and_an_absurd_one_no_trouble(raster):
    a = np.concatenate([region(), region(1, 1, 9e99, 9e99), region(5, 5, -3, 2)])
    b = np.concatenate([region(1, 2, 3, 4)] * 3)
    missing, huge, empty = overlaps(a, b, raster, SIZE)
    assert np.isnan(missing)
    assert 0 < huge < 0.01
    assert 0 <= empty < 1


@pytest.mark.parametrize("raster", RECORDED)
def test_spans_hold_the_pixels_that_overlaps_count(rng, raster):
    angle = rng.uniform(0, 7, 20)[:, None] + np.arange(4) * np.pi / 2
    centre = rng.uniform(-5, 80, (20, 1, 2))
    corners = centre + 12 * np.stack([np.cos(angle), np.sin(angle)], -1)
    spans = row_spans(corners.reshape(20, 8), raster, SIZE, 80)
    assert spans.shape == (20, 80, 2)
    assert (spans[:, 72:] == [1, 0]).all()
    columns = np.arange(96)
    inside = (spans[..., :1] <= columns) & (columns <= spans[..., 1:])
    whole = region(-9, -9, 200, 200).repeat(20, 0)
    found = overlaps(corners.reshape(20, 8), whole, raster, SIZE)
    np.testing.assert_allclose(found, inside.sum((1, 2)) / (72 * 96))


def test_corners_of_regions_of_any_kind():
    mixed = np.concatenate([region(1, 2, 3, 4), region(0, 0, 5, 0, 0, 5)])
    found = polygons(mixed)
    assert found[0].tolist() == [[1, 2], [4, 2], [4, 6], [1, 6]]
    assert found[1].tolist() == [[0, 0], [5, 0], [0, 5], [0, 5]]
