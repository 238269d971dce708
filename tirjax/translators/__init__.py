"""Translators between spectra: images in, images of another kind out."""

from tirjax.translators.networks import (
    DISCRIMINATORS,
    GENERATORS,
    cyclegan_networks,
    from_variables,
    pix2pix_networks,
)
from tirjax.translators.patch_gan import PatchGAN, PixelGAN
from tirjax.translators.resnet import ResNetGenerator
from tirjax.translators.unet import UNet

__all__ = [
    "DISCRIMINATORS",
    "GENERATORS",
    "PatchGAN",
    "PixelGAN",
    "ResNetGenerator",
    "UNet",
    "cyclegan_networks",
    "from_variables",
    "pix2pix_networks",
]
