"""A network out of a run."""

import jax.numpy as jnp
import numpy as np
import pytest
from tirjax_train.__main__ import main

from tirjax import training_checkpoints as runs
from tirjax.checkpoints import load_variables, read_about

pytestmark = pytest.mark.usefixtures("no_cache")


@pytest.fixture
def run(tmp_path):
    """A run of two checkpoints."""
    manager = runs.open_manager(tmp_path / "run")
    for step in (1, 2):
        variables = {"params": {"kernel": jnp.full((3, 2), float(step))}}
        state = {"variables": variables, "moment": jnp.zeros((400, 400))}
        runs.save(manager, step, state, variables, {"architecture": "dimp10"}, {})
    runs.close(manager)
    return tmp_path / "run"


@pytest.mark.parametrize(("part", "value"), [("", 2.0), ("checkpoints/1", 1.0)])
def test_the_newest_network_or_the_one_asked_for(run, tmp_path, part, value):
    out = tmp_path / "out"
    assert main(["extract", str(run / part), "--out", str(out)]) == 0
    found = load_variables(out)
    np.testing.assert_array_equal(found["params"]["kernel"], np.full((3, 2), value))
    assert read_about(out)["architecture"] == "dimp10"
    assert read_about(out)["step"] == value
    assert sum(f.stat().st_size for f in out.rglob("*") if f.is_file()) < 50_000


def test_no_run_is_one_line(tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    assert main(["extract", str(tmp_path / "none"), *out]) == 2
    assert "no checkpoint" in capsys.readouterr().err
