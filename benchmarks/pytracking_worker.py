r"""PyTracking's DiMP and ATOM behind a pipe, as a peer of `track bench`.

Runs under an interpreter that has ``torch``, ``torchvision``, ``numpy`` and
``opencv-python-headless``; needs nothing else of this project, and a checkout of
https://github.com/visionml/pytracking, of which nothing is changed or contained here:

    python -m track bench --tracker dimp18,dimp50,atom --never-lost \
        --weights dimp18=w18 --weights dimp50=w50 --weights atom=wa \
        --peer "pytracking:dimp18,dimp50,atom=torch/bin/python \
            benchmarks/pytracking_worker.py pytracking --never-lost \
            --weights dimp18=d18.pth.tar --weights dimp50=d50.pth.tar \
            --weights atom=a.pth.tar"

where ``python -m train convert`` makes w18 of d18.pth.tar. Trackers are its own classes
with its own parameter files, on the CPU. Its box refinement needs a pooling that it has
for CUDA alone; `PrRoIPool2D` below does the same on any device, and what the checkout
imports without need (plots, a web view) may be missing.
"""

import argparse
import collections
import functools
import importlib
import importlib.machinery
import json
import pickle
import random
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn


class Kind(NamedTuple):
    """A tracker and the network that it was published with.

    Attributes:
      module: of the tracker, below ``pytracking.tracker``.
      cls: its name there.
      parameters: module of its settings, below ``pytracking.parameter``.
      constructor: module and function that make the network.
      arguments: of the function, as in PyTracking's training settings.
    """

    module: str
    cls: str
    parameters: str
    constructor: tuple[str, str]
    arguments: dict


_DIMP = {
    "filter_size": 4,
    "optim_iter": 5,
    "optim_init_step": 0.9,
    "optim_init_reg": 0.1,
    "clf_feat_norm": True,
    "final_conv": True,
    "init_gauss_sigma": 0.9,
    "num_dist_bins": 100,
    "bin_displacement": 0.1,
    "mask_init_factor": 3.0,
    "target_mask_act": "sigmoid",
    "score_act": "relu",
}
_DIMPNET = "ltr.models.tracking.dimpnet"
KINDS = {
    "dimp18": Kind("dimp", "DiMP", "dimp.dimp18", (_DIMPNET, "dimpnet18"), _DIMP),
    "dimp50": Kind(
        "dimp",
        "DiMP",
        "dimp.dimp50",
        (_DIMPNET, "dimpnet50"),
        _DIMP | {"clf_feat_blocks": 0, "out_feature_dim": 512},
    ),
    "atom": Kind(
        "atom", "ATOM", "atom.default", ("ltr.models.bbreg.atom", "atom_resnet18"), {}
    ),
}
# Imported by the checkout, used by nothing that tracks.
_UNUSED = "matplotlib", "visdom", "jpeg4py", "timm", "tikzplotlib", "pandas"
_POOLING = "ltr.external.PreciseRoIPooling.pytorch.prroi_pool"


def hat_mass(u: torch.Tensor) -> torch.Tensor:
    """Area of the hat ``max(0, 1 - |t|)`` left of ``u``."""
    u = u.clamp(-1, 1)
    return 0.5 + u - 0.5 * u * u.abs()


def bin_weights(low: torch.Tensor, high: torch.Tensor, bins: int, nodes: int):
    """Mean of every node's hat over every bin, ``[n, bins, nodes]``; 0 for empty ones.

    Args:
      low, high: ``[n]`` ends of intervals, in nodes.
      bins: equal parts of each.
      nodes: of the grid, at 0, 1, ...
    """
    width = (high - low) / bins
    wide = width > 0
    width = torch.where(wide, width, 1.0)
    edges = low[:, None] + width[:, None] * torch.arange(bins + 1, dtype=low.dtype)
    mass = hat_mass(edges[..., None] - torch.arange(nodes, dtype=low.dtype)).diff(dim=1)
    return mass * (wide / width)[:, None, None]


