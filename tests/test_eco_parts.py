"""ECO's parts, each against something slow and obvious."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tirjax.trackers.eco import OTB_HC, memory, regularize, scale
from tirjax.trackers.eco.config import ScaleFilter
from tirjax.trackers.eco.layout import layout
from tirjax.trackers.eco.localize import peak
from tirjax.trackers.eco.sample import intensity_channels, patch, whole
from tirjax.typing import Frame

# --- regularisation -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "rows", "cols", "energy"),
    [
        (
            (47.1, 47.1),
            [0.01015502, 0.04063795, 0.12203169],
            [0.01015502, 0.04063795],
            0.02191,
        ),
        ((60.0, 37.0), [0.0, 0.02504212, 0.14897697], [0.01645581, 0.06585218], None),
    ],
)
def test_window_has_the_recorded_coefficients(target, rows, cols, energy):
    cross = regularize.window(OTB_HC, jnp.array(target), 212)
    np.testing.assert_allclose(cross.rows[1:4], rows, atol=2e-7)
    np.testing.assert_allclose(cross.cols[1:3], cols, atol=2e-7)
    if energy:
        np.testing.assert_allclose(cross.energy, energy, rtol=1e-5)


def test_window_is_smallest_in_the_middle_of_the_patch():
    """The coefficients are of a window whose origin is half a period away."""
    cross = regularize.window(OTB_HC, jnp.array([50.0, 50.0]), 212)
    k = np.arange(-3, 4)
    along = lambda t: float((cross.rows * np.cos(k * t)).sum() + cross.cols.sum())
    assert along(np.pi) < along(np.pi / 2) < along(0.0)


@pytest.mark.parametrize("n", [5, 17])
def test_operator_equals_two_full_convolutions(rng, n):
    cross = regularize.window(OTB_HC, jnp.array([60.0, 37.0]), 212)
    r = cross.rows.shape[0] // 2
    kernel = np.zeros((2 * r + 1, 2 * r + 1))
    kernel[:, r] += cross.rows
    kernel[r] += cross.cols
    spectrum = np.fft.fftshift(np.fft.fft2(rng.normal(size=(n, n))))
    wide = np.zeros((n + 4 * r, n + 4 * r), complex)
    wide[2 * r : 2 * r + n, 2 * r : 2 * r + n] = spectrum
    for _ in range(2):
        wide = sum(
            kernel[r + i, r + j] * np.roll(wide, (i, j), (0, 1))
            for i in range(-r, r + 1)
            for j in range(-r, r + 1)
        )
    expected = wide[2 * r : 2 * r + n, 2 * r : 2 * r + n // 2 + 1]
    half = jnp.asarray(spectrum[:, : n // 2 + 1, None], jnp.complex64)
    got = regularize.regularise(regularize.bands(cross, n), half)[..., 0]
    np.testing.assert_allclose(got, expected, atol=1e-5)


# --- memory ---------------------------------------------------------------------------


def _vectors(rng, count):
    draw = lambda *s: rng.normal(size=s) + 1j * rng.normal(size=s)
    return [
        (
            jnp.asarray(draw(5, 3, 2), jnp.complex64),
            jnp.asarray(draw(3, 2, 1), jnp.complex64),
        )
        for _ in range(count)
    ]


def _gram(samples):
    flat = [
        np.concatenate([np.asarray(x[i]).ravel() for x in samples]) for i in range(4)
    ]
    return np.array([[2 * np.vdot(a, b).real for b in flat] for a in flat])


@pytest.mark.parametrize("rate", [0.02, 0.3])
def test_gram_matrix_stays_that_of_the_samples(rng, rate):
    """Through insertions, both merges and (with the high rate) replacements."""
    first, *rest = _vectors(rng, 24)
    state = memory.start(first, 4)
    remember = jax.jit(memory.remember, static_argnums=2)
    for i, x in enumerate(rest):
        near = rest[i - 1] if i % 3 == 1 else x  # near-repeats make new samples merge
        state = remember(
            state, jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, near, x), rate
        )
        np.testing.assert_allclose(state.weights.sum(), 1, rtol=1e-5)
        if i >= 2:
            np.testing.assert_allclose(state.gram, _gram(state.samples), atol=2e-3)


def test_a_repeated_sample_merges_with_itself(rng):
    vectors = _vectors(rng, 4)
    state = memory.start(vectors[0], 4)
    for x in vectors[1:]:
        state = memory.remember(state, x, 0.02)
    again = memory.remember(state, vectors[2], 0.02)
    for old, new in zip(state.samples, again.samples, strict=True):
        np.testing.assert_allclose(new, old, atol=1e-5)
    grown = np.asarray(again.weights - 0.98 * state.weights)
    np.testing.assert_allclose(grown, [0, 0, 0.02, 0], atol=1e-6)


# --- patches --------------------------------------------------------------------------


def _picture(rng, rows=40, cols=52):
    pixels = rng.integers(0, 256, (rows, cols, 1), np.uint8)
    return pixels, Frame(jnp.asarray(pixels), jnp.array([rows, cols], jnp.int32))


@pytest.mark.parametrize(("side", "first"), [(4, -1), (5, -2)])
def test_patch_without_resampling_is_a_slice(rng, side, first):
    pixels, frame = _picture(rng)
    got = patch(frame, jnp.array([20.0, 30.0]), jnp.float32(1), side)
    rows, cols = 20 + first, 30 + first
    np.testing.assert_array_equal(got, pixels[rows : rows + side, cols : cols + side])


def test_patch_outside_repeats_the_border(rng):
    pixels, frame = _picture(rng)
    got = patch(frame, jnp.array([-30.0, 25.0]), jnp.float32(1), 6)
    np.testing.assert_array_equal(got, np.repeat(pixels[:1, 23:29], 6, 0))


def test_large_patch_is_thinned_by_a_whole_factor(rng):
    pixels, frame = _picture(rng)
    got = patch(frame, jnp.array([20.0, 25.0]), jnp.float32(2), 5)
    # floor(2 - 0.1) = 1: not yet thinned; 3.1 gives 3.
    assert got.shape == (5, 5, 1)
    thin = patch(frame, jnp.array([21.0, 25.0]), jnp.float32(3.1), 4)
    np.testing.assert_array_equal(thin, pixels[0::3, 1::3][6:10, 7:11])


@given(st.floats(-500, 500), st.floats(-500, 500), st.floats(0.01, 20))
@settings(max_examples=25, deadline=None)
def test_patch_is_always_within_the_pixels(row, col, size):
    pixels = np.full((30, 40, 1), 7, np.uint8)
    frame = Frame(jnp.asarray(pixels), jnp.array([30, 40], jnp.int32))
    got = _patch_of_nine(frame, whole(jnp.array([row, col])), jnp.float32(size))
    np.testing.assert_array_equal(got, np.full((9, 9, 1), 7.0))


_patch_of_nine = jax.jit(lambda *args: patch(*args, 9))


def test_intensity_channels_sum_out_the_constant():
    """Bins sum to one, so the basis that drops the mean keeps every distance."""
    gray = jnp.linspace(0, 255, 40)[:, None]
    got = np.asarray(intensity_channels(gray))[:, 0]
    level = 0.5 + np.linspace(0, 255, 40) / 255 * 4
    far = np.abs(level[:, None] - np.arange(6))
    bins = np.where(far <= 0.5, 0.75 - far**2, 0.5 * np.clip(1.5 - far, 0, None) ** 2)
    np.testing.assert_allclose(bins.sum(1), 1, atol=1e-9)
    gaps = lambda x: np.linalg.norm(x[:, None] - x, axis=-1)
    np.testing.assert_allclose(gaps(got), gaps(bins), atol=1e-5)


# --- sizes, peak, scale ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "support"), [((10, 10), 164), ((47.1, 47.1), 198), ((90, 90), 212)]
)
def test_support_follows_the_published_rule(size, support):
    sizes = layout(OTB_HC, size)
    assert sizes.support == support
    assert sizes.maps == (support // 6, support // 4)
    assert sizes.output == max(sizes.filters)


def test_peak_finds_a_shift_between_the_cells():
    n, at = 21, np.array([1.3, -4.6])
    k = np.arange(n) - n // 2
    bell = np.exp(-0.02 * k**2)
    turn = np.exp(-2j * np.pi * k[:, None] * at / n)
    spectrum = (bell * turn[:, 0])[:, None] * (bell * turn[:, 1])[: n // 2 + 1]
    found = peak(jnp.asarray(spectrum, jnp.complex64), 5)
    np.testing.assert_allclose(found.offset, at, atol=1e-3)
    np.testing.assert_allclose(found.score, bell.sum() ** 2, rtol=1e-4)


def _blob(side, rng):
    grid = (np.arange(160) - 79.5) / side
    shape = np.maximum(np.abs(grid)[:, None], np.abs(grid)) < 0.5
    stripes = np.sin(12 * grid)[:, None] * np.cos(9 * grid)
    pixels = 60 + rng.normal(size=shape.shape) + shape * (120 + 60 * stripes)
    return Frame(jnp.asarray(pixels[..., None], jnp.float32), jnp.array([160, 160]))


@pytest.mark.parametrize("growth", [0.9, 1.0, 1.1])
def test_scale_filter_measures_growth(rng, growth):
    config, template = ScaleFilter(), (24, 24)
    where = jnp.array([79.5, 79.5]), jnp.array([50.0, 50.0])
    state = scale.init(config, template, _blob(50, rng), *where)
    got = scale.estimate(config, template, state, _blob(50 * growth, rng), *where)
    np.testing.assert_allclose(got, growth, atol=0.02)


def test_scale_correlation_needs_no_basis(rng):
    """The small product gives what projecting on an orthonormal basis would."""
    a, b = rng.normal(size=(2, 40, 5))
    basis = np.linalg.qr(a)[0]
    window = np.hanning(5)
    spectrum = lambda x: np.fft.fft(window * (basis.T @ x), axis=1)
    expected = (spectrum(a).conj() * spectrum(b)).sum(0)
    rows = [jnp.asarray(x.T, jnp.float32) for x in (a, b)]
    got = scale._correlation(*rows)
    np.testing.assert_allclose(got, expected, atol=1e-4)
