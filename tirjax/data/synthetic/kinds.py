"""The kinds of objects there are, each as a short list of ovals and blocks.

A row is (x, y, half width, half height, heat, colour), in units of the object's own, x
pointing where it goes and y down; painted in order. ``limb`` and ``upper`` hang it from
a joint, see ``rigs.Rig``.
"""

from typing import Any, NamedTuple

import numpy as np

from tirjax.data.synthetic.rigs import Rig

PARTS = 12
PAINT, CLOTH, SKIN, DARK, GLASS, LAMP = range(6)
SLOTS = 6


def _part(
    x, y, a, b, heat, slot, rough=0.5, box=False, upper=(0, 0, 0), limb=(0, 0, 0, 0)
):
    return (x, y), (a, b), upper, limb, heat, rough, slot, box, 1.0


def _oval(*args, **kwargs):
    return _part(*args, **kwargs)


def _block(*args, **kwargs):
    return _part(*args, **kwargs, box=True)


def _leg(x, y, phase, swing, size, heat, slot):
    """A limb of two parts; the lower one bends after the upper one has swung."""
    length, thick = size
    lower = (length / 2, -0.12 * swing, 1.1 * swing, phase - 0.7)
    half = length * 0.56
    thigh = _oval(x, y, thick, half, heat, slot, limb=(length / 2, 0, swing, phase))
    shin = _oval(
        x, y, thick * 0.75, half, heat * 0.9, slot,
        upper=(length, swing, phase), limb=lower,
    )  # fmt: skip
    return [thigh, shin]


def _person(swing, spread, width):
    """Facing x with ``spread`` 0; facing the camera with limbs ``spread`` apart."""
    leg, arm, turn = (0.235, 0.058), (0.165, 0.036), np.pi
    hip, shoulder = 0.55 * spread, 1.25 * spread
    return [
        *_leg(shoulder, -0.30, 0.0, 0.9 * swing, arm, 0.75, PAINT),
        *_leg(hip, 0.02, turn, swing, leg, 0.6, CLOTH),
        _oval(0, -0.165, width, 0.20, 0.7, PAINT, rough=0.9),
        _oval(0, 0.01, width * 0.85, 0.10, 0.6, CLOTH),
        _oval(0.01, -0.43, 0.058, 0.075, 1.1, SKIN),
        *_leg(-hip, 0.02, 0.0, swing, leg, 0.65, CLOTH),
        *_leg(-shoulder, -0.30, turn, 0.9 * swing, arm, 0.8, PAINT),
    ]


def _cyclist():
    return [
        _oval(-0.30, 0.28, 0.20, 0.20, 0.15, DARK, rough=1.2),
        _oval(0.30, 0.28, 0.20, 0.20, 0.15, DARK, rough=1.2),
        _block(0.02, 0.16, 0.24, 0.02, 0.1, DARK),
        *_leg(-0.12, -0.02, np.pi, 0.35, (0.19, 0.05), 0.6, CLOTH),
        _oval(0.0, -0.17, 0.105, 0.20, 0.7, PAINT, rough=0.9, limb=(0, -0.5, 0, 0)),
        _oval(0.13, -0.41, 0.065, 0.08, 1.1, SKIN),
        *_leg(-0.12, -0.02, 0.0, 0.35, (0.19, 0.055), 0.65, CLOTH),
        _oval(0.06, -0.28, 0.035, 0.17, 0.75, PAINT, limb=(0.14, 0.9, 0, 0)),
    ]


def _quadruped():
    leg = (0.15, 0.038)
    return [
        *_leg(0.27, 0.06, 2.2, 0.55, leg, 0.65, PAINT),
        *_leg(-0.27, 0.04, 0.7, 0.55, leg, 0.65, PAINT),
        _oval(0.0, -0.02, 0.36, 0.14, 0.85, PAINT, rough=0.9),
        _oval(-0.37, -0.02, 0.022, 0.11, 0.5, PAINT, limb=(0.09, -0.7, 0.35, 0)),
        _oval(0.32, -0.08, 0.075, 0.15, 0.9, PAINT, limb=(0.08, 2.5, 0.08, 0)),
        _oval(0.46, -0.25, 0.115, 0.06, 1.1, SKIN, limb=(0, -0.35, 0.1, 0.5)),
        *_leg(0.24, 0.06, 5.3, 0.55, leg, 0.75, PAINT),
        *_leg(-0.25, 0.04, 3.8, 0.55, leg, 0.75, PAINT),
    ]


def _bird():
    """Seen from ahead, wings to both sides."""
    wing = lambda side: [
        _oval(0.06 * side, -0.03, 0.055, 0.15, 0.8, PAINT,
              limb=(0.13, 1.6 * side, 0.6 * side, 0)),
        _oval(0.06 * side, -0.03, 0.04, 0.16, 0.5, PAINT, upper=(0.0, 0, 0),
              limb=(0.36, 1.5 * side, 0.6 * side, -0.5)),
    ]  # fmt: skip
    return [
        *wing(-1.0),
        *wing(1.0),
        _oval(0.0, 0.09, 0.045, 0.09, 0.5, PAINT),
        _oval(0.0, 0.0, 0.085, 0.11, 1.0, PAINT),
        _oval(0.0, -0.09, 0.055, 0.055, 1.1, SKIN),
    ]


