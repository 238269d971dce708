"""What a synthetic world may contain: its shapes, and how often a challenge comes.

``Settings`` is a pytree whose shapes are static and whose rates are data. It can be
passed through ``jit`` as an ordinary argument: other rates compile nothing.
"""

import dataclasses
from typing import Any, NamedTuple

import jax

from tirjax.data.sequence import DataError
from tirjax.typing import Array, Bool, Key


class Challenges(NamedTuple):
    """One value for each challenge of LSOTB-TIR, in the benchmark's order.

    Source: Liu et al., LSOTB-TIR, ACM MM 2020, section 3.3.
    """

    deformation: Bool[Array, ""]
    occlusion: Bool[Array, ""]
    distractor: Bool[Array, ""]
    background_clutter: Bool[Array, ""]
    out_of_view: Bool[Array, ""]
    scale_variation: Bool[Array, ""]
    fast_motion: Bool[Array, ""]
    motion_blur: Bool[Array, ""]
    thermal_crossover: Bool[Array, ""]
    intensity_variation: Bool[Array, ""]
    low_resolution: Bool[Array, ""]
    aspect_ratio_variation: Bool[Array, ""]


CHALLENGES: tuple[str, ...] = Challenges._fields

# A number, or an array under `jit`.
Rate = float | Array
_static = lambda value: dataclasses.field(default=value, metadata={"static": True})


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Settings:
    """Shapes of a clip (static) and what happens in it (data).

    The twelve rates are the probability that a clip is *made to have* that challenge;
    it may come about by itself as well, so ``attributes`` measures the clip. Their
    defaults are the shares of the 120 LSOTB-TIR sequences.

    Attributes:
      frames: length of a clip; motion is planned over this many frames.
      rows: height of a frame, pixels, even, at least 32.
      cols: width of a frame, pixels, even, at least 32.
      objects: moving objects at most, the target included.
      occluders: things in front at most.
      radiometric: also return 14-bit counts of the thermal sensor.
      severity: in [0, 1], how far a challenge goes beyond the point where it counts.
      moving_camera: probability that the camera pans, zooms and rolls.
      night: probability of night, which darkens RGB.
      black_hot: probability that hot is shown dark.
      noise: factor on every kind of sensor noise; 1 is an ordinary uncooled camera.
      typical: in [0, 1], how near temperatures are to what is usual for a thing of that
        kind; at 1 a thing's look tells its heat, as a translator from colour needs.
    """

    frames: int = _static(120)
    rows: int = _static(256)
    cols: int = _static(320)
    objects: int = _static(6)
    occluders: int = _static(3)
    radiometric: bool = _static(False)
    severity: Rate = 0.5
    moving_camera: Rate = 0.65
    night: Rate = 0.4
    black_hot: Rate = 0.2
    noise: Rate = 1.0
    typical: Rate = 0.0
    deformation: Rate = 0.63
    occlusion: Rate = 0.61
    distractor: Rate = 0.58
    background_clutter: Rate = 0.71
    out_of_view: Rate = 0.26
    scale_variation: Rate = 0.39
    fast_motion: Rate = 0.32
    motion_blur: Rate = 0.23
    thermal_crossover: Rate = 0.12
    intensity_variation: Rate = 0.03
    low_resolution: Rate = 0.11
    aspect_ratio_variation: Rate = 0.23

    @property
    def window(self) -> int:
        """Side of the square an object is drawn in, pixels; bounds its size."""
        return self.rows * 11 // 16

    @property
    def world(self) -> tuple[int, int]:
        """Rows and columns of the background, which the camera roams."""
        return self.rows * 3 // 2, self.cols * 2


_EASY: dict[str, Any] = dict.fromkeys(CHALLENGES, 0.0) | {
    "severity": 0.0,
    "moving_camera": 0.2,
    "noise": 0.5,
    "deformation": 0.4,
}
_HARD: dict[str, Any] = dict.fromkeys(CHALLENGES, 0.5) | {
    "severity": 0.8,
    "moving_camera": 0.9,
    "noise": 1.5,
    "deformation": 0.7,
    "occlusion": 0.75,
    "distractor": 0.75,
    "background_clutter": 0.75,
    "out_of_view": 0.35,
    "low_resolution": 0.2,
    "intensity_variation": 0.2,
    "thermal_crossover": 0.3,
}
PRESETS: dict[str, Settings] = {
    "easy": dataclasses.replace(Settings(), **_EASY),
    "mixed": Settings(),
    "hard": dataclasses.replace(Settings(), **_HARD),
    # For translators from colour: light to see by, hot is bright, looks tell heat.
    "day": dataclasses.replace(Settings(), night=0.0, black_hot=0.0, typical=1.0),
}


def preset(name: str, **changes) -> Settings:
    """The settings called 'easy', 'mixed', 'hard' or 'day', with some fields changed.

    Raises:
      DataError: there is no such preset.
    """
    if name not in PRESETS:
        known = ", ".join(PRESETS)
        raise DataError(f"no synthetic preset {name!r}; use one of: {known}")
    return dataclasses.replace(PRESETS[name], **changes)


def force(settings: Settings, *challenges: str) -> Settings:
    """The same settings with these challenges in every clip.

    Args:
      challenges: names from ``CHALLENGES``; spaces may stand for underscores.

    Raises:
      DataError: an unknown challenge.
    """
    names = [challenge.replace(" ", "_") for challenge in challenges]
    for name in names:
        if name not in CHALLENGES:
            known = ", ".join(CHALLENGES)
            raise DataError(f"no challenge {name!r}; use some of: {known}")
    return dataclasses.replace(settings, **dict.fromkeys(names, 1.0))


def draw_challenges(key: Key[Array, ""], settings: Settings) -> Challenges:
    """Decides what a clip is made to have."""
    draws = jax.random.uniform(key, (len(CHALLENGES),))
    rates = [getattr(settings, name) for name in CHALLENGES]
    return Challenges(*[draw < rate for draw, rate in zip(draws, rates, strict=True)])
