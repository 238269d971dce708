"""MOSSE: the smallest correlation-filter tracker, and the template for the rest.

Source: Bolme et al., Visual Object Tracking using Adaptive Correlation Filters,
CVPR 2010.
"""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp

from tirjax.ops import boxes
from tirjax.ops.crop import crop
from tirjax.trackers.base import FOUND, Prediction, Tracker
from tirjax.typing import Array, Float


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the tracker; ``sigma`` and ``rate`` default to the paper's.

    Attributes:
      size: side of the square search patch, pixels after resampling.
      context: side of the search region over the side of the target.
      sigma: width of the desired response, pixels of the patch.
      rate: share of the newest frame in the running filter.
      ridge: regularisation added to the denominator.
    """

    size: int = 64
    context: float = 2.0
    sigma: float = 2.0
    rate: float = 0.125
    ridge: float = 1e-2


class State(NamedTuple):
    """Numerator and denominator of the filter (``[s, s//2+1]``) and the last box."""

    num: Array
    den: Array
    box: Float[Array, "4"]


def mosse(config: Config = Config()) -> Tracker:
    """Builds the tracker. It has no learned parameters: pass ``params=()``."""
    s = config.size
    offset = jnp.fft.fftfreq(s, 1 / s)
    goal = jnp.exp(-(offset[:, None] ** 2 + offset**2) / (2 * config.sigma**2))
    goal_f = jnp.fft.rfft2(goal)
    window = jnp.hanning(s)[:, None] * jnp.hanning(s)

    def spectrum(frame, box):
        region = boxes.from_centre(boxes.centre(box), box[2:] * config.context)
        patch = jnp.log1p(crop(frame, region, (s, s)).mean(-1))
        patch = (patch - patch.mean()) / (patch.std() + 1e-5)
        return jnp.fft.rfft2(patch * window)

    def learn(frame, box):
        x = spectrum(frame, box)
        return goal_f * x.conj(), (x * x.conj()).real

    def init(params, frame, box, key):
        del params, key
        num, den = learn(frame, box)
        return State(num=num, den=den, box=box)

    def step(params, state, frame):
        del params
        h = state.num / (state.den + config.ridge)
        response = jnp.fft.irfft2(h * spectrum(frame, state.box), (s, s))
        row, col = jnp.unravel_index(response.argmax(), response.shape)
        shift = jnp.stack([offset[col], offset[row]]) / s * state.box[2:]
        centre = boxes.centre(state.box) + shift * config.context
        inside = jnp.clip(centre, 0.0, frame.size[::-1].astype(jnp.float32))
        box = boxes.from_centre(inside, state.box[2:])
        num, den = learn(frame, box)
        mix = lambda old, new: (1 - config.rate) * old + config.rate * new
        state = State(num=mix(state.num, num), den=mix(state.den, den), box=box)
        found = jnp.int32(FOUND)
        return state, Prediction(box=box, score=response.max(), status=found)

    return Tracker(init, step)
