"""A network of any kind as what trackers and trainings see: pixels in, maps out."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from tirjax.backbones import dcfnet, resnet
from tirjax.backbones.norm import FROZEN, Norm
from tirjax.backbones.vgg import VGG, VGGM
from tirjax.typing import Array, Float, Num, PyTree


class Trunk(NamedTuple):
    """A network and what its pixels go through before it. Hashable.

    Attributes:
      net: returns maps by name and has ``strides``, or returns a single map of stride
        1, which is then called ``'norm'``.
      normalise: pixels 0..255, of one channel or three, to the input of ``net``.
    """

    net: nn.Module
    normalise: Callable[[Array], Array]

    @property
    def strides(self) -> dict[str, int]:
        """Pixels of the image a step of each map covers."""
        return getattr(self.net, "strides", {"norm": 1})

    @property
    def last(self) -> str:
        """Name of the deepest map."""
        return [*self.strides][-1]

    def run(
        self, variables: PyTree, pixels: Num[Array, "n h w c"], **settings: Any
    ) -> tuple[dict[str, Array], PyTree]:
        """Maps of all layers, and what ``mutable`` asks for.

        Args:
          variables: of the network.
          pixels: 0..255.
          **settings: of the network's ``apply``.
        """
        found: Any = self.net.apply(variables, self.normalise(pixels), **settings)
        maps, changed = found if "mutable" in settings else (found, {})
        return (maps if isinstance(maps, dict) else {"norm": maps}), changed

    def cells(self, layer: str, side: int) -> int:
        """Side of a map of a square image of ``side`` pixels."""
        return _cells(self, side)[layer]


@functools.cache
def _cells(trunk: Trunk, side: int) -> dict[str, int]:
    image = jax.ShapeDtypeStruct((1, side, side, 1), jnp.float32)
    draw = lambda x: trunk.net.init_with_output(jax.random.key(0), trunk.normalise(x))
    maps = jax.eval_shape(draw, image)[0]
    found = maps if isinstance(maps, dict) else {"norm": maps}
    return {name: x.shape[1] for name, x in found.items()}


class TrunkVariables(nn.Module):
    """Has the variables of a trunk's network, under the same names.

    Whatever reads a checkpoint makes a network's variables from images and boxes.

    Attributes:
      net: network.
    """

    net: nn.Module

    def setup(self):
        nn.share_scope(self, self.net)

    def __call__(self, images: Float[Array, "n h w 3"], *unread: Array) -> Any:
        """What the network makes of images; boxes are not read."""
        del unread
        return self.net(images)  # pyright: ignore[reportCallIssue]


def vgg(
    widths: tuple[tuple[int, ...], ...] = ((64, 64), (128, 128)), **settings: Any
) -> Trunk:
    """VGG-16 up to its second pooling, or another ``VGG``."""
    return Trunk(VGG(widths, **settings), dcfnet.normalise)


def vgg_m(widths: tuple[int, ...] = (96, 256, 512, 512, 512)) -> Trunk:
    """VGG-M. Its mean image is taken as one colour."""
    return Trunk(VGGM(widths), dcfnet.normalise)


def residual(depth: int, norm: Norm = FROZEN, **settings: Any) -> Trunk:
    """A ResNet up to stride 16."""
    return Trunk(resnet.ResNet(depth, norm=norm, **settings), resnet.normalise)


def two_convolutions(**settings: Any) -> Trunk:
    """DCFNet."""
    return Trunk(dcfnet.DCFNet(**settings), dcfnet.normalise)
