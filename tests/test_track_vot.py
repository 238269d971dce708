"""``track vot``: the protocol over pipes, and the official toolkit itself."""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from tirjax_track import options, trax
from tirjax_track.__main__ import main
from tirjax_track.trax import Message, compose, parse
from tirjax_track.vot import Server
from tirjax_track.weights import Weights
from vot_clips import report, still, write

from tirjax.data import DataError
from tirjax.trackers import TRACKERS


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("vot")
    write(root, ("slow", "fast"))
    return root


@pytest.fixture
def connect(data, monkeypatch):
    """Starts a server in a thread; gives functions to say and to hear lines."""
    monkeypatch.setitem(TRACKERS, "still", still)
    chosen = dataclasses.replace(options.Vot(), sequences=data)

    @contextlib.contextmanager
    def start(**changes):
        server = Server("still", Weights(), dataclasses.replace(chosen, **changes))
        server.warm_up()
        (hear, answer), (requests, say) = os.pipe(), os.pipe()
        failure = []

        def work():
            with os.fdopen(requests) as lines, os.fdopen(answer, "w") as out:
                try:
                    server.serve(lines, out)
                except DataError as error:
                    failure.append(str(error))

        thread = threading.Thread(target=work)
        thread.start()
        put = lambda line: os.write(say, f"{line}\n".encode())
        with os.fdopen(hear) as heard:
            yield put, lambda: parse(heard.readline()), failure
            os.close(say)  # which ends the session as well as a quit
            thread.join(10)
        assert not thread.is_alive()

    return start


def picture(data, number, name="slow"):
    return f'@@TRAX:frame "file://{data}/{name}/ir/{number:08d}.png"'


def test_a_dialogue_with_restarts(connect, data):
    with connect() as (say, hear, failure):
        hello = hear()
        assert hello.type == "hello"
        assert hello.properties["trax.region"] == "rectangle;"
        assert hello.properties["trax.channels"] == "ir;"
        say('@@TRAX:initialize "10.0000,20.0000,14.0000,18.0000"')
        for number in (1, 2, 3):
            say(picture(data, number))
            state = hear()
            assert state.type == "state"
            assert state.arguments == ("10.0000,20.0000,14.0000,18.0000",)
            assert state.properties == {"confidence": "1"}
        say("a line that means nothing")
        say("@@TRAX:initialize ")
        say('@@TRAX:initialize "12,20,20,20,20,29,12,29" "key=value"')
        say(picture(data, 1, "fast"))
        assert hear().arguments == ("12.0000,20.0000,8.0000,9.0000",)
    assert not failure


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['@@TRAX:frame "file:///1.png"'], "without a region"),
        (['@@TRAX:initialize "1,2,3"'], "TraX region '1,2,3'; expected"),
        (['@@TRAX:initialize "1,2,3,4" "5,6,7,8"'], "follows one target"),
        (['@@TRAX:initialize "1,2,0,4"'], "width and height must be positive"),
        (['@@TRAX:initialize "1,2,3,4"', '@@TRAX:frame "data:x"'], "TraX image"),
        (
            ['@@TRAX:initialize "1,2,3,4"', '@@TRAX:frame "file:///no.png"'],
            "cannot read",
        ),
        (['@@TRAX:initialize "nan,2,3,4"'], "a number is missing"),
    ],
)
def test_what_cannot_be_done_ends_the_session_with_a_reason(connect, lines, message):
    with connect() as (say, hear, failure):
        hear()
        for line in lines:
            say(line)
        last = hear()
    assert last.type == "quit"
    assert message in last.properties["trax.reason"]
    assert message in failure[0]


def test_messages_survive_quotes_and_new_lines():
    message = Message("quit", ('a "b" \\ c\nd',), {"trax.reason": "x=y"})
    assert parse(compose(message)) == message
    assert parse("@@TRAX:quit") == Message("quit", (), {})
    assert parse("TRAX: hello") is None


