"""DCFNet: a correlation filter on two convolutions that were trained for it.

The regression of ``tirjax.solvers.dual_filter`` on learned features, one cell a pixel
of the crop. Three sizes of the window are tried; template and filter are running means
over all frames.

Source: Wang et al., DCFNet: Discriminant Correlation Filters Network for Visual
Tracking, arXiv 1704.04057, 2017.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.backbones.dcfnet import DCFNet, normalise
from tirjax.ops import boxes
from tirjax.ops.crop import crop
from tirjax.ops.fourier import hann
from tirjax.solvers import dual_filter
from tirjax.trackers.base import FOUND, Prediction, Tracker
from tirjax.typing import Float, Frame, PyTree


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the tracker.

    ``size``, ``padding``, ``rate``, ``scale_step`` and ``scale_penalty`` are those in
    the published file ``DCFNet-net-7-125-2.mat``, ``ridge`` and ``label_sigma`` those
    its network was trained with.

    Attributes:
      size: side of the crop and of its map, pixels after resampling.
      padding: window beyond the target, in sizes of the target.
      label_sigma: width of the desired response over the size of the target.
      ridge: regularisation of the regression.
      rate: share of the newest frame in the model.
      scales: sizes tried, odd; 1 keeps the first size.
      scale_step: ratio of neighbouring sizes.
      scale_penalty: factor on the response of every step away from the last size.
    """

    size: int = 125
    padding: float = 2.0
    label_sigma: float = 0.1
    ridge: float = 1e-4
    rate: float = 0.011
    scales: int = 3
    scale_step: float = 1.015
    scale_penalty: float = 1.0


class State(NamedTuple):
    """What is carried from frame to frame.

    Attributes:
      filter: the model.
      box: ``[4]`` last box, pixels.
    """

    filter: dual_filter.Filter
    box: Float[jax.Array, "4"]


def dcfnet(config: Config = Config(), net: DCFNet = DCFNet()) -> Tracker:
    """Builds the tracker; ``params`` are the variables of the network.

    Args:
      config: settings.
      net: network, whose maps must be as large as its crops.
    """
    shape = (config.size, config.size)
    sigma = config.size / (1 + config.padding) * config.label_sigma
    goal_f = np.fft.rfft2(dual_filter.goal(shape, sigma)).astype(np.complex64)
    taper = np.outer(hann(config.size), hann(config.size)).astype(np.float32)
    # The size as it was comes first: it wins a tie.
    steps = np.array(sorted(np.arange(config.scales) - config.scales // 2, key=abs))
    factors = (config.scale_step ** steps.astype(float)).astype(np.float32)
    penalties = (config.scale_penalty ** np.abs(steps)).astype(np.float32)

    def spectrum(params: PyTree, frame: Frame, box):
        side = box[2:] * (1 + config.padding)
        patch = crop(frame, boxes.from_centre(boxes.centre(box), side), shape)
        features: jax.Array = net.apply(params, normalise(patch))  # pyright: ignore[reportAssignmentType]
        return dual_filter.spectrum(features * taper[..., None])

    def learn(params, frame, box):
        template = spectrum(params, frame, box)
        return dual_filter.solve(template, jnp.asarray(goal_f), config.ridge)

    def respond(params, state, frame, factor):
        box = boxes.from_centre(boxes.centre(state.box), state.box[2:] * factor)
        return dual_filter.respond(state.filter, spectrum(params, frame, box), shape)

    def move(params, state, frame):
        """The box of the best response, and the response's height."""
        tried = jnp.asarray(factors)
        maps = jax.vmap(lambda f: respond(params, state, frame, f))(tried)
        heights = maps.max((1, 2)) * jnp.asarray(penalties)
        best = heights.argmax()
        row, col = jnp.unravel_index(maps[best].argmax(), shape)
        half, image = config.size // 2, frame.size[::-1].astype(jnp.float32)
        cells = (jnp.stack([col, row]) + half) % config.size - half
        size = state.box[2:] * tried[best]
        shift = cells / config.size * (1 + config.padding) * size
        centre = jnp.clip(boxes.centre(state.box) + shift, 0.0, image)
        return boxes.from_centre(centre, jnp.clip(size, 1.0, image)), heights[best]

    def init(params, frame, box, key):
        del key
        return State(learn(params, frame, box), box)

    def step(params, state, frame):
        box, score = move(params, state, frame)
        mix = lambda old, new: (1 - config.rate) * old + config.rate * new
        model = jax.tree.map(mix, state.filter, learn(params, frame, box))
        status = jnp.asarray(FOUND, jnp.int32)
        return State(model, box), Prediction(box=box, score=score, status=status)

    return Tracker(init, step)
