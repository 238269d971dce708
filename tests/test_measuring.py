"""Turns, spreads, conditions, reports, and processes that answer in JSON."""

import json
import sys

import jax
import numpy as np
import pytest

from tirjax_shell import measuring
from tirjax_shell.workers import Worker

ECHO = """
import json, sys
print(json.dumps({"who": "echo"}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if "die" in asked:
        raise ValueError("a reason\\n")
    print(json.dumps({"said": asked}), flush=True)
"""


@pytest.fixture
def echo(tmp_path):
    (tmp_path / "echo.py").write_text(ECHO)
    return [sys.executable, tmp_path / "echo.py"]


def test_every_other_round_runs_backwards_and_a_warm_up_counts_below_zero():
    contenders = {"a": lambda: 1, "b": lambda: 2}
    assert list(measuring.turns(contenders, 2, warmup=1)) == [
        (-1, "b", 2),
        (-1, "a", 1),
        (0, "a", 1),
        (0, "b", 2),
        (1, "b", 2),
        (1, "a", 1),
    ]


@pytest.mark.parametrize(
    ("values", "options", "text"),
    [
        (np.arange(101.0), {}, "50.0 (10.0-90.0)"),
        (np.arange(1010.0), {}, "504 (101-908)"),
        ([1.234], {}, "1.23 (1.23-1.23)"),
        ([1.0, 2.0, 5.0], {"digits": 0, "between": (0, 50, 100)}, "2 (1-5)"),
    ],
)
def test_a_spread_is_the_median_and_the_range_around_it(values, options, text):
    assert measuring.spread(values, **options) == text


def test_what_is_timed_is_complete():
    out, seconds = measuring.timed(jax.numpy.add, 1, 2)
    assert int(out) == 3 and seconds > 0


def test_conditions_name_the_device_but_not_the_host():
    about = measuring.conditions(frames=3)
    assert about["device"].startswith("cpu") and about["jax"] == jax.__version__
    assert about["frames"] == 3
    assert not {"host", "hostname", "node", "user"} & {*about}


def test_a_report_is_json_and_markdown(tmp_path):
    folder = tmp_path / "new"
    measuring.write(folder, "made", {"path": tmp_path, "rows": [1]}, "# Text\n")
    want = {"path": str(tmp_path), "rows": [1]}
    assert json.loads((folder / "made.json").read_text()) == want
    assert (folder / "made.md").read_text() == "# Text\n"
    assert measuring.facts({"a": 1, "b": "c"}) == "* a: 1\n* b: c"


def test_a_worker_answers_until_it_is_closed(echo):
    with Worker(echo) as worker:
        assert worker.about == {"who": "echo"}
        assert worker.ask(x=1) == {"said": {"x": 1}}
        assert worker.ask(y=[2]) == {"said": {"y": [2]}}


def test_a_worker_that_ends_says_why(echo, tmp_path):
    with (
        Worker(echo) as worker,
        pytest.raises(ChildProcessError, match=r"echo\.py ended: ValueError: a reason"),
    ):
        worker.ask(die=True)
    with pytest.raises(ChildProcessError, match=r"none\.py ended: .*No such file"):
        Worker([sys.executable, tmp_path / "none.py"])
    with pytest.raises(OSError):
        Worker([tmp_path / "no_program"])
