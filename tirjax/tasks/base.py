"""A task is what to learn; the training loop never looks inside one."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from tirjax.data.sequence import DataError
from tirjax.typing import Array, Float, Key, PyTree

Metrics = dict[str, Array]
# Averages a tree over the devices that share a batch; the identity on a single one.
Mean = Callable[[PyTree], PyTree]
# ``(variables, batch) -> (loss, (metrics, batch_stats))``, the last with the statistics
# as the forward pass left them.
Objective = Callable[[PyTree, PyTree], tuple[Array, tuple[Metrics, PyTree]]]


class Preview(NamedTuple):
    """Predictions on a few examples, for people to look at.

    Attributes:
      pixels: ``[n, s, s, c]``, 0..255.
      truth: ``[n, 4]`` boxes.
      found: ``[n, 4]`` predicted boxes.
      scores: ``[n, f, f]`` score maps; ``[n, 0, 0]`` where a task has none.
    """

    pixels: Float[Array, "n s s c"]
    truth: Float[Array, "n 4"]
    found: Float[Array, "n 4"]
    scores: Float[Array, "n f f"]


class Gallery(NamedTuple):
    """Images in a row for each of a few examples, for people to look at.

    Attributes:
      pixels: ``[n, k, h, w, 3]``, 0..255; what the ``k`` images of a row are is for the
        task to say.
    """

    pixels: Float[Array, "n k h w 3"]


class Task(NamedTuple):
    """Pure functions of a state that only the task understands.

    Attributes:
      init: ``key -> state``.
      update: ``(state, batch, key, mean) -> (state, metrics)``; one optimisation step.
        A GAN updates two networks here, distillation reads a frozen teacher; the loop
        sees the same signature. ``mean`` averages gradients over devices. Metrics are
        scalars, one of them ``loss``.
      variables: ``state -> variables`` that a tracker takes.
      preview: ``(variables, batch) -> Preview``, or a ``Gallery`` where there are no
        boxes.
    """

    init: Callable[[Key[Array, ""]], Any]
    update: Callable[[Any, PyTree, Key[Array, ""], Mean], tuple[Any, Metrics]]
    variables: Callable[[Any], PyTree]
    preview: Callable[[PyTree, PyTree], Preview | Gallery]


class State(NamedTuple):
    """Of one network under one loss.

    Attributes:
      variables: ``params`` and ``batch_stats``.
      optimizer: state of the optimiser.
      average: exponential moving average of ``params``; empty without one.
      step: number of updates made.
    """

    variables: PyTree
    optimizer: optax.OptState
    average: PyTree
    step: Array


def drawn(net: nn.Module, side: int, start: PyTree) -> Callable[..., PyTree]:
    """What a network of crops and boxes starts from: ``key -> variables``.

    Args:
      net: takes images and a box in each.
      side: of the crops, pixels.
      start: variables to start from; None draws them.
    """

    def begin(key):
        images, boxes = jnp.zeros((1, side, side, 3)), jnp.ones((1, 4))
        return net.init(key, images, boxes) if start is None else start

    return begin


def supervised(
    start: Callable[[Key[Array, ""]], PyTree],
    objective: Objective,
    optimizer: optax.GradientTransformation,
    preview: Callable[[PyTree, PyTree], Preview],
    *,
    accumulate: int = 1,
    average: float = 0.0,
) -> Task:
    """One network, one loss.

    Args:
      start: ``key -> variables``.
      objective: what to minimise.
      optimizer: of ``params``; float32 whatever the network computes in.
      preview: as in ``Task``.
      accumulate: parts a batch is cut into, one after the other, to save memory; it
        must divide the examples of a device. Static.
      average: share of the old parameters that their moving average keeps at a step,
        0 to 1; 0 keeps no average. It rises to this value over the first steps.
    """

    def init(key):
        variables = start(key)
        params = variables["params"]
        kept = jax.tree.map(jnp.copy, params) if average else {}
        return State(variables, optimizer.init(params), kept, jnp.int32(0))

    def update(state, batch, key, mean):
        del key
        params = state.variables["params"]
        stats = state.variables.get("batch_stats", {})
        found = _gradients(objective, params, stats, batch, accumulate)
        gradients, metrics, stats = mean(found)
        metrics |= {"grad_norm": optax.tree.norm(gradients)}
        updates, optimizer_state = optimizer.update(gradients, state.optimizer, params)
        params = optax.apply_updates(params, updates)
        kept = state.average
        if average:
            share = jnp.minimum(average, (1.0 + state.step) / (10.0 + state.step))
            kept = optax.incremental_update(params, kept, 1 - share)
        variables = {"params": params, "batch_stats": stats}
        return State(variables, optimizer_state, kept, state.step + 1), metrics

    def variables(state):
        return state.variables | ({"params": state.average} if average else {})

    return Task(init, update, variables, preview)


def _gradients(objective, params, stats, batch, parts):
    """Gradients and metrics, means over the parts, and the last statistics."""

    def one(stats, part):
        def loss(p):
            return objective({"params": p, "batch_stats": stats}, part)

        grad = jax.value_and_grad(loss, has_aux=True)
        (value, (metrics, moved)), gradients = grad(params)
        return moved, (gradients, {"loss": value} | metrics)

    if parts == 1:
        stats, (gradients, metrics) = one(stats, batch)
        return gradients, metrics, stats
    count = len(jax.tree.leaves(batch)[0])
    if count % parts:
        raise DataError(
            f"accumulate {parts} does not divide the {count} examples of a device; "
            "choose another batch"
        )
    cut = lambda x: x.reshape(parts, count // parts, *x.shape[1:])
    batches = jax.tree.map(cut, batch)
    shapes = jax.eval_shape(one, stats, jax.tree.map(lambda x: x[0], batches))[1]
    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)

    def body(carry, part):
        stats, total = carry
        stats, found = one(stats, part)
        return (stats, jax.tree.map(jnp.add, total, found)), None

    (stats, total), _ = jax.lax.scan(body, (stats, zeros), batches)
    gradients, metrics = jax.tree.map(lambda x: x / parts, total)
    return gradients, metrics, stats
