"""Names of MatConvNet's parameters in published Siamese networks, and ours.

Kernels keep their layout: (rows, columns, in, out), both correlate, and for transposed
convolutions (rows, columns, out, in) is what Flax takes with ``transpose_kernel``.
MATLAB drops axes of length one at the end, so shapes here are whole and an array is
reshaped to its own. Match by name: files order parameters as they like.
"""

from typing import Literal, NamedTuple

import numpy as np

from tirjax.data.sequence import DataError

EPSILON = 1e-5  # of batch norm, inside its stored standard deviation

Rule = Literal["kernel", "vector", "scalar", "moments", "hann", "gaussian"]


class Parameter(NamedTuple):
    """What a stored array is.

    Attributes:
      shape: in MATLAB, axes of length one at the end included.
      rule: ``kernel`` as it is; ``vector`` loses its second axis, ``scalar`` both;
        ``moments`` are a column of means and one of standard deviations; ``hann`` and
        ``gaussian`` are constants that our networks compute.
      path: of the variable, its collection first; for ``moments`` of the module; empty
        for constants.
    """

    shape: tuple[int, ...]
    rule: Rule
    path: tuple[str, ...] = ()


Names = dict[str, Parameter]


def convert_one(
    name: str, value: np.ndarray, parameter: Parameter
) -> dict[tuple[str, ...], np.ndarray]:
    """One stored array as variables, paths to float32 arrays.

    Args:
      name: of the parameter, for the error message.
      value: as read, trailing axes of length one possibly missing.
      parameter: what it is.

    Raises:
      DataError: the array has another size than this network's.
    """
    if value.size != np.prod(parameter.shape):
        raise DataError(
            f"{name} has shape {value.shape}, not {parameter.shape}: "
            "take the family that the file's names belong to"
        )
    value = np.asarray(value, np.float32).reshape(parameter.shape)
    path = parameter.path
    match parameter.rule:
        case "kernel":
            return {path: value}
        case "vector":
            return {path: value[:, 0]}
        case "scalar":
            return {path: value.reshape(())}
        case "moments":
            variance = np.maximum(value[:, 1].astype(np.float64) ** 2 - EPSILON, 0)
            return {
                (*path, "mean"): value[:, 0],
                (*path, "var"): variance.astype(np.float32),
            }
    return {}


def _conv(kernel: str, bias: str, shape: tuple[int, ...], path: str) -> Names:
    """A convolution; of a transposed one too, all have one channel, the last is out."""
    where = ("params", *path.split("/"))
    return {
        kernel: Parameter(shape, "kernel", (*where, "kernel")),
        bias: Parameter((shape[-1], 1), "vector", (*where, "bias")),
    }


def _norm(scale: str, bias: str, moments: str, width: int, path: str) -> Names:
    module = tuple(path.split("/"))
    return {
        scale: Parameter((width, 1), "vector", ("params", *module, "scale")),
        bias: Parameter((width, 1), "vector", ("params", *module, "bias")),
        moments: Parameter((width, 2), "moments", ("batch_stats", *module)),
    }


def _adjust(name: str, path: str) -> Names:
    return {
        f"{name}f": Parameter((1, 1), "scalar", ("params", path, "gain")),
        f"{name}b": Parameter((1, 1), "scalar", ("params", path, "bias")),
    }


def _filter(side: int, suffix: str = "") -> Names:
    return {
        f"join_window{suffix}": Parameter((side, side), "hann"),
        f"join_cf_target{suffix}": Parameter((side, side), "gaussian"),
    }


_KERNELS = ((11, 11, 3, 96), (5, 5, 48, 256), (3, 3, 256, 384), (3, 3, 192, 384))


def _backbone(last: int, prefix: str = "br_") -> Names:
    names = {}
    for i, shape in enumerate((*_KERNELS, (3, 3, 192, last)), 1):
        conv, path = f"{prefix}conv{i}", f"backbone/conv{i}"
        names |= _conv(f"{conv}f", f"{conv}b", shape, path)
        if i < 5:
            norm, path = f"{prefix}bn{i}", f"backbone/bn{i}"
            names |= _norm(f"{norm}m", f"{norm}b", f"{norm}x", shape[-1], path)
    return names


