"""Siamese trackers: a template, its response at several sizes, the highest peak.

SiamFC, CFNet, MLSSNet and MMNet differ in the network and in settings only. Nothing is
trained online; the template is a running mean.

Source: Bertinetto et al., Fully-Convolutional Siamese Networks for Object Tracking,
ECCV 2016 workshops, section 3.1; Valmadre et al., End-to-end Representation Learning
for Correlation Filter Based Tracking, CVPR 2017, section 3 (the running mean).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.heads.siamese import Levels, Responses, Siamese
from tirjax.ops import boxes
from tirjax.trackers.base import FOUND, Prediction, Tracker
from tirjax.trackers.siamese import pyramid
from tirjax.trackers.siamese.config import Config
from tirjax.trackers.siamese.response import displacement, locate
from tirjax.typing import Array, Float


class State(NamedTuple):
    """What is carried from frame to frame.

    Attributes:
      template: one array ``[1, t, t, c]`` a level.
      box: ``[4]`` last box, pixels.
      side: of the exemplar's region, pixels; that of the search region follows.
      first_side: the same on the first frame.
      colour: ``[c]`` mean of the first frame, which pads later ones.
    """

    template: Levels
    box: Float[Array, "4"]
    side: Float[Array, ""]
    first_side: Float[Array, ""]
    colour: Float[Array, " c"]


def siamese(config: Config, net: Siamese) -> Tracker:
    """Builds the tracker; ``params`` are the variables of the network.

    Args:
      config: settings, which must be those of the network in ``exemplar``, ``search``
        and ``stride``.
      net: network.
    """
    steps = np.arange(config.scales) - config.scales // 2
    scales = config.scale_step ** steps.astype(float)
    wider = config.search / config.exemplar
    cut = pyramid.parity if config.parity else pyramid.exact

    def limited(side, frame):
        """Sides of which both regions can be cut."""
        least, most = pyramid.limits(frame)
        return jnp.clip(side, least, most / wider)

    def learn(params, frame, colour, centre, side):
        if config.parity:  # rounded sides of all levels decide on the middle one
            levels = cut(frame, colour, centre, side, scales, config.exemplar)
            crop = levels[config.scales // 2][None]
        else:
            crop = cut(frame, colour, centre, side, np.ones(1), config.exemplar)
        template: Levels = net.apply(params, crop, method="exemplar")  # pyright: ignore[reportAssignmentType]
        return template

    def respond(params, state, frame):
        """One map ``[h, w]`` for every size."""
        centre, side = boxes.centre(state.box), state.side * wider
        crops = cut(frame, state.colour, centre, side, scales, config.search)
        out: Responses = net.apply(params, state.template, crops, method="respond")  # pyright: ignore[reportAssignmentType]
        return (out.raw if config.response == "raw" else out.adjusted).sum(1)

    def placed(centre, size, frame):
        """The box; ``parity`` bounds its size only so that it stays finite."""
        image = frame.size[::-1].astype(jnp.float32)
        if config.parity:
            return boxes.from_centre(centre, jnp.clip(size, 1e-3, 1e3 * image))
        inside = jnp.clip(centre, 0.0, image)
        return boxes.from_centre(inside, jnp.clip(size, 1.0, image))

    def init(params, frame, box, key):
        del key
        box = jnp.asarray(box, jnp.float32)
        size = box[2:]
        margin = config.context * size.sum()
        side = limited(jnp.sqrt((size + margin).prod()), frame)
        colour = pyramid.mean_colour(frame)
        template = learn(params, frame, colour, boxes.centre(box), side)
        return State(template, box, side, side, colour)

    def step(params, state, frame):
        maps = respond(params, state, frame)
        found = locate(maps, config)
        move = displacement(found.at, state.side * wider, config, maps.shape[-1])
        change = jnp.asarray(scales, jnp.float32)[found.scale]
        change = 1 - config.scale_rate + config.scale_rate * change
        centre = boxes.centre(state.box) + move
        box = placed(centre, state.box[2:] * change, frame)
        template = state.template
        if config.rate:
            # The size it had before: the new one is not sure yet.
            new = learn(params, frame, state.colour, boxes.centre(box), state.side)
            mix = lambda old, new: (1 - config.rate) * old + config.rate * new
            template = jax.tree.map(mix, template, new)
        bounds = (config.least * state.first_side, config.most * state.first_side)
        side = limited(jnp.clip(state.side * change, *bounds), frame)
        status = jnp.asarray(FOUND, jnp.int32)
        prediction = Prediction(box=box, score=found.score, status=status)
        return state._replace(template=template, box=box, side=side), prediction

    return Tracker(init, step)
