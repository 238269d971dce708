"""The record of a training run."""

import dataclasses
import functools
import hashlib
import json
import subprocess
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tirjax_train import about

import tirjax


class Size(NamedTuple):
    rows: int
    cols: int


@dataclasses.dataclass(frozen=True)
class Recipe:
    rate: float = 0.1
    steps: tuple[int, ...] = (1, 2)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "dimp18.py"
    path.write_text("def config(rate=0.1): ...\n")
    return path


def test_the_record_names_everything_and_is_json(config):
    settings = {"rate": 0.1, "batch": 32}
    got = about.describe(config, "dimp18", settings, {"lasot": "ab12"})
    assert got == json.loads(json.dumps(got, allow_nan=False))
    assert got["architecture"] == "dimp18" and got["settings"] == settings
    content = hashlib.sha256(config.read_bytes()).hexdigest()
    assert got["config"] == {"file": "dimp18.py", "sha256": content}
    assert got["data"] == {"lasot": "ab12"} and got["git"] is None and got["date"]
    packages = {"tirjax", "jax", "flax", "optax", "orbax-checkpoint", "numpy"}
    assert set(got["versions"]) == packages
    assert got["versions"]["tirjax"] == tirjax.__version__
    assert got["versions"]["jax"] == jax.__version__
    assert got["devices"] == {"kind": "cpu", "count": jax.device_count()}


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (Path("a") / "b", "a/b"),
        (float("inf"), "inf"),
        (np.float32(0.5), 0.5),
        (jnp.arange(2), [0, 1]),
        ({1: (None, True)}, {"1": [None, True]}),
        (Size(2, 3), {"rows": 2, "cols": 3}),
        (Recipe(), {"rate": 0.1, "steps": [1, 2]}),
        (about.plain, "tirjax_train.about.plain"),
        (Recipe, f"{__name__}.Recipe"),
        (
            functools.partial(about.digest, path="x"),
            {"function": "tirjax_train.about.digest", "arguments": [["path", "x"]]},
        ),
    ],
)
def test_settings_become_json(value, want):
    got = about.plain(value)
    assert got == json.loads(json.dumps(want))
    json.dumps(got, allow_nan=False)


def test_the_commit_is_known_inside_a_checkout(config):
    def git(*arguments):
        who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=0"]
        done = subprocess.run(
            ["git", "-C", str(config.parent), *who, *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    git("init", "-q")
    assert about.commit(config.parent) is None
    git("add", ".")
    git("commit", "-q", "-m", "one")
    (config.parent / "runs").mkdir()
    (config.parent / "runs" / "new").write_text("is not dirt")
    head = git("rev-parse", "HEAD")
    assert about.commit(config.parent) == {"commit": head, "dirty": False}
    config.write_text("changed")
    assert about.commit(config.parent) == {"commit": head, "dirty": True}


def test_without_git_there_is_no_commit(config, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert about.commit(config.parent) is None
