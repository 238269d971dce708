"""The training loop: any task, any feed, any number of devices.

Making a batch and learning from it are one compiled program. The host reads ahead and
looks at the metrics of a step while the next one runs; nothing is copied by accident.
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh

from tirjax.data.sequence import DataError
from tirjax.data.training.loader import batches
from tirjax.tasks.base import Gallery
from tirjax.tasks.run import Run
from tirjax.typing import PyTree

from . import devices, pictures
from .journal import Log

SHOWN = 6  # examples in a picture
Save = Callable[[int, Any, PyTree, Mapping[str, float]], None]


def keys(run: Run) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Keys for parameters, data and updates."""
    init, data, update = jax.random.split(jax.random.key(run.seed), 3)
    return init, data, update


def first_state(run: Run, mesh: Mesh) -> Any:
    """The state before training, on every device."""
    make = jax.jit(run.task.init, out_shardings=devices.everywhere(mesh))
    return make(keys(run)[0])


def shapes(run: Run, mesh: Mesh) -> Any:
    """Shapes and places of the state; nothing is computed."""
    place = devices.everywhere(mesh)
    like = jax.eval_shape(run.task.init, keys(run)[0])
    put = lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=place)
    return jax.tree.map(put, like)


def compile_step(run: Run, mesh: Mesh) -> Callable[..., Any]:
    """``(state, raw, number) -> (state, metrics)``, data making included."""
    _, data, update = keys(run)

    def step(state, raw, number):
        batch = run.feed.make(raw, data)
        key = jax.random.fold_in(update, number)
        return run.task.update(state, batch, key, devices.mean)

    return devices.parallel(mesh, step)


