"""What `track bench` measures of our trackers, and what this machine could reach."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.checkpoints import save_variables
from tirjax.trackers import NETWORKS, Tracker
from tirjax.trackers.atom import ATOM, atom
from tirjax.trackers.dimp import DIMP18, DIMP50, SUPER_DIMP, dimp
from tirjax.typing import Frame
from tirjax.weights import SHIPPED
from tirjax_shell.measuring import timed

from . import catalogue, programs
from .canvas import canvas_of, chunk_frames
from .runner import BUCKET, follow_many

# Trackers that skip refinement and learning where they judge the target lost, as they
# mostly do with random weights, and that learn at once where they see a rival.
_JUDGING = {
    "dimp18": (dimp, DIMP18),
    "dimp50": (dimp, DIMP50),
    "super_dimp": (dimp, SUPER_DIMP),
    "atom": (atom, ATOM),
}


class Shot(NamedTuple):
    """What is tracked.

    Attributes:
      frames: ``[rows, columns, channels]`` each.
      box: on the first, pixels.
    """

    frames: Sequence[np.ndarray]
    box: np.ndarray


class Turn(NamedTuple):
    """One way through the frames of a shot, or of several in a batch.

    Attributes:
      frames: tracked, of all clips, the first ones left out.
      seconds: they took on the device.
      first: seconds of the first frame of all clips.
      boxes: ``[t, 4]`` of the first clip, the first frame included.
    """

    frames: int
    seconds: float
    first: float
    boxes: np.ndarray = np.empty((0, 4))


def runs_here(name: str, texts: Sequence[str]) -> bool:
    """Whether there are weights for this tracker, or it needs none."""
    return name not in NETWORKS or name in SHIPPED or bool(own(name, texts))


def own(name: str, texts: Sequence[str]) -> list[str]:
    """Of the texts of ``--weights`` those that this tracker may use."""
    if name not in NETWORKS:
        return []
    return [t for t in texts if t.partition("=")[0] not in {*NETWORKS} - {name}]


def drawn(name: str) -> Any:
    """Variables of a network as they are before training."""
    images, boxes = jnp.zeros((1, 64, 64, 3)), jnp.ones((1, 4))
    return jax.jit(NETWORKS[name]().init)(jax.random.key(0), images, boxes)


def draw(name: str, folder: Path) -> str:
    """Writes random variables of a network; the text of ``--weights`` for them."""
    variables = jax.device_get(drawn(name))
    save_variables(folder / name, variables, {"architecture": name})
    return f"{name}={folder / name}"


@functools.cache
def tireless(name: str) -> Tracker | None:
    """The tracker that never thinks its target lost nor sees a rival, and so does the
    work of a found one on every frame; None where it does anyhow."""
    if name not in _JUDGING:
        return None
    factory, config = _JUDGING[name]
    sure = {"not_found": -np.inf, "distractor": np.inf, "hard_negative": np.inf}
    trust = dataclasses.replace(config.trust, **sure)
    return factory(dataclasses.replace(config, trust=trust))


def build(name: str, box: np.ndarray, never_lost: bool) -> Tracker:
    """The tracker as it is measured."""
    return (never_lost and tireless(name)) or catalogue.build(name, box)


def turn(tracker: Tracker, params: Any, shot: Shot, batch: int) -> Turn:
    """Tracks a shot, or as many copies of it in lock-step."""
    keys = list(jax.random.split(jax.random.key(0), batch))
    clips = [shot.frames] * batch
    rows = list(follow_many(tracker, params, clips, [shot.box] * batch, keys))
    first, *rest = (sum(r.seconds for r in row if r) for row in rows)
    boxes = np.array([row[0].box for row in rows if row[0]])
    return Turn(batch * len(rest), sum(rest), first, boxes)


def work(tracker: Tracker, params: Any, shot: Shot) -> dict[str, float | None]:
    """Operations and bytes of a frame, as XLA counts them in its compiled program.

    The program is the loop over a chunk, whose body XLA counts once. Of a condition it
    counts the costlier branch, as if every frame learned.
    """
    canvas = canvas_of(shot.frames[:1], BUCKET)
    shape = jax.ShapeDtypeStruct
    length = chunk_frames(canvas)
    frames = lambda *lead: Frame(
        shape((*lead, *canvas.shape), canvas.dtype),  # pyright: ignore[reportArgumentType]
        shape((*lead, 2), jnp.int32),  # pyright: ignore[reportArgumentType]
    )
    start = params, frames(), shape((4,), jnp.float32), jax.random.key(0)
    state = jax.eval_shape(tracker.init, *start)
    arguments = (params, state, frames(length), np.int32(length))
    counted = programs.compiled(tracker, "one", "chunk", arguments).cost_analysis()
    found = counted or {}
    return {"flops": found.get("flops"), "bytes": found.get("bytes accessed")}


def ceilings() -> dict[str, Callable[[], float]]:
    """What this machine does at best, measured anew with every call.

    Returns:
      ``matmul``, operations a second of a product of float32 matrices, and ``copy``,
      bytes a second of reading and writing a large array; both compiled.
    """
    large = jax.default_backend() != "cpu"
    side, count = (8192, 1 << 28) if large else (2048, 1 << 24)
    matrix, row = jnp.ones((side, side)), jnp.ones(count)
    product, copy = jax.jit(jnp.matmul), jax.jit(lambda x: x + 1)
    jax.block_until_ready((product(matrix, matrix), copy(row)))
    return {
        "matmul": lambda: 2 * side**3 / timed(product, matrix, matrix)[1],
        "copy": lambda: 2 * row.nbytes / timed(copy, row)[1],
    }
