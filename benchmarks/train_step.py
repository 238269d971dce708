"""Speed of a training step of DiMP, beside a peer's on the same processor.

    python benchmarks/train_step.py
    python benchmarks/train_step.py --peer-python PYTHON --peer-worker FILE

A step is the published one: three train and three test crops of 288 pixels a
sequence, eight proposals a test crop, forward, backward and Adam, all batch norms in
training, random weights. ``learn`` has its batch ready, as the peer has; ``make``
renders and cuts a batch from the synthetic world; ``train`` is both in one program, as
the loop of ``python -m train fit`` runs it. Contenders take turns, a step each, and
none starts before the last has ended: a busy machine slows all alike. Ratios are of
steps of the same round. Without a peer the table has ours alone.

The worker belongs to whoever has the peer and its licence. ``PYTHON FILE`` gets one
argument, JSON with ``depth`` and ``sequences``; it writes a line of JSON about itself,
and then for every line it reads runs a step and writes ``{"seconds": ...}``. It has to
use shapes and losses as above.
"""

import contextlib
import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from tabulate import tabulate

from tirjax.backbones.norm import Norm
from tirjax.data.synthetic import preset
from tirjax.data.training.processing import Processing
from tirjax.data.training.rendered import Rendered
from tirjax.heads.networks import dimp_net
from tirjax.tasks import dimp_task, grouped
from tirjax_shell import measuring
from tirjax_shell.measuring import spread, timed, turns
from tirjax_shell.workers import Worker

RESULTS = Path(__file__).with_name("results")
PEER = "peer"
# The published learning rates.
_CLASSIFIER = {"classifier": 5e-5, "classifier/filter_optimizer": 5e-4}
RATES = {
    18: _CLASSIFIER | {"iou_net": 1e-3, "backbone": 2e-4},
    50: _CLASSIFIER | {"iou_net": 2e-4, "backbone": 2e-5},
}
# A contender runs one step and says how many seconds it took.
Contender = Callable[[], float]


@dataclasses.dataclass(frozen=True)
class Options:
    """Speed of a training step of DiMP.

    Attributes:
      peer_python: interpreter of the peer.
      peer_worker: file that runs the peer's steps.
      depth: of the backbone.
      sequences: of a step.
      rounds: steps of every contender that count.
      warmup: steps before them that do not.
      dtype: of the backbone's computation in our step; the peer's is its own affair.
      lanes: scenes rendered at once; 1 suits a CPU, an accelerator more.
      out: the report; by default in ``results``, named after the device.
    """

    peer_python: Path | None = None
    peer_worker: Path | None = None
    depth: Literal[18, 50] = 18
    sequences: int = 2
    rounds: int = 20
    warmup: int = 2
    dtype: Literal["float32", "bfloat16"] = "float32"
    lanes: int = 1
    out: Path | None = None


class Ours:
    """The three programs of our step, compiled, and a state that they carry on.

    Attributes:
      about: seconds of compilation and bytes of ``train``.
    """

    def __init__(self, options: Options):
        task, feed = build(options)
        key = jax.random.key(0)

        def learn(state, batch):
            return task.update(state, batch, key, lambda tree: tree)

        def train(state, raw):
            return learn(state, feed.make(raw, key))

        self.feed, self.number = feed, 0
        self.state = jax.jit(task.init)(key)
        raw = self._raw()
        self._make = jax.jit(feed.make).lower(raw, key).compile()
        self.key, self.batch = key, self._make(raw, key)
        started = time.perf_counter()
        self._train = _compiled(train, self.state, raw)
        self.about = {"compile s": round(time.perf_counter() - started, 1)}
        self._learn = _compiled(learn, self.state, self.batch)
        if memory := self._train.memory_analysis():
            used = memory.temp_size_in_bytes + memory.argument_size_in_bytes
            self.about["memory GiB"] = round(used / 2**30, 2)

    def _raw(self):
        raw, _ = self.feed.read(self.number)
        self.number += 1
        return jax.device_put(raw)

    def learn(self) -> float:
        """Learns from the batch that is there."""
        return self._advance(self._learn, self.batch)

    def train(self) -> float:
        """Makes a batch and learns from it."""
        return self._advance(self._train, self._raw())

    def make(self) -> float:
        """Makes a batch."""
        return timed(self._make, self._raw(), self.key)[1]

    def _advance(self, program, argument) -> float:
        (self.state, metrics), seconds = timed(program, self.state, argument)
        if not np.isfinite(metrics["loss"]):
            raise SystemExit(f"loss {metrics['loss']}: what was timed is no training")
        return seconds