class PrRoIPool2D(nn.Module):
    """Exact mean of the bilinear surface over each bin of each box.

    The mean is separable; boxes get gradients from autograd.

    Args:
      pooled_height, pooled_width: bins.
      spatial_scale: from pixels of boxes to cells of features.
    """

    def __init__(self, pooled_height: int, pooled_width: int, spatial_scale: float):
        super().__init__()
        self.bins, self.scale = (pooled_height, pooled_width), spatial_scale

    def forward(self, features: torch.Tensor, rois: torch.Tensor) -> torch.Tensor:
        """``[n, c, bins]`` of ``[images, c, rows, columns]`` and, by row, the number of
        an image and ``x1, y1, x2, y2``."""
        images, channels, rows, cols = features.shape
        x1, y1, x2, y2 = (rois[:, 1:] * self.scale).unbind(1)
        down = bin_weights(y1, y2, self.bins[0], rows)
        across = bin_weights(x1, x2, self.bins[1], cols)
        surface = features.permute(0, 2, 3, 1).reshape(images, rows, cols * channels)
        if images == 1:  # one product for all boxes
            means = down.flatten(0, 1) @ surface[0]
        else:
            means = down @ surface[rois[:, 0].long()]
        means = means.view(len(rois), self.bins[0], cols, channels)
        return (across[:, None] @ means).permute(0, 3, 1, 2)


class _Missing:
    """Finds an empty module for what is unused and not installed."""

    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in _UNUSED:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        module.__getattr__ = lambda name: _nothing(name)
        return module

    def exec_module(self, module):
        pass


def _nothing(name: str) -> type:
    if name.startswith("__"):
        raise AttributeError(name)
    return type(name, (), {})


def _module(name: str, **members) -> None:
    """Makes ``name`` importable."""
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(members)


def _rfft(x, signal_ndim):
    """What torch called ``rfft`` up to version 1.7."""
    return torch.view_as_real(torch.fft.rfftn(x, dim=tuple(range(-signal_ndim, 0))))


def _irfft(x, signal_ndim, signal_sizes=None):
    """What torch called ``irfft`` up to version 1.7."""
    x, axes = torch.view_as_complex(x.contiguous()), tuple(range(-signal_ndim, 0))
    return torch.fft.irfftn(x, s=signal_sizes, dim=axes)


def prepare(checkout: Path) -> None:
    """Makes the checkout importable with a torch of today and without CUDA."""
    sys.path.insert(0, str(checkout))
    try:
        import torchvision.models.resnet as resnet
    except RuntimeError:  # operators made for another torch, of which none is used
        _module("torchvision._meta_registrations")
        import torchvision.models.resnet as resnet
    resnet.__dict__.setdefault("model_urls", {})
    sys.meta_path.append(_Missing())
    # What a user of it would have to write, with folders of which none is needed here.
    _module("ltr.admin.local", EnvironmentSettings=type("EnvironmentSettings", (), {}))
    _module(_POOLING.rpartition(".")[0])
    _module(_POOLING, PrRoIPool2D=PrRoIPool2D)
    torch.rfft, torch.irfft = _rfft, _irfft
    grad = torch.autograd.grad
    plain = lambda x: tuple(x) if isinstance(x, list) else x
    torch.autograd.grad = lambda *a, **k: grad(*map(plain, a), **k)


class _Ignored(dict):
    """Takes the place of whatever a checkpoint holds besides tensors."""

    def __init__(self, *given, **named):
        super().__init__()

    def __setstate__(self, state):
        pass

    def append(self, item):
        """A list's."""

    def extend(self, items):
        """A list's."""


class _Tensors(pickle.Unpickler):
    """Makes tensors and dictionaries of them; runs nothing else of what it reads."""

    def find_class(self, module, name):
        made = module == "torch" and name.endswith("Storage")
        if made or (module, name) in _MAKERS:
            return super().find_class(module, name)
        return type(name, (_Ignored,), {})


_MAKERS = {
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch._utils", "_rebuild_tensor_v2"),
}


def _reader() -> types.ModuleType:
    """What ``torch.load`` takes as the module ``pickle``."""
    module = types.ModuleType("tensors")
    module.__dict__["Unpickler"] = _Tensors
    module.__dict__["load"] = lambda file, **how: _Tensors(file, **how).load()
    return module


