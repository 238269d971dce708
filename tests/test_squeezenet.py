"""SqueezeNet's layers against a plain computation, its cells and what stands still."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.backbones.squeezenet import SQUEEZED, SqueezeNet
from tirjax.convert import squeezenet
from tirjax.heads.networks import dimp_squeezenet

PUBLISHED = "data/weights/squeezenet10_imagenet_deepcompression.npz"
CAFFE = np.array([104.0, 117.0, 123.0])
IMAGENET = 255 * np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])


def draw(rng):
    """Layers of plausible size."""

    def conv(size, into, out):
        scale = np.sqrt(2 / (size * size * into))
        kernel = scale * rng.standard_normal((size, size, into, out))
        return {"kernel": kernel.astype(np.float32), "bias": np.zeros(out, np.float32)}

    layers, into = {"conv1": conv(7, 3, 96)}, 96
    for number, width in SQUEEZED.items():
        layers[f"fire{number}"] = {
            "squeeze": conv(1, into, width),
            "expand1x1": conv(1, width, 4 * width),
            "expand3x3": conv(3, width, 4 * width),
        }
        into = 8 * width
    return layers


def apply(layers, images, **settings):
    net = SqueezeNet(**settings)
    return jax.jit(lambda x: net.apply({"params": layers}, x, method="fires"))(images)


def windows(x, size, stride):
    x = np.pad(x, [(size // 2,) * 2, (size // 2,) * 2, (0, 0)])
    found = np.lib.stride_tricks.sliding_window_view(x, (size, size), (0, 1))
    return found[::stride, ::stride]


def conv(x, kernel, bias, stride=1):
    seen = windows(x, len(kernel), stride).astype(float)
    return np.maximum(
        np.einsum("hwcij,ijcd->hwd", seen, kernel, optimize=True) + bias, 0
    )


def published_layers(file, image):
    """What fire modules 4 and 7 say by the file's own names; blue comes first."""

    def run(name, x, stride=1):
        kernel = file[f"{name}/kernel"].transpose(2, 3, 1, 0)
        return conv(x, kernel, file[f"{name}/bias"], stride)

    x = windows(run("conv1", image, 2), 3, 2).max((-2, -1))
    fine = x
    for number in SQUEEZED:
        x = run(f"fire{number}/conv1x1_1", x)
        both = [run(f"fire{number}/{name}", x) for name in ("conv1x1_2", "conv3x3_2")]
        x = np.concatenate(both, -1)
        if number == 4:
            fine, x = x, windows(x, 3, 2).max((-2, -1))
    return fine, x


def test_published_weights_say_what_they_say_without_us(shared, rng):
    image = rng.uniform(0, 255, (40, 48, 3))
    with np.load(shared / PUBLISHED) as file:
        wanted = published_layers(dict(file), image[..., ::-1] - CAFFE)
    mean, deviation = IMAGENET
    given = ((image - mean) / deviation).astype(np.float32)
    found = apply(squeezenet.read(shared / PUBLISHED), given[None])
    for ours, theirs in zip(found, wanted, strict=True):
        # The border is a mean pixel, and the two means differ by half a grey level.
        np.testing.assert_allclose(ours[0], theirs, atol=0.01 * theirs.max())


def test_a_cell_covers_as_many_pixels_as_the_strides_say(rng):
    layers = draw(rng)
    image = rng.standard_normal((1, 216, 24, 3)).astype(np.float32)
    before, after = (apply(layers, image[:, i : i + 208]) for i in (0, 8))
    strides = SqueezeNet().strides.values()
    for a, b, stride in zip(before, after, strides, strict=True):
        assert a.shape[1] == 208 // stride
        step, edge = 8 // stride, 56 // stride  # beyond it nothing knows of the border
        np.testing.assert_allclose(
            a[:, edge + step : -edge], b[:, edge : -edge - step], atol=1e-4
        )


@pytest.mark.slow
def test_no_gradient_reaches_the_layers_that_stand_still(rng):
    layers = draw(rng)
    image = rng.standard_normal((1, 16, 16, 3)).astype(np.float32)
    total = lambda p: sum(x.sum() for x in apply(p, image, still=True))
    found = jax.jit(jax.grad(total))(layers)
    moved = jax.tree.map(lambda g: bool(np.any(g)), found)
    learns = {name: any(jax.tree.leaves(part)) for name, part in moved.items()}
    assert [name for name in learns if learns[name]] == ["fire5", "fire6", "fire7"]


def test_the_tracker_s_network_has_maps_of_strides_4_and_8():
    side = 128
    net = dimp_squeezenet()
    images = jax.ShapeDtypeStruct((2, side, side, 3), jnp.float32)
    boxes = jax.ShapeDtypeStruct((2, 4), jnp.float32)
    (scores, overlaps), variables = jax.eval_shape(
        net.init_with_output, jax.random.key(0), images, boxes
    )
    assert scores.shape == (2, side // 8 + 1, side // 8 + 1)
    assert overlaps.shape == (2,)
    assert sum(x.size for x in jax.tree.leaves(variables)) < 1_000_000