def _compiled(function, state, argument):
    return jax.jit(function, donate_argnums=0).lower(state, argument).compile()


def build(options: Options):
    """Task and feed in the published settings."""
    dtype = jnp.dtype(options.dtype) if options.dtype != "float32" else None
    net = dimp_net(options.depth, norm=Norm(batch=True), dtype=dtype)
    task = dimp_task(net, grouped(RATES[options.depth]))
    feed = Rendered(
        preset("mixed"), Processing(), options.sequences, lanes=options.lanes
    )
    return task, feed


def peer_worker(options: Options) -> Worker:
    """The process that runs the peer's steps."""
    asked = {"depth": options.depth, "sequences": options.sequences}
    command = [options.peer_python, options.peer_worker, json.dumps(asked)]
    return Worker(command)  # pyright: ignore[reportArgumentType]


def take_turns(
    contenders: dict[str, Contender], options: Options
) -> dict[str, np.ndarray]:
    """Seconds of every step that counts."""
    seconds = {name: [] for name in contenders}
    for number, name, took in turns(contenders, options.rounds, options.warmup):
        if number >= 0:
            seconds[name].append(took)
    return {name: np.array(values) for name, values in seconds.items()}


def markdown(options: Options, about: dict, seconds: dict[str, np.ndarray]) -> str:
    """The report."""
    images = 6 * options.sequences
    rows = []
    for name, values in seconds.items():
        against = seconds[PEER] / values if PEER in seconds else None
        shown = "" if against is None or name in (PEER, "make") else spread(against, 2)
        rows.append(
            {
                "what": name,
                "ms a step": spread(1e3 * values, 0),
                "images/s": f"{images / np.median(values):.1f}",
                "peer's time over it": shown,
            }
        )
    share = spread(100 * seconds["make"] / (seconds["make"] + seconds["learn"]), 0)
    parts = [
        f"# A training step of DiMP-{options.depth}",
        "Written by `benchmarks/train_step.py`; its docstring says what is measured. "
        "Medians, and the 10th to 90th percentile in brackets.",
        "Conditions: " + ", ".join(f"{k} {v}" for k, v in about.items()) + ".",
        tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True),
        f"Making the data is {share} % of making it and learning from it.",
    ]
    return "\n\n".join(parts) + "\n"


def conditions(options: Options) -> dict[str, Any]:
    """What a reader needs to know of the run."""
    return measuring.conditions() | {
        "dtype": options.dtype,
        "sequences": options.sequences,
        "images": 6 * options.sequences,
        "rounds": options.rounds,
    }


def main(options: Options) -> None:
    """Measures, prints and writes the report."""
    if (options.peer_python is None) != (options.peer_worker is None):
        raise SystemExit("--peer-python and --peer-worker go together")
    about = conditions(options)
    with contextlib.ExitStack() as stack:
        ours = Ours(options)
        contenders = {"learn": ours.learn, "train": ours.train, "make": ours.make}
        about |= ours.about
        if options.peer_worker:
            peer = stack.enter_context(peer_worker(options))
            contenders[PEER] = lambda: peer.ask(step=1)["seconds"]
            about |= {f"{k} (peer)": v for k, v in peer.about.items()}
        seconds = take_turns(contenders, options)
    report = markdown(options, about, seconds)
    print(report)
    out = options.out or RESULTS / f"train_step_{jax.default_backend()}.md"
    out.write_text(report)


if __name__ == "__main__":
    main(tyro.cli(Options))
