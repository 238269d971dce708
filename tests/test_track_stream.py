"""``track run`` as a process of its own: pipes, signals, a reader that goes, memory."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from live_players import DRIFTER, frames, lines, source
from tirjax_track import catalogue, records, run
from tirjax_track.options import Run
from tirjax_track.stopping import Stop
from tirjax_track.story import Thinned

ROOT = Path(__file__).parents[1]
INIT = "--init", "20,15,14,14", "--tracker", "mosse"
HEADER = b"YUV4MPEG2 W64 H48 F25:1 Ip A1:1 Cmono\n"


def test_the_first_signal_asks_and_the_second_insists():
    before = signal.getsignal(signal.SIGTERM)
    with Stop() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.asked
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stop() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.asked
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_is_kept_is_bounded_and_spread_over_all_of_the_run():
    kept = Thinned(8)
    for number in range(1000):
        kept.add(number, str(number))
        assert len(kept.items) <= 8
    numbers = [number for number, _ in kept.items]
    assert numbers == list(range(0, 1000, 128))
    assert [item for _, item in kept.items] == [*map(str, numbers)]


def test_a_journal_ends_as_the_record_that_is_written_at_once(tmp_path, rng):
    boxes, scores = (
        rng.uniform(-9, 99, (5, 4)),
        np.array([np.nan, *rng.uniform(size=4)]),
    )
    kept = records.Record(boxes, scores, np.array([0, 1, 2, 0, 1]), rng.uniform(size=5))
    records.write_record(tmp_path, "whole", kept, origin=0)
    journal = records.Journal(tmp_path, "grown")
    for row in zip(boxes, scores, kept.status, kept.seconds, strict=True):
        journal.add(*row)
    journal.close()
    for end in ("txt", "frames.csv"):
        grown = (tmp_path / f"grown.{end}").read_text()
        assert grown == (tmp_path / f"whole.{end}").read_text()


def start(place, *arguments, **pipes):
    """The program on standard input or a named pipe."""
    command = [sys.executable, "-m", "track", "run", *map(str, arguments), *INIT]
    command += ["--out", str(place / "out")]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, **pipes)


def feed(pipe, pictures):
    """Sends Y4M until the reader goes."""
    with contextlib.suppress(BrokenPipeError), pipe:
        pipe.write(HEADER)
        for picture in pictures:
            pipe.write(b"FRAME\n" + picture.tobytes())


def endless():
    return itertools.cycle(frames(200))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_an_endless_pipe_with_every_file_complete(tmp_path, number):
    os.mkfifo(tmp_path / "pipe")
    file = tmp_path / "lines"
    # A background job may have been told to ignore some.
    restore = lambda: signal.signal(number, signal.SIG_DFL)
    process = start(tmp_path, tmp_path / "pipe", "--json", file, preexec_fn=restore)
    opened = open(tmp_path / "pipe", "wb", buffering=0)  # noqa: SIM115
    sender = threading.Thread(target=feed, args=(opened, endless()), daemon=True)
    sender.start()
    while not file.exists() or file.read_text().count("\n") < 30:
        assert process.poll() is None
        threading.Event().wait(0.2)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    sender.join(10)
    assert process.returncode == 0, error
    count = len(lines(file.read_text()))
    assert count >= 30
    for name in ("mosse.txt", "mosse.frames.csv"):
        rows = (tmp_path / "out" / name).read_text().splitlines()
        assert len(rows) - name.endswith("csv") == count
    film = cv2.VideoCapture(str(tmp_path / "out" / "tracked.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == count and film.read()[0]
    assert (tmp_path / "out" / "scores.png").is_file()


@pytest.mark.slow
def test_a_reader_that_goes_ends_the_run_without_a_word(tmp_path):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "bufsize": 0}
    process = start(tmp_path, "-", "--json", "-", "--no-record", **pipes)
    sender = threading.Thread(target=feed, args=(process.stdin, endless()), daemon=True)
    sender.start()
    got = [json.loads(process.stdout.readline()) for _ in range(5)]
    process.stdout.close()
    with process.stderr as stderr:
        error = stderr.read().decode()
    assert process.wait(60) == 0
    sender.join(10)
    assert [line["frame"] for line in got] == list(range(5))
    assert "Traceback" not in error and "BrokenPipe" not in error


def resident():
    """MiB of memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc here")
def test_memory_does_not_grow_with_the_stream(tmp_path, monkeypatch):
    """From 6,000 frames, where every history is full, to the end."""
    monkeypatch.setattr(catalogue, "build", lambda name, box: DRIFTER)
    used = {}

    def open():
        for number, picture in enumerate(itertools.islice(endless(), 10_000)):
            if number in (6000, 9999):
                used[number] = resident()
            yield picture

    monkeypatch.setattr(run.sources, "find", lambda text: source(open))
    options = Run(
        "0", ("2,5,9,9",), out=tmp_path, record=False, json=str(tmp_path / "j")
    )
    run.follow(options)
    # The allocator gives and takes some hundred kilobytes; a frame is 3 kilobytes.
    assert used[9999] - used[6000] < 4
