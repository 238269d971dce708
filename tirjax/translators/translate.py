"""Images through a generator, each by itself.

Every image is a batch of its own, also where many go through at once: norms that take
the statistics of the image at hand see no other. A translation then depends neither on
its neighbours nor on how many devices share the work.

Source: Zhang et al., Synthetic Data Generation for End-to-End Thermal Infrared
Tracking, IEEE TIP 28(4), 2019, whose code translates one image at a time with the
statistics of that image.
"""

import jax
import jax.numpy as jnp

from tirjax.translators.networks import Generator
from tirjax.translators.unet import UNet
from tirjax.typing import Array, Float, Num, PyTree

_RESNET_MULTIPLE = 4


def side_multiple(net: Generator) -> int:
    """What both sides of its images must be multiples of, pixels."""
    return 2**net.depth if isinstance(net, UNet) else _RESNET_MULTIPLE


def input_channels(variables: PyTree) -> int:
    """Channels of the images that a generator takes.

    Args:
      variables: of one generator.
    """
    params = variables["params"]
    return params["stem" if "stem" in params else "down_0"]["kernel"].shape[-2]


def translate(
    net: Generator, variables: PyTree, images: Num[Array, "n h w c"]
) -> Float[Array, "n h w d"]:
    """Translations, 0..255 as their originals.

    Args:
      net: the generator. With ``Norm(batch=True)`` statistics are those of each image,
        as its authors translate; otherwise the running ones.
      variables: its own; nothing in them moves.
      images: 0..255; sides are multiples of ``side_multiple``.
    """
    x = images.astype(jnp.result_type(float)) / 127.5 - 1
    y = jax.vmap(lambda image: net.apply(variables, image[None])[0])(x)
    return (y + 1) / 2 * 255