def _car_side():
    wheel = lambda x: [
        _oval(x, 0.185, 0.09, 0.09, 0.9, DARK, rough=0.2),
        _oval(x, 0.185, 0.04, 0.04, 1.3, DARK, rough=0.2),
    ]
    return [
        _block(-0.04, -0.11, 0.29, 0.125, 0.25, PAINT),
        _block(0.0, 0.07, 0.50, 0.12, 0.4, PAINT, rough=0.7),
        _oval(0.34, 0.03, 0.15, 0.075, 1.2, PAINT),
        _block(-0.17, -0.115, 0.115, 0.075, -0.5, GLASS, rough=0.1),
        _block(0.09, -0.115, 0.10, 0.075, -0.4, GLASS, rough=0.1),
        *wheel(-0.30),
        *wheel(0.30),
        _oval(0.475, 0.03, 0.022, 0.025, 0.7, LAMP),
        _oval(-0.46, 0.19, 0.035, 0.02, 1.7, DARK),
    ]


def _car_rear():
    return [
        _block(-0.33, 0.30, 0.085, 0.10, 1.0, DARK, rough=0.2),
        _block(0.33, 0.30, 0.085, 0.10, 1.0, DARK, rough=0.2),
        _block(0.0, -0.19, 0.33, 0.17, 0.25, PAINT),
        _block(0.0, 0.08, 0.46, 0.22, 0.4, PAINT, rough=0.7),
        _block(0.0, -0.19, 0.27, 0.11, -0.5, GLASS, rough=0.1),
        _block(0.0, 0.33, 0.22, 0.05, 1.3, DARK),
        _oval(-0.38, 0.02, 0.055, 0.04, 0.7, LAMP),
        _oval(0.38, 0.02, 0.055, 0.04, 0.7, LAMP),
        _oval(0.24, 0.34, 0.05, 0.035, 1.9, DARK),
        _block(0.0, 0.16, 0.11, 0.035, 0.1, GLASS),
    ]


def _bus():
    wheel = lambda x: _oval(x, 0.155, 0.05, 0.05, 0.9, DARK, rough=0.2)
    return [
        _block(0.0, 0.0, 0.5, 0.16, 0.35, PAINT, rough=0.6),
        _block(-0.24, -0.045, 0.22, 0.055, -0.35, GLASS, rough=0.2),
        _block(0.16, -0.045, 0.14, 0.055, -0.3, GLASS, rough=0.2),
        _block(0.41, -0.02, 0.075, 0.09, -0.5, GLASS, rough=0.1),
        _oval(-0.42, 0.07, 0.09, 0.07, 1.2, PAINT),
        _block(0.05, -0.155, 0.14, 0.02, 0.8, PAINT),
        wheel(-0.32), wheel(0.30), wheel(-0.22),
        _oval(0.485, 0.09, 0.015, 0.022, 0.7, LAMP),
    ]  # fmt: skip


def _truck():
    wheel = lambda x: _oval(x, 0.205, 0.055, 0.055, 1.0, DARK, rough=0.2)
    return [
        _block(-0.14, -0.05, 0.36, 0.19, 0.1, CLOTH, rough=0.9),
        _block(-0.05, 0.16, 0.45, 0.03, 0.5, DARK),
        _block(0.37, 0.02, 0.13, 0.15, 0.5, PAINT, rough=0.5),
        _block(0.41, -0.05, 0.075, 0.055, -0.5, GLASS, rough=0.1),
        _oval(0.40, 0.12, 0.09, 0.05, 1.4, PAINT),
        wheel(-0.38), wheel(-0.25), wheel(0.33),
        _block(0.23, -0.08, 0.012, 0.12, 1.6, DARK),
        _oval(0.49, 0.10, 0.015, 0.022, 0.7, LAMP),
    ]  # fmt: skip


def _car_above():
    return [
        _block(0.0, 0.0, 0.5, 0.21, 0.45, PAINT, rough=0.5),
        _oval(0.33, 0.0, 0.14, 0.15, 1.3, PAINT),
        _block(0.13, 0.0, 0.05, 0.165, -0.5, GLASS, rough=0.1),
        _block(-0.08, 0.0, 0.17, 0.165, 0.15, PAINT, rough=0.4),
        _block(-0.30, 0.0, 0.04, 0.155, -0.4, GLASS, rough=0.1),
        _oval(0.48, -0.14, 0.02, 0.035, 0.6, LAMP),
        _oval(0.48, 0.14, 0.02, 0.035, 0.6, LAMP),
    ]


def _aircraft():
    return [
        _block(0.04, -0.22, 0.075, 0.23, 0.35, PAINT, limb=(0, 0.35, 0, 0)),
        _block(0.04, 0.22, 0.075, 0.23, 0.35, PAINT, limb=(0, -0.35, 0, 0)),
        _block(-0.42, 0.0, 0.045, 0.16, 0.35, PAINT),
        _oval(0.0, 0.0, 0.5, 0.06, 0.6, PAINT, rough=0.3),
        _oval(0.07, -0.17, 0.075, 0.03, 1.5, DARK),
        _oval(0.07, 0.17, 0.075, 0.03, 1.5, DARK),
        _oval(0.38, 0.0, 0.06, 0.035, -0.2, GLASS),
    ]