def loadable(kind: Kind, weights: Path | None, seed: int, folder: Path) -> Path:
    """A file that PyTracking's loader reads, written here.

    Args:
      kind: of tracker.
      weights: a checkpoint, of which only the network's tensors are read; None for
        random ones.
      seed: of random weights.
      folder: where the file is written.
    """
    state = {}
    if weights:
        state = torch.load(weights, map_location="cpu", pickle_module=_reader())["net"]
    torch.manual_seed(seed)
    module, function = kind.constructor
    make = getattr(importlib.import_module(module), function)
    network = make(backbone_pretrained=False, **kind.arguments)
    network.load_state_dict(state or network.state_dict())
    path = folder / f"{kind.parameters}.pth.tar"
    about = {"net": network.state_dict(), "constructor": network.constructor}
    torch.save(about, path)
    return path


def build(kind: Kind, path: Path, never_lost: bool):
    """A tracker with its network loaded."""
    settings = f"pytracking.parameter.{kind.parameters}"
    params = importlib.import_module(settings).parameters()
    params.use_gpu = False
    wrapped = [params.net] if hasattr(params, "net") else params.features.features
    for network in wrapped:
        network.use_gpu, network.net_path = False, str(path)
    if never_lost:
        params.target_not_found_threshold = -float("inf")
        params.distractor_threshold = params.hard_negative_threshold = float("inf")
    module = importlib.import_module(f"pytracking.tracker.{kind.module}")
    tracker = getattr(module, kind.cls)(params)
    tracker.initialize_features()
    return tracker


def follow(tracker, frames: np.ndarray, box: list[float], seed: int) -> dict:
    """Boxes of every frame."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    pictures = (np.ascontiguousarray(frame[..., ::-1]) for frame in frames)
    first = next(pictures)
    started = time.perf_counter()
    tracker.initialize(first, {"init_bbox": box})
    learning = time.perf_counter() - started
    boxes, seconds, flags = [box], [], collections.Counter()
    for picture in pictures:
        started = time.perf_counter()
        boxes.append(tracker.track(picture)["target_bbox"])
        seconds.append(time.perf_counter() - started)
        flags[tracker.debug_info["flag"] or "normal"] += 1
    return {"boxes": boxes, "seconds": seconds, "first": learning, "flags": flags}


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("checkout", type=Path, help="folder of PyTracking's checkout")
    parser.add_argument(
        "--weights",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="a checkpoint of PyTracking for this tracker, of which only the tensors "
        "are read; random weights without",
    )
    parser.add_argument("--threads", type=int, help="default: all processors")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn")
    parser.add_argument(
        "--never-lost",
        action="store_true",
        help="no target counts as lost and none has a rival, so that every frame is "
        "the work of a found one, as always with random weights",
    )
    return parser.parse_args()


def main() -> None:
    """Answers until the pipe closes."""
    chosen = options()
    pipe, sys.stdout = sys.stdout, sys.stderr  # what the checkout prints is no reply
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    given = dict(text.split("=", 1) for text in chosen.weights)
    prepare(chosen.checkout.resolve())
    # Its loader names no ``weights_only``, and what is written here for it holds a
    # class of its own.
    torch.load = functools.partial(torch.load, weights_only=False)
    about = {"torch": torch.__version__, "threads": torch.get_num_threads()}
    print(json.dumps(about), file=pipe, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        files: dict[str, Path] = {}
        for line in sys.stdin:
            request = json.loads(line)
            name = request["tracker"]
            weights = Path(given[name]) if name in given else None
            if name not in files:
                place = Path(folder)
                files[name] = loadable(KINDS[name], weights, chosen.seed, place)
            never_lost = chosen.never_lost or not weights
            tracker = build(KINDS[name], files[name], never_lost)
            frames = np.load(request["frames"], mmap_mode="r")
            reply = follow(tracker, frames, request["box"], chosen.seed)
            print(json.dumps(reply), file=pipe, flush=True)


if __name__ == "__main__":
    main()
