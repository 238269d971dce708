"""Images per second of the same translators here and in PyTorch, in one run.

PyTorch needs an environment of its own, which needs nothing of this project:

    python -m venv peer && peer/bin/pip install torch numpy
    python benchmarks/translation_throughput.py --torch peer/bin/python

Networks are U-Net 256 (batch norm with the statistics of the batch, as it translates)
and ResNet with nine blocks (instance norm), at 256 pixels, float32. Both sides start
from the same weights, PyTorch's, and must agree on an image before anything is timed.
They take turns, so that a busy machine slows both alike; both are compiled and warm.
Reported are medians with the quartiles, of the time on the clock and of the processor
time, which other programs disturb less.
"""

import dataclasses
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from tabulate import tabulate

from tirjax.backbones.norm import Norm
from tirjax.translators import ResNetGenerator, UNet
from tirjax_shell import measuring
from tirjax_shell.workers import Worker

WORKER = Path(__file__).with_name("torch_translators.py")
RESULTS = Path(__file__).with_name("results")
NETWORKS = {
    "unet_256": UNet(8, 1, norm=Norm(batch=True)),
    "resnet_9blocks": ResNetGenerator(9, 3),
}


@dataclasses.dataclass(frozen=True)
class Options:
    """Images per second here and in PyTorch.

    Attributes:
      torch: interpreter with PyTorch.
      batches: images at a time.
      rounds: turns that each side takes.
      repeats: translations in a turn.
      threads: of PyTorch; XLA takes all, or one with the flag
        ``--xla_cpu_multi_thread_eigen=false`` in ``XLA_FLAGS``.
      out: where the reports go.
    """

    torch: Path
    batches: tuple[int, ...] = (1, 4)
    rounds: int = 7
    repeats: int = 2
    threads: int = 1
    out: Path = RESULTS


def unet_variables(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """PyTorch's arrays of the U-Net by our names."""
    params: dict[str, Any] = {}
    for key, value in arrays.items():
        part, *rest = key.split(".")
        if part in ("down", "up"):
            # (out, in, i, j), or (in, out, i, j): rows, columns, then the other two.
            leaf = {"weight": "kernel", "bias": "bias"}[rest[1]]
            value = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value
            params.setdefault(f"{part}_{rest[0]}", {})[leaf] = value
        elif rest[-1] in ("weight", "bias"):
            leaf = {"weight": "scale", "bias": "bias"}[rest[1]]
            params.setdefault(f"{part}_{rest[0]}", {})[leaf] = value
    stats = {
        name: {"mean": np.zeros_like(p["scale"]), "var": np.ones_like(p["scale"])}
        for name, p in params.items()
        if "norm" in name
    }
    return {"params": params, "batch_stats": stats}


def resnet_variables(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """PyTorch's arrays of the ResNet by our names."""
    blocks = [f"block_{i}" for i in range(9)]
    order = ["stem", "down_0", "down_1", *blocks, "up_0", "up_1", "head"]
    convs: dict[str, dict[str, np.ndarray]] = {}
    for key, value in arrays.items():
        place, _, leaf = key.rpartition(".")
        value = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value
        name = {"weight": "kernel", "bias": "bias"}[leaf]
        convs.setdefault(place, {})[name] = value
    found = iter(convs.values())
    params = {
        name: {"conv1": next(found), "conv2": next(found)}
        if name.startswith("block")
        else next(found)
        for name in order
    }
    return {"params": params}


def same_network(peer: Worker, name: str) -> tuple[Any, float]:
    """Our variables with PyTorch's weights, and how far the outputs are apart."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "net.npz")
        peer.ask(network=name, save=path)
        arrays = dict(np.load(path))
    x, y = (arrays.pop(key).transpose(0, 2, 3, 1) for key in ("__x", "__y"))
    to_ours = unet_variables if name == "unet_256" else resnet_variables
    variables = jax.tree.map(jnp.asarray, to_ours(arrays))
    ours = jax.jit(NETWORKS[name].apply)(variables, jnp.asarray(x))
    return variables, float(np.abs(np.asarray(ours) - y).max())


def measure(peer: Worker, options: Options, name: str, batch: int) -> dict[str, Any]:
    """Both sides in turns."""
    variables, apart = same_network(peer, name)
    assert apart < 1e-3, f"{name}: outputs differ by {apart}"
    x = jax.random.normal(jax.random.key(0), (batch, 256, 256, 3))
    step = jax.jit(NETWORKS[name].apply)
    jax.block_until_ready(step(variables, x))
    peer.ask(network=name, batch=batch, repeats=1)
    ours, theirs = [], []
    for _ in range(options.rounds):
        for _ in range(options.repeats):
            started = time.perf_counter(), time.process_time()
            jax.block_until_ready(step(variables, x))
            ours.append(
                [time.perf_counter() - started[0], time.process_time() - started[1]]
            )
        theirs += peer.ask(network=name, batch=batch, repeats=options.repeats)[
            "seconds"
        ]
    row = {"network": name, "batch": batch, "apart": apart}
    for side, seconds in (("tirjax", ours), ("torch", theirs)):
        clock, processor = np.array(seconds).T
        row[side] = {
            "clock": np.percentile(clock, [25, 50, 75]).tolist(),
            "processor": np.percentile(processor, [25, 50, 75]).tolist(),
            "fastest": float(clock.min()),
        }
    print(json.dumps(row), flush=True)
    return row


def report(about: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """A table of images per second and ratios."""
    lines = []
    for row in rows:
        line = [row["network"], row["batch"]]
        for side in ("tirjax", "torch"):
            low, middle, high = (row["batch"] / s for s in row[side]["clock"][::-1])
            line.append(f"{middle:.2f} ({low:.2f} to {high:.2f})")
        for kind in ("clock", "processor"):
            line.append(f"{row['torch'][kind][1] / row['tirjax'][kind][1]:.2f}")
        lines.append([*line, f"{row['apart']:.0e}"])
    header = [
        "network",
        "batch",
        "tirjax, images/s",
        "PyTorch, images/s",
        "ratio by the clock",
        "ratio by processor time",
        "largest difference",
    ]
    table = tabulate(lines, header, tablefmt="github", disable_numparse=True)
    return (
        "# Translators here and in PyTorch\n\nMedians, quartiles in brackets; a ratio "
        "above 1 means that tirjax is faster. The last column is how far outputs in "
        "[-1, 1] with equal weights are apart.\n\n"
        f"{table}\n\n{measuring.facts(about)}\n"
    )


def main(options: Options) -> None:
    """Measures and writes the reports."""
    with Worker([options.torch, WORKER, str(options.threads)]) as peer:
        about = measuring.conditions() | {
            "XLA_FLAGS": os.environ.get("XLA_FLAGS", ""),
            "torch": peer.about["torch"],
            "threads of PyTorch": peer.about["threads"],
            "turns": f"{options.rounds} of {options.repeats} translations",
        }
        rows = [measure(peer, options, n, b) for n in NETWORKS for b in options.batches]
    text = report(about, rows)
    name = f"translation_throughput_{jax.default_backend()}"
    found = {"conditions": about, "rows": rows}
    measuring.write(options.out, name, found, text)
    print(text)


if __name__ == "__main__":
    main(tyro.cli(Options))