def _helicopter():
    return [
        _block(0.12, -0.19, 0.38, 0.012, 0.3, DARK, limb=(0, 0.03, 0.05, 0)),
        _block(0.12, -0.15, 0.02, 0.05, 0.7, DARK),
        _block(-0.26, -0.02, 0.24, 0.03, 0.5, PAINT),
        _block(-0.47, -0.07, 0.03, 0.09, 0.4, PAINT),
        _oval(0.13, 0.0, 0.20, 0.12, 0.7, PAINT, rough=0.4),
        _oval(0.06, -0.09, 0.10, 0.05, 1.7, PAINT),
        _oval(0.25, -0.02, 0.075, 0.065, -0.4, GLASS, rough=0.1),
        _block(0.13, 0.16, 0.18, 0.012, 0.2, DARK),
    ]


def _drone():
    rotor = lambda x, y: _oval(x, y, 0.11, 0.035, 1.3, DARK, rough=0.2)
    return [
        rotor(-0.26, -0.10), rotor(0.26, -0.10),
        _block(0.0, -0.03, 0.40, 0.022, 0.4, DARK, limb=(0, 0.1, 0, 0)),
        _block(0.0, -0.03, 0.40, 0.022, 0.4, DARK, limb=(0, -0.1, 0, 0)),
        _oval(0.0, 0.0, 0.15, 0.085, 1.0, PAINT),
        _block(-0.14, 0.11, 0.014, 0.09, 0.3, DARK, limb=(0, -0.3, 0, 0)),
        _block(0.14, 0.11, 0.014, 0.09, 0.3, DARK, limb=(0, 0.3, 0, 0)),
        rotor(-0.39, -0.05), rotor(0.39, -0.05),
    ]  # fmt: skip


def _table(parts) -> list[np.ndarray]:
    """The columns of one kind, padded with parts that are not there."""
    absent = (*_part(0, 0, 0.1, 0.1, 0, DARK)[:-1], 0.0)
    rows = [*parts, *[absent] * (PARTS - len(parts))]
    whole = {"slot": np.int32, "boxy": np.bool_}
    return [
        np.asarray(column, whole.get(name, np.float32))
        for name, column in zip(Rig._fields, zip(*rows, strict=True), strict=True)
    ]


class Kind(NamedTuple):
    """A kind of object: its parts, and where it is met.

    Attributes:
      parts: rows of its table.
      metres: square root of the area of its box.
      chance: weight of meeting it on the street, from above, and against the sky.
      bends: whether it is articulated.
      speed: motion in sizes a frame, relative to the ordinary target.
      headed: whether its picture turns with its heading, as seen from above.
    """

    parts: list
    metres: float
    chance: tuple[float, float, float]
    bends: bool = False
    speed: float = 1.0
    headed: bool = False


KINDS: dict[str, Kind] = {
    "walker": Kind(_person(0.36, 0.0, 0.1), 0.9, (0.40, 0.50, 0), bends=True),
    "facing": Kind(_person(0.2, 0.115, 0.125), 0.9, (0.25, 0.2, 0), bends=True),
    "cyclist": Kind(_cyclist(), 1.6, (0.10, 0.1, 0), bends=True, speed=1.5),
    "quadruped": Kind(_quadruped(), 1.1, (0.25, 0.2, 0), bends=True, speed=1.3),
    "bird": Kind(_bird(), 0.5, (0, 0, 1.0), bends=True, speed=2.0),
    "car_side": Kind(_car_side(), 2.5, (0.35, 0, 0), speed=1.5),
    "car_rear": Kind(_car_rear(), 1.7, (0.35, 0, 0), speed=0.8),
    "bus": Kind(_bus(), 5.0, (0.2, 0, 0)),
    "truck": Kind(_truck(), 4.0, (0.1, 0, 0)),
    "car_above": Kind(_car_above(), 2.9, (0, 1.0, 0), headed=True),
    "aircraft": Kind(_aircraft(), 20.0, (0, 0, 0.35), headed=True),
    "helicopter": Kind(_helicopter(), 8.0, (0, 0, 0.3)),
    "drone": Kind(_drone(), 0.4, (0, 0, 0.35), speed=1.5),
}

# Numpy on purpose: importing the module touches no device.
_columns: Any = zip(*[_table(kind.parts) for kind in KINDS.values()], strict=True)
RIGS: Rig = Rig._make(map(np.stack, _columns))
METRES = np.array([kind.metres for kind in KINDS.values()], np.float32)
BENDS = np.array([kind.bends for kind in KINDS.values()])
SPEED = np.array([kind.speed for kind in KINDS.values()], np.float32)
HEADED = np.array([kind.headed for kind in KINDS.values()])
CHANCE = np.array([kind.chance for kind in KINDS.values()], np.float32).T
