"""Learning features end to end for a correlation filter.

A filter is solved for in closed form on one crop and answers on another; the error of
its answer goes back through both into the network.

Source: Wang et al., DCFNet: Discriminant Correlation Filters Network for Visual
Tracking, arXiv 1704.04057, 2017; Zhang et al., Synthetic data generation for end-to-end
thermal infrared tracking, TIP 2019, which trains other networks so.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from tirjax.backbones.trunk import Trunk
from tirjax.data.sequence import DataError
from tirjax.data.training.filter_pairs import FilterPairs, Stretch
from tirjax.solvers import dual_filter
from tirjax.solvers.correlation_filter import crop_margin
from tirjax.tasks.base import Objective, Preview, Task, supervised
from tirjax.tasks.matconvnet_sgd import log_spaced, matconvnet_sgd
from tirjax.typing import Array, Float, Int, PyTree


class Regression(NamedTuple):
    """The filter that features are learned for; defaults are DCFNet's.

    Attributes:
      layer: map it is solved on; empty takes the deepest.
      margin: cells cut off each side of it: those that see zeros around the crop. The
        target is always in the middle, so a network that knows where a crop ends can
        answer right without looking; what it learns then is of no use.
      ridge: its regularisation.
      sigma: width of the desired response over the size of the target.
    """

    layer: str = ""
    margin: int = 0
    ridge: float = 1e-4
    sigma: float = 0.1


def wanted(trunk: Trunk, how: Regression, stretch: Stretch) -> np.ndarray:
    """The desired response, its peak at the first cell, ``[n, n]``.

    Raises:
      DataError: the network has no such layer, or the crops are too small for it.
    """
    layer = how.layer or trunk.last
    if layer not in trunk.strides:
        raise DataError(f"no layer {layer!r}; there are {', '.join(trunk.strides)}")
    cells = trunk.cells(layer, stretch.side) - 2 * how.margin
    if cells < 3:
        raise DataError(
            f"crops of {stretch.side} pixels leave {max(cells, 0)} cells of {layer}; "
            "3 are the least"
        )
    target = stretch.side / (1 + stretch.padding) / trunk.strides[layer]
    return dual_filter.goal((cells, cells), target * how.sigma).astype(np.float32)


def _respond(trunk: Trunk, how: Regression, goal, variables, batch, **settings):
    """Responses of a batch, and what ``mutable`` asks for; the crops go together."""
    crops = jnp.concatenate([batch.target, batch.search])
    maps, changed = trunk.run(variables, crops, **settings)
    inside = crop_margin(maps[how.layer or trunk.last], how.margin)
    target, search = jnp.split(inside, 2)
    answer = lambda x, z: dual_filter.layer(x, z, jnp.asarray(goal), how.ridge)
    return jax.vmap(answer)(target, search), changed


def cells_off(responses: Float[Array, "n h w"]) -> Int[Array, " n"]:
    """How far each response peaks from the first cell, the longer axis counts."""
    n, h, w = responses.shape
    best = responses.reshape(n, -1).argmax(-1)
    row, col = best // w, best % w
    away = lambda x, size: jnp.minimum(x, size - x)
    return jnp.maximum(away(row, h), away(col, w))


def objective(trunk: Trunk, how: Regression, stretch: Stretch) -> Objective:
    """What ``supervised`` minimises: the squared error of a pair, summed over cells.

    Args:
      trunk: for training; batch norms, if any, say where statistics come from.
      how: the filter.
      stretch: how crops are made.
    """
    goal = wanted(trunk, how, stretch)

    def value(variables: PyTree, batch: FilterPairs) -> tuple[Array, Any]:
        responses, changed = _respond(
            trunk, how, goal, variables, batch, mutable=["batch_stats"]
        )
        loss = ((responses - goal) ** 2).sum() / len(responses)
        metrics = {"miss": (cells_off(responses) > 1).mean()}
        before = variables.get("batch_stats", {})
        return loss, (metrics, changed.get("batch_stats", before))

    return value


def features_task(
    trunk: Trunk,
    optimizer: optax.GradientTransformation,
    stretch: Stretch,
    how: Regression = Regression(),
    *,
    judge: Trunk | None = None,
    start: PyTree = None,
    accumulate: int = 1,
) -> Task:
    """The task; batches are ``FilterPairs``.

    Args:
      trunk: for training.
      optimizer: of its parameters.
      stretch: how crops are made.
      how: the filter.
      judge: the trunk as trackers have it, for the preview; the same by default.
      start: variables to start from; None draws them.
      accumulate: as for ``supervised``.
    """
    image = jnp.zeros((1, stretch.side, stretch.side, 1))

    def begin(key):
        drawn = trunk.net.init(key, trunk.normalise(image)) if start is None else start
        return {"batch_stats": {}} | dict(drawn)

    learned = objective(trunk, how, stretch)
    see = preview(judge or trunk, how, stretch)
    return supervised(begin, learned, optimizer, see, accumulate=accumulate)


def preview(
    trunk: Trunk, how: Regression, stretch: Stretch
) -> Callable[[PyTree, FilterPairs], Preview]:
    """Predictions on pairs, as ``Task`` has them: of the crops searched."""
    goal = wanted(trunk, how, stretch)
    stride = trunk.strides[how.layer or trunk.last]
    extent = stretch.side / (1 + stretch.padding)

    def see(variables: PyTree, batch: FilterPairs) -> Preview:
        responses, _ = _respond(trunk, how, goal, variables, batch)
        n, cells = responses.shape[:2]
        middle = cells // 2
        scores = jnp.roll(responses, (middle, middle), (1, 2))
        best = scores.reshape(n, -1).argmax(-1)
        moved = stride * (jnp.stack([best % cells, best // cells], -1) - middle)
        corner = (stretch.side - extent) / 2
        square = lambda by: jnp.pad(
            corner + by, ((0, 0), (0, 2)), constant_values=extent
        )
        pixels = jnp.broadcast_to(batch.search, (*batch.search.shape[:3], 3))
        return Preview(pixels, square(0.0 * moved), square(1.0 * moved), scores)

    return see


class Schedule(NamedTuple):
    """Learning rates, logarithmically spaced over all epochs.

    Attributes:
      first: of the first epoch.
      last: of the last.
      epochs: how many.
      decay: of the weights.
    """

    first: float
    last: float
    epochs: int = 50
    decay: float = 5e-4

    def optimizer(self, epoch_steps: int) -> optax.GradientTransformation:
        """Gradient descent with momentum.

        Args:
          epoch_steps: updates of an epoch.
        """
        rates = log_spaced(self.first, self.last, self.epochs, epoch_steps)
        return matconvnet_sgd(rates, decay=self.decay)


SCRATCH = Schedule(1e-2, 1e-5)
# ECO-stir's, by the name of its published network; its epoch 45 was the one used.
FINE_TUNING = Schedule(1e-4, 1e-6)
