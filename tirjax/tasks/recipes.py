"""What training recipes share: variables to start from that are not drawn."""

import jax
import jax.numpy as jnp

from tirjax.tasks.base import Task
from tirjax.typing import PyTree


def shapes(task: Task) -> PyTree:
    """Shapes of a task's variables; nothing is computed."""
    return jax.eval_shape(task.init, jax.random.key(0)).variables


def backbone_shapes(task: Task) -> PyTree:
    """Shapes of the backbone's variables alone, as a converted ResNet has them."""
    return {name: part["backbone"] for name, part in shapes(task).items()}


def starting_from(task: Task, given: PyTree) -> Task:
    """The task, some of its variables given and only the others drawn.

    Args:
      task: made by ``supervised``. Its optimiser's first state must not depend on
        values, as Adam's does not.
      given: by collection and part of the network; a part replaces the drawn one whole.
    """

    return _starting(
        task, lambda drawn: {name: drawn[name] | parts for name, parts in given.items()}
    )


def with_layers(task: Task, layers: PyTree) -> Task:
    """The task, some layers of its backbone given and all else drawn.

    Args:
      task: as for ``starting_from``.
      layers: parameters of whole layers, by name.
    """

    def change(drawn):
        params = drawn["params"]
        return {"params": params | {"backbone": params["backbone"] | layers}}

    return _starting(task, change)


def with_backbone(task: Task, backbone: PyTree) -> Task:
    """The task, its backbone given and its heads drawn.

    Args:
      task: as for ``starting_from``.
      backbone: of the shapes ``backbone_shapes`` says.
    """
    given = {name: {"backbone": part} for name, part in backbone.items()}
    return starting_from(task, given)


def _starting(task, change):
    """The task, the collections that ``change`` makes of the drawn ones in place."""

    def init(key):
        state = task.init(key)
        variables = state.variables | change(state.variables)
        kept = jax.tree.map(jnp.copy, variables["params"]) if state.average else {}
        return state._replace(variables=variables, average=kept)

    return task._replace(init=init)