class Loop:
    """One run on its way.

    Args:
      run: the experiment.
      mesh: devices.
      log: for metrics and pictures.
      save: ``(step, state, variables, metrics)``, writes a checkpoint.
      stop: whether to save and stop after the step.
    """

    def __init__(
        self, run: Run, mesh: Mesh, log: Log, save: Save, stop: Callable[[int], bool]
    ):
        self.run, self.mesh, self.log = run, mesh, log
        self.save, self.stop = save, stop
        self.problems: set[str] = set()
        self._meter = Meter(run)
        self._preview = jax.jit(run.task.preview)
        self._make = jax.jit(run.feed.make)

    def go(self, start: int, state: Any) -> tuple[int, Any]:
        """Trains from step ``start`` to the end, or until told to stop.

        Args:
          start: updates made already.
          state: after them; its memory is used again.

        Returns:
          Updates made, and the state after them.

        Raises:
          DataError: a metric is not finite, or the data cannot be used.
        """
        run, untold, done = self.run, None, start
        step = compile_step(run, self.mesh)
        part = devices.part(run.feed.batch)
        source = batches(run.feed, start, run.steps, run.workers, part=part)
        for number, raw, problems in self._meter.reading(source):
            self._note(problems)
            placed = devices.spread(self.mesh, raw)
            at = devices.same(self.mesh, np.uint32(number))
            with jax.transfer_guard("disallow"):
                state, metrics = step(state, placed, at)
            if untold:
                self._tell(*untold)
            done, untold = number + 1, (number + 1, metrics)
            leave = self.stop(done)
            if leave or self._due(done):
                self._tell(*untold)
                untold = None
                self._pause(done, state, raw, leave)
            if leave:
                break
        return done, state

    def _due(self, done: int) -> bool:
        run = self.run
        each = [run.save_every, run.show_every, *(e.every for e in run.evals.values())]
        return done == run.steps or any(n and done % n == 0 for n in each)

    def _pause(self, done: int, state: Any, raw: PyTree, leave: bool) -> None:
        """What is done between steps: measure, show, save."""
        run, last = self.run, done == self.run.steps
        at = lambda every: bool(every) and (last or done % every == 0)
        variables = run.task.variables(state)
        due = [name for name, e in run.evals.items() if at(e.every)]
        # Also when told to stop: who goes on from here will not measure it again.
        measured = self._measure(done, due, variables) if due else {}
        if at(run.show_every) and jax.process_index() == 0:
            self._show(done, variables, raw)
        if leave or at(run.save_every):
            self.save(done, state, variables, measured)
        self._meter.restart()

    def _tell(self, step: int, metrics: PyTree) -> None:
        """Logs the metrics of a step once they are known to be finite."""
        values = {k: float(v) for k, v in jax.device_get(metrics).items()}
        bad = [f"{k} is {v}" for k, v in values.items() if not math.isfinite(v)]
        if bad:
            raise DataError(
                f"step {step}: {', '.join(bad)}; nothing of it was saved. Lower the "
                "learning rate, or look at the data of this step"
            )
        self.log.progress(step)
        self._meter.count()
        if step % self.run.log_every == 0 or step == self.run.steps:
            self.log.metrics(step, values | self._meter.read())

    def _measure(
        self, step: int, names: list[str], variables: PyTree
    ) -> dict[str, float]:
        """Logs measurements; other processes than the first only learn of the best."""
        found = {}
        if jax.process_index() == 0:
            here = devices.local(variables)
            for name in names:
                values = self.run.evals[name].measure(here)
                found |= {f"{name}/{key}": float(v) for key, v in values.items()}
            self.log.metrics(step, found)
            self.log.curves()
        best = self.run.best
        if best and jax.process_count() > 1:
            value = np.float32(found.get(best, math.nan))
            found = {best: float(multihost_utils.broadcast_one_to_all(value))}
        return found

    def _show(self, step: int, variables: PyTree, raw: PyTree) -> None:
        """Draws predictions on a few examples of the batch."""
        here = devices.local(variables)
        some = jax.tree.map(lambda x: x[:SHOWN], raw)
        shown = self._preview(here, self._make(some, keys(self.run)[1]))
        if isinstance(shown, Gallery):
            rows = jax.device_get(shown.pixels)
            images, columns = rows.reshape(-1, *rows.shape[2:]), rows.shape[1]
            self.log.image(step, "examples", pictures.grid(images, columns))
            return
        pixels, truth, found, scores = jax.device_get(shown)
        if scores.size == 0:
            scores = np.zeros((len(pixels), 2, 2))
        picture = pictures.draw_examples(pixels, truth, found, scores)
        self.log.image(step, "examples", picture)

    def _note(self, problems: tuple[str, ...]) -> None:
        """Names every bad file once."""
        for text in problems:
            if text not in self.problems:
                self.problems.add(text)
                self.log.say(f"skipped ({len(self.problems)}): {text}")


class Meter:
    """Images a second, and the share of the time that went into waiting for data.

    Args:
      run: whose batches are counted.
    """

    def __init__(self, run: Run):
        self._run, self._images = run, 0
        self.restart()

    def restart(self) -> None:
        """Forgets what was so far: the time of a pause does not count."""
        self._steps, self._waited, self._since = 0, 0.0, time.monotonic()

    def reading(self, source):
        """The source, its delays measured."""
        source = iter(source)
        while True:
            began = time.monotonic()
            try:
                element = next(source)
            except StopIteration:
                return
            self._waited += time.monotonic() - began
            self._images = self._images or self._in_batch(element[1])
            yield element

    def _in_batch(self, raw: PyTree) -> int:
        """Images in a batch of which this process read its part."""
        made = jax.eval_shape(self._run.feed.make, raw, keys(self._run)[1])
        images = sum(_images(leaf.shape) for leaf in jax.tree.leaves(made))
        return images * jax.process_count()

    def count(self) -> None:
        """One more step is done."""
        self._steps += 1

    def read(self) -> dict[str, float]:
        """Since the last reading."""
        past = max(time.monotonic() - self._since, 1e-9)
        speed, waiting = self._images * self._steps / past, self._waited / past
        self.restart()
        return {"images_per_second": speed, "waiting": waiting}


def _images(shape: tuple[int, ...]) -> int:
    """Pictures in an array ``[b, (n,) h, w, c]`` of a batch; none in any other."""
    if len(shape) not in (4, 5) or shape[-1] not in (1, 3):
        return 0
    return math.prod(shape[:-3])
