"""What tests of ``train synthesize`` share: a stand-in network, commands, results."""

import json

import fabricated
import numpy as np
from tirjax_train import synthesize, translation
from tirjax_train.generators import Loaded

from tirjax.backbones.norm import Norm
from tirjax.translators import UNet

NET = UNet(depth=2, outputs=1, width=1, norm=Norm(batch=True))


def negative(pictures):
    """What the stand-in makes of pictures."""
    grey = np.stack(pictures)[..., :1].astype(np.float32)
    return 255 - grey


def stand_in(monkeypatch):
    """Replaces the network; returns the list of the pictures that it is given."""
    seen = []

    def start(self, pictures):
        seen.extend(pictures)
        return negative(pictures)

    about = {"sha256_of_variables": "a" * 64, "network": "a negative", "origin": {}}
    got = Loaded(NET, {"params": {}}, 3, about)
    monkeypatch.setattr(synthesize, "open_generator", lambda *a: got)
    monkeypatch.setattr(translation.Translator, "start", start)
    return seen


def two_clips(tmp_path):
    """Translates the clips of ``fabricated.folder``, of three frames each."""
    fabricated.folder(tmp_path / "data")
    return command(tmp_path, "folder")


def command(tmp_path, dataset, *more):
    """The arguments: two pictures a device at a working size of 16."""
    data, out = tmp_path / "data", tmp_path / "out"
    return [
        *("synthesize", dataset, "--data", str(data), "--out", str(out)),
        *("--generator", str(tmp_path / "net"), "--size", "16", "--batch", "4", *more),
    ]


def contents(out):
    """Every file of the sequences by its name, and when it was written."""
    files = (p for p in sorted(out.rglob("*")) if p.is_file() and p.parent != out)
    return {str(p.relative_to(out)): p.stat().st_mtime_ns for p in files}


def manifest(out):
    """What ``manifest.json`` says."""
    return json.loads((out / "manifest.json").read_text())


def tear(tmp_path, name="walk", frame=2):
    """Cuts a picture of the original short."""
    path = tmp_path / "data" / name / "img" / f"{frame:08}.jpg"
    path.write_bytes(path.read_bytes()[:40])
    return path
