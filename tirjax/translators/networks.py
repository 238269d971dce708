"""Translators and their judges by name, and from the variables of a checkpoint."""

from functools import partial
from typing import Literal, NamedTuple

from flax import linen as nn

from tirjax.backbones.norm import FROZEN, Norm
from tirjax.translators.norms import Kind
from tirjax.translators.patch_gan import PatchGAN, PixelGAN
from tirjax.translators.resnet import ResNetGenerator
from tirjax.translators.unet import UNet
from tirjax.typing import PyTree

GENERATORS = {
    "unet_128": partial(UNet, depth=7),
    "unet_256": partial(UNet, depth=8),
    "resnet_6blocks": partial(ResNetGenerator, blocks=6),
    "resnet_9blocks": partial(ResNetGenerator, blocks=9),
}
# ``n_layers`` takes the number of layers, which is 3 in ``basic``.
DISCRIMINATORS = {"basic": PatchGAN, "n_layers": PatchGAN, "pixel": PixelGAN}

Version = Literal["paper", "released"]
Generator = UNet | ResNetGenerator
Discriminator = PatchGAN | PixelGAN


class Networks(NamedTuple):
    """What is trained together.

    Attributes:
      generator: from source to target.
      discriminator: judges targets.
    """

    generator: Generator
    discriminator: Discriminator


def pix2pix_networks(version: Version = "paper") -> Networks:
    """Networks of pix2pix, for training.

    Args:
      version: of the ``paper``, a target of three channels; or ``released``, one
        channel, what translated the thermal sequences of ECO-stir.
    """
    outputs = 3 if version == "paper" else 1
    batch = Norm(batch=True)
    return Networks(UNet(8, outputs, norm=batch), PatchGAN(norm=batch))


def cyclegan_networks(image: int = 256) -> Networks:
    """Networks of CycleGAN, one of two equal pairs; paper and released code agree.

    Args:
      image: side, pixels; 128 has fewer blocks than 256.
    """
    blocks = 9 if image > 128 else 6
    generator = ResNetGenerator(blocks, kind="instance", dropout=0.0)
    return Networks(generator, PatchGAN(kind="instance"))


def from_variables(variables: PyTree, norm: Norm = FROZEN) -> nn.Module:
    """The generator or discriminator that has these variables.

    Args:
      variables: ``params`` and, where norms are tracked, ``batch_stats``; one network.
      norm: where norms take their statistics from.
    """
    params, stats = variables["params"], variables.get("batch_stats")
    width = params["stem" if "stem" in params else _first(params)]["kernel"].shape[-1]
    settings = {"width": width, "kind": _kind(params, stats), "norm": norm}
    if "stem" in params:
        blocks = sum(name.startswith("block_") for name in params)
        outputs = params["head"]["kernel"].shape[-1]
        return ResNetGenerator(blocks, outputs, **settings)
    if "up_0" in params:
        depth = sum(name.startswith("up_") and name[3:].isdigit() for name in params)
        # Kernels of transposed convolutions are (rows, columns, out, in).
        return UNet(depth, params["up_0"]["kernel"].shape[-2], **settings)
    if params["conv_0"]["kernel"].shape[0] == 1:
        return PixelGAN(**settings)
    layers = sum(name.startswith("conv_") for name in params) - 2
    return PatchGAN(layers, **settings)


def _first(params):
    return "down_0" if "down_0" in params else "conv_0"


def _kind(params: PyTree, stats: PyTree) -> Kind:
    """Norms that are neither affine nor tracked show in the biases before them."""
    leaves = {leaf for part in params.values() for leaf in part}
    nested = {leaf for part in params.values() for leaf in part.get("norm1", ())}
    if "scale" in leaves | nested:
        return "batch"
    if stats:
        return "instance_tracked"
    before = params["down_1"] if "down_1" in params else params.get("conv_1", {})
    return "instance" if "bias" in before else "none"
