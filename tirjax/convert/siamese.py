"""Published files of SiamFC, CFNet, MLSSNet and MMNet, as MatConvNet saved them.

Parameters are matched by name. Windows and targets, which the files hold and our
networks compute, are compared with what is computed; layers of losses have none.
"""

from pathlib import Path

import numpy as np
from flax.traverse_util import unflatten_dict

from tirjax.convert import matconvnet
from tirjax.convert.pytorch import Converted
from tirjax.convert.rename import Report
from tirjax.convert.siamese_names import NAMES, Parameter, convert_one, recognise
from tirjax.data.sequence import DataError

TARGET_WIDTH = 2.0  # cells: 8 pixels at stride 4
# What tracks with them, where that is not their own name: published weights of MMNet
# were trained with attention to all places alike.
TRACKERS = {"mmnet": "mmnet_released"}


def convert(path: Path) -> Converted:
    """Reads a published file without running anything in it.

    Args:
      path: ``net-epoch-N.mat`` or a release, version 5 or 7.3.

    Raises:
      DataError: another file, a damaged one, or another network: an array is missing,
        of another size, or a window that our networks do not compute.
    """
    network = matconvnet.read(path)
    try:
        family = recognise(set(network.arrays))
        names = NAMES[family]
        missing = [name for name in names if name not in network.arrays]
        if missing:
            raise DataError(f"{family} without {missing[0]}")
        flat: dict[tuple[str, ...], np.ndarray] = {}
        for name, parameter in names.items():
            value = network.arrays[name]
            flat |= convert_one(name, value, parameter)
            _check_constant(name, value, parameter)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    rest = tuple(name for name in network.arrays if name not in names)
    return Converted(
        unflatten_dict(flat),
        TRACKERS.get(family, family),
        f"from the names of MatConvNet's {network.kind}",
        Report(tuple(names), ()),
        (*rest, *network.ignored),
    )


def _check_constant(name: str, value: np.ndarray, parameter: Parameter) -> None:
    """Holds windows and targets to those that our networks compute."""
    if parameter.rule not in ("hann", "gaussian"):
        return
    side = parameter.shape[0]
    if parameter.rule == "hann":
        want = np.outer(np.hanning(side), np.hanning(side))
    else:
        offset = np.fft.fftfreq(side, 1 / side)
        bell = np.exp(-0.5 * (offset / TARGET_WIDTH) ** 2)
        want = np.outer(bell, bell)
    if np.abs(value.reshape(want.shape) - want).max() > 1e-5:
        raise DataError(f"{name} is another {parameter.rule} than ours")