def _hourglass(path: str) -> Names:
    layers = (
        ("join_br1_conv11", (7, 7, 64, 16), "conv1"),
        ("join_br1_conv12", (5, 5, 16, 1), "conv2"),
        ("join_deconv3", (5, 5, 1, 1), "deconv1"),
        ("join_b_deconv3", (7, 7, 1, 1), "deconv2"),
    )
    names = {}
    for name, shape, ours in layers:
        names |= _conv(f"{name}_f", f"{name}_b", shape, f"{path}/{ours}")
    return names


def _pointwise(name: str, widths: tuple[int, int], path: str) -> Names:
    return _conv(f"{name}_f", f"{name}_b", (1, 1, *widths), path)


def _reduction() -> Names:
    names = ("join_br_conv3f_dimred", "join_br_conv3b_dimred")
    return _conv(*names, (1, 1, 384, 64), "reduce3")


def _pixel_level() -> Names:
    layers = (("conv1", "q", "bn"), ("conv2", "k", "bn2"), ("conv3", "v", "bn3"))
    names = {}
    for conv, ours, norm in layers:
        names |= _pointwise(f"join_br1_{conv}_SPR", (64, 64), f"fanet/{ours}")
        theirs = (f"join_br1_{norm}_SPR_{kind}" for kind in "fbm")
        names |= _norm(*theirs, width=64, path=f"fanet/bn_{ours}")
    return names | _pointwise("join_br1_conv4_SPR", (64, 64), "fanet/out")


def _mlssnet() -> Names:
    return {
        **_backbone(64),
        **_reduction(),
        **_pointwise("join_br1_conv51", (64, 16), "sc/fc1"),
        **_pointwise("join_br1_conv52", (16, 64), "sc/fc2"),
        **_filter(49),
        **_hourglass("sa"),
        **_filter(53, "3"),
        **_adjust("fin_adjust", "adjust5"),
        **_adjust("fin_adjust3", "adjust3"),
    }


def _mmnet() -> Names:
    classifier = ("br1_convf_dimred", "br1_convb_dimred")
    return {
        **_backbone(64),
        **_reduction(),
        **_pixel_level(),
        **_hourglass("fanet/hc"),
        **_pointwise("join_br1_conv_fusion", (128, 64), "fanet/fuse"),
        **_filter(49),
        **_filter(53, "3"),
        **_adjust("fin_adjust", "adjust5"),
        **_adjust("fin_adjust3", "adjust3"),
        **_conv(*classifier, (1, 1, 64, 30), "cls"),
    }


_BASELINE_ADJUST = ("fin_adjust_bnm", "fin_adjust_bnb", "fin_adjust_bnx")

# Of every published network, its parameters' names in the order the papers' code makes.
NAMES: dict[str, Names] = {
    "siamfc": _backbone(256, "") | _adjust("adjust_", "adjust5"),
    "siamfc_baseline": _backbone(32) | _norm(*_BASELINE_ADJUST, 1, "adjust5/bn"),
    "cfnet": _backbone(32) | _filter(49) | _adjust("fin_adjust", "adjust5"),
    "mlssnet": _mlssnet(),
    "mmnet": _mmnet(),
}


def recognise(names: set[str]) -> str:
    """Which of ``NAMES`` a file holds.

    Args:
      names: of all its parameters.

    Raises:
      DataError: none of them.
    """
    marks = {
        "join_br1_conv_fusion_f": "mmnet",
        "join_br1_conv51_f": "mlssnet",
        "join_br1_conv1_SPR_f": "",  # MMNet without its holistic branch
        "join_window3": "",  # MMNet without its pixel-level branch
        "join_cf_target": "cfnet",
        "fin_adjust_bnm": "siamfc_baseline",
        "adjust_f": "siamfc",
    }
    family = next((marks[mark] for mark in marks if mark in names), "")
    if not family:
        raise DataError(
            f"not one of the networks {', '.join(NAMES)}: {len(names)} parameters, "
            f"such as {', '.join(sorted(names)[:3])}"
        )
    return family
