"""How active the filters of a first layer are on one kind of image.

Networks learned from visible images have filters that thermal images hardly move.
Activations are shares of a fixed total, so that kinds of images can be compared.

Source: Zhang et al., Synthetic Data Generation for End-to-End Thermal Infrared
Tracking, IEEE TIP 28(4), 2019, who draw such curves. Their formula is not published;
this one is our reading of the figure.
"""

from collections.abc import Iterable

import numpy as np

from tirjax.data.sequence import DataError
from tirjax.typing import Float, Num


def mean_activation(
    responses: Iterable[Num[np.ndarray, "n rows columns filters"]],
) -> Float[np.ndarray, "filters"]:
    """Mean of each filter over places and images.

    Args:
      responses: rectified answers, batch by batch, of images of one size; read once.

    Raises:
      DataError: there are none.
    """
    total, count = None, 0
    for batch in responses:
        values = np.asarray(batch, np.float64)
        sums = values.mean((1, 2)).sum(0)
        total, count = sums if total is None else total + sums, count + len(values)
    if total is None:
        raise DataError("no image to take activations of; give at least one")
    return total / count


def activation_ratio(
    activations: Float[np.ndarray, "filters"], total: float = 1.0
) -> Float[np.ndarray, "filters"]:
    """Share of each filter.

    Args:
      activations: of each filter, at least 0.
      total: what shares add up to; the curves of the paper's figure add up to 0.5.

    Raises:
      DataError: no filter is active at all.
    """
    whole = activations.sum()
    if not whole > 0:
        raise DataError("no filter of the first layer answers; give other images")
    return total * activations / whole


def effective_filters(activations: Float[np.ndarray, "filters"]) -> float:
    """How many equally active filters are as evenly spread: exp of the entropy.

    Args:
      activations: of each filter, at least 0, not all 0.
    """
    shares = activation_ratio(activations)
    used = shares[shares > 0]
    return float(np.exp(-(used * np.log(used)).sum()))


def crossing_rank(
    a: Float[np.ndarray, "filters"], b: Float[np.ndarray, "filters"]
) -> int | None:
    """First rank at which the curves of sorted shares change their order.

    Args:
      a: activations on one kind of image.
      b: on the other.

    Returns:
      The rank from 1; None where one curve is never below the other.
    """
    one, other = (np.sort(activation_ratio(x))[::-1] for x in (a, b))
    order = np.sign(one - other)
    changed = np.flatnonzero((order != 0) & (order == -order[order != 0][:1].sum()))
    return int(changed[0]) + 1 if len(changed) else None
