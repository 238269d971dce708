"""What can be learned: each task is a few pure functions."""

from tirjax.tasks.atom import atom_task
from tirjax.tasks.base import Preview, State, Task
from tirjax.tasks.dimp import dimp_task
from tirjax.tasks.optimizers import grouped, step_decay

__all__ = [
    "Preview",
    "State",
    "Task",
    "atom_task",
    "dimp_task",
    "grouped",
    "step_decay",
]
