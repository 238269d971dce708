"""Shared fixtures: strict JAX, two CPU devices, seeded randomness, reference data."""

import logging
import os
from pathlib import Path
from typing import Any

# Most of the time goes into compiling, so the compiler is told not to optimise, and to
# emit LLVM's code itself: the emitters for users set MLIR up anew for every fusion.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_force_host_platform_device_count=2 --xla_backend_optimization_level=0 "
    "--xla_cpu_use_fusion_emitters=false",
)

import jax
import numpy as np
import pytest

# For programs of their own that have devices of their own.
QUICK = " ".join(f for f in os.environ["XLA_FLAGS"].split() if "device_count" not in f)
# For what users rely on to the last digit: compiled as it is for them.
AS_FOR_USERS: Any = {
    "xla_backend_optimization_level": 3,
    "xla_cpu_use_fusion_emitters": True,
}
CACHE = Path(__file__).parents[1] / ".pytest_cache" / "jax"
jax.config.update("jax_compilation_cache_dir", str(CACHE))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)


@pytest.fixture
def rng(request) -> np.random.Generator:
    """Seeded by the test's own name: adding a test never moves another's numbers."""
    return np.random.default_rng(list(request.node.name.encode()))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of goldens and real data; without it the test skips, loudly."""
    root = Path(os.environ.get("TIRJAX_SHARED", Path(__file__).parents[2] / "shared"))
    if not root.is_dir():
        pytest.skip(f"no reference data at {root}; set TIRJAX_SHARED")
    return root


@pytest.fixture
def no_cache(monkeypatch):
    """The programs' cache is the tests' own, whatever the command line says."""
    monkeypatch.setattr("tirjax_shell.session.cache", lambda common: None)


@pytest.fixture(autouse=True)
def logs_as_they_were():
    """A program that ran in this process keeps the log to itself; tests listen in."""
    names = ("tirjax", "tirjax_shell", "tirjax_track", "tirjax_train", "train")
    yield
    for name in names:
        logging.getLogger(name).propagate = True
        logging.getLogger(name).handlers.clear()
