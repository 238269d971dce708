"""``train fit``: a config in, a folder with checkpoints, metrics and pictures out."""

import signal
from pathlib import Path
from types import FrameType

import jax
import numpy as np
from jax.experimental import multihost_utils

from tirjax import training_checkpoints as checkpoints
from tirjax.tasks.run import Run
from tirjax.tasks.translation import TRANSLATIONS

from . import about, configs, devices, loop
from .journal import Log
from .options import Fit

SIGNALS = (signal.SIGINT, signal.SIGTERM)
ASKED = 10  # steps after which several processes ask each other whether to stop


class Interrupted(KeyboardInterrupt):
    """A signal came, and everything was saved."""


class Stop:
    """Notes signals; the loop asks after every step. The second one acts at once.

    Of several processes it is enough that one is told.
    """

    def __init__(self):
        self.signal: int | None = None

    def __enter__(self) -> "Stop":
        self._before = {s: signal.signal(s, self._note) for s in SIGNALS}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt("stopped before it was saved")
        self.signal = number

    def __call__(self, step: int) -> bool:
        """Whether to stop now; all processes answer alike."""
        if jax.process_count() == 1:
            return self.signal is not None
        if step % ASKED:
            return False
        noted = np.int32(self.signal is not None)
        return bool(np.any(multihost_utils.process_allgather(noted)))


def fit(options: Fit, settings: list[str]) -> None:
    """Trains, or goes on with what is in the workdir.

    Args:
      options: the command line.
      settings: what of it is the config's.

    Raises:
      DataError: the config, the data, the devices or the workdir cannot be used.
      Interrupted: by a signal, after saving.
    """
    devices.start(
        options.devices,
        options.distributed,
        options.coordinator,
        options.processes,
        options.process,
    )
    run, chosen = configs.read(options.config, settings)
    mesh = devices.mesh(run.feed.batch)
    record = about.describe(options.config, run.tracker, chosen, run.feed.describe())
    manager = checkpoints.open_manager(options.workdir, run.keep, run.best)
    try:
        _train(options.workdir, run, mesh, record, manager)
    finally:
        checkpoints.close(manager)


def _train(workdir: Path, run: Run, mesh, record: dict, manager) -> None:
    found = checkpoints.restore(manager, loop.shapes(run, mesh))
    start, state = found or (0, loop.first_state(run, mesh))
    first = jax.process_index() == 0
    with (
        Log(workdir, run.steps, start if found else None, writes=first) as log,
        Stop() as stop,
    ):
        if found:
            log.say(f"going on from step {start} in {workdir}")
        if start >= run.steps:
            log.say(f"{workdir} has all {run.steps} steps; --steps trains it further")
            return

        def save(step, state, variables, metrics):
            checkpoints.save(manager, step, state, variables, record, metrics)

        log.say(_welcome(run, mesh, state))
        one = loop.Loop(run, mesh, log, save, stop)
        done, state = one.go(start, state)
        checkpoints.wait(manager)
        if done < run.steps:
            raise Interrupted(
                f"saved step {done} in {workdir}; repeat the command to go on"
            )
        log.say(f"done: `{_next(run, workdir)}`")


def _next(run: Run, workdir: Path) -> str:
    """The command that uses what was trained."""
    if run.tracker in TRANSLATIONS:
        return (
            f"python -m train synthesize DATASET --data DIR --generator {workdir} "
            "--out OUT"
        )
    return (
        f"python -m track run VIDEO --init x,y,w,h --tracker {run.tracker} "
        f"--weights {workdir}"
    )


def _welcome(run: Run, mesh, state) -> str:
    count = sum(x.size for x in jax.tree.leaves(run.task.variables(state)["params"]))
    kind = jax.devices()[0].device_kind
    return (
        f"{count:,} parameters, {run.steps} steps of {run.feed.batch} examples on "
        f"{mesh.size} x {kind}"
    )