def test_paths_may_be_quoted(tmp_path):
    (tmp_path / "a b.png").touch()
    assert trax.read_path(f"file://{tmp_path}/a%20b.png") == tmp_path / "a b.png"


def test_one_tracker_with_a_known_name(capsys):
    assert main(["vot", "--tracker", "mosse,kcf", "--no-cache"]) == 2
    assert "a server runs one tracker" in capsys.readouterr().err


STACK = """title: Tiny
experiments:
  baseline:
    type: supervised
    repetitions: 3
    skip_initialize: 5
    analyses:
      - {type: supervised_average_ar, sensitivity: 30}
      - {type: cumulative_failures}
      - {type: supervised_eao_score, low: 10, high: 20}
"""
# Version 0.1.10 of attributee breaks the toolkit, 0.8 and 0.9 of which cannot restart.
TOOLKIT = "vot-toolkit==0.7.4", "attributee<0.1.10"


@pytest.mark.slow
def test_the_official_toolkit_evaluates_and_agrees_with_us(tmp_path):
    """In an environment of its own; skips where that cannot be installed."""
    environment, work = tmp_path / "env", tmp_path / "work"
    call = lambda *words, **more: subprocess.run(
        words, capture_output=True, text=True, timeout=900, **more
    )
    call(sys.executable, "-m", "venv", str(environment), check=True)
    made = call(str(environment / "bin/pip"), "install", "--quiet", *TOOLKIT)
    if made.returncode:
        pytest.skip(f"vot-toolkit cannot be installed: {made.stderr[-300:]}")
    (work / "sequences").mkdir(parents=True)
    write(work / "sequences", ("slow", "fast"))
    (work / "config.yaml").write_text(
        "stack: ./stack.yaml\nregistry: [./trackers.ini]\nsequences: sequences\n"
    )
    (work / "stack.yaml").write_text(STACK)
    command = f"{sys.executable} -m tirjax_track vot --tracker mosse"
    (work / "trackers.ini").write_text(
        "[mosse]\nlabel = MOSSE\nprotocol = trax\ntimeout = 300\n"
        f"command = {command} --sequences {work}/sequences\n"
    )
    vot = lambda *words: call(
        str(environment / "bin/vot"), *words, cwd=work,
        env=os.environ | {"VOT_RESULTS_BINARY": "0"},
    )  # fmt: skip
    evaluated = vot("evaluate", "mosse")
    assert "concluded successfuly" in evaluated.stdout + evaluated.stderr
    vot("analysis", "--format", "json", "--name", "a")
    vot("report", "--format", "html", "--name", "r")
    assert (work / "reports/r/report.html").is_file()
    found = json.loads((work / "analysis/a.json").read_text())
    average, total, _ = found["results"]["baseline"]["results"]

    where = "--dataset", "folder", "--data", str(work / "sequences")
    how = "--protocol", "vot_toolkit", "--out", str(tmp_path / "out")
    assert main(["report", str(work / "results"), *where, *how]) == 0
    ours = report(tmp_path / "out/supervised")["trackers"]["mosse"]["overall"]
    np.testing.assert_allclose(
        [ours["accuracy"], ours["failures"], ours["failures_total"]],
        [*average[0][:2], *total[0]],
        atol=1e-6,
    )
    own = "--tracker", "mosse", "--experiment", "supervised", "--out", str(tmp_path)
    assert main(["eval", *where[1:], *own]) == 0
    for name in ("slow", "fast"):
        file = f"mosse/baseline/{name}/{name}_001.txt"
        theirs, mine = (
            (p / file).read_text().split()
            for p in (work / "results", tmp_path / "folder")
        )
        for a, b in zip(theirs, mine, strict=True):
            rows = [[float(word) for word in text.split(",")] for text in (a, b)]
            # TraX rounds to four decimals on the way.
            np.testing.assert_allclose(*rows, atol=2e-3)
