"""A live source: bounded latency, damage counted, losses survived, a clear end."""

import logging
import os
import sys
import threading
import time

import numpy as np
import pytest
from live_players import every, frames, source
from tirjax_track import live, sources
from tirjax_track.live import QUEUE, Fit, Live

from tirjax.data.sequence import DataError
from tirjax.data.windows import FixedWindow


def opened(open, **options):
    return Live(source(open), Fit("camera 0", None), wait=0.01, **options)


def numbers(shots):
    return [int(shot.frame[0, 0, 0]) for shot in shots]


def in_turn(*scripts):
    """Opens a source that does the next thing each time; the last one stays."""
    left = list(scripts)

    def open():
        script = left.pop(0) if len(left) > 1 else left[0]
        for picture in script:
            if isinstance(picture, Exception):
                raise picture
            yield picture

    return open


def test_a_queue_keeps_every_frame_and_makes_the_source_wait():
    given = []
    pictures = (given.append(i) or p for i, p in enumerate(frames(60)))
    running = opened(lambda: (p for p in pictures))
    shots = []
    while len(shots) < 60:
        time.sleep(0.002)
        shots += [s] if (s := running.poll(1.0)) else []
        assert len(given) <= len(shots) + QUEUE + 2
    assert numbers(shots) == list(range(60))
    assert shots[-1].dropped == running.dropped == 0
    assert every(running) == [] and running.ended


def test_drop_gives_the_newest_frame_and_counts_the_others():
    sent, go_on = threading.Event(), threading.Event()

    def open():
        yield from frames(10)
        sent.set()
        go_on.wait(10)
        yield frames(20)[15]

    running = opened(open, latency="drop")
    assert sent.wait(10)
    first = running.poll(1.0)
    assert numbers([first]) == [9] and first.dropped == 9
    go_on.set()
    second = running.poll(1.0)
    assert numbers([second]) == [15] and second.dropped == 9


def test_damaged_frames_are_skipped_counted_and_named_once(caplog):
    a, b, c = frames(3)
    deep = frames(3, kind=np.uint16)
    running = opened(lambda: (p for p in [a, None, b, deep[1], None, c]))
    with caplog.at_level(logging.WARNING, "tirjax_track.live"):
        assert numbers(every(running)) == [0, 1, 2]
    assert running.damaged == 3
    assert len(caplog.messages) == 1 and "skipped a damaged frame" in caplog.text


def test_another_size_is_resized_to_the_first_and_told_once(caplog):
    small, large = np.full((48, 64), 7, np.uint8), np.full((96, 160), 9, np.uint8)
    running = opened(lambda: (p for p in [small, large, large, small]))
    with caplog.at_level(logging.WARNING, "tirjax_track.live"):
        shots = every(running)
    assert [s.frame.shape for s in shots] == [(48, 64, 1)] * 4
    assert [s.size for s in shots] == [(48, 64), (96, 160), (96, 160), (48, 64)]
    assert len(caplog.messages) == 1 and "96x160" in caplog.text


def test_colour_that_comes_and_goes_keeps_the_first_frames_channels():
    grey, colour = np.zeros((48, 64), np.uint8), np.zeros((48, 64, 3), np.uint8)
    shots = every(opened(lambda: (p for p in [grey, colour])))
    assert [s.frame.shape for s in shots] == [(48, 64, 1)] * 2


def test_counts_pass_through_the_window():
    picture = np.full((48, 64), 2000, np.uint16)
    fit = Fit("camera 0", FixedWindow(1000, 3000))
    (shot,) = every(Live(source(lambda: (p for p in [picture])), fit))
    np.testing.assert_allclose(shot.frame, 127.5)


def test_a_lost_source_is_opened_again_and_told_once(caplog):
    lost, dead = DataError("camera 0 sends no more"), OSError("no device")
    pictures = frames(6)
    running = opened(
        in_turn([*pictures[:3], lost], [dead], [dead], pictures[3:]), reconnect=20
    )
    with caplog.at_level(logging.INFO, "tirjax_track.live"):
        assert numbers(every(running)) == [0, 1, 2, 3, 4, 5]
    first, second = caplog.messages
    assert "sends no more" in first and "trying for 20 s" in first
    assert "is back after" in second


def test_a_source_that_stays_away_ends_the_run_after_its_frames():
    script = in_turn([*frames(2), OSError("gone")], [OSError("no device")])
    running = opened(script, reconnect=0.2)
    assert numbers([running.poll(1), running.poll(1)]) == [0, 1]
    with pytest.raises(DataError, match=r"did not come back within 0\.2 s .*no device"):
        every(running)


def test_attempts_come_slower_and_slower():
    script = in_turn([*frames(1), OSError("gone")], [OSError("no device")])
    count = []
    running = opened(lambda: count.append(1) or script(), reconnect=0.5)
    with pytest.raises(DataError):
        every(running)
    assert 3 <= len(count) <= 10  # 0.01, 0.02, 0.04 ... 0.32 s; of 0.01 it were 50


@pytest.mark.parametrize("reconnect", [0, 20])
def test_a_source_that_never_opens_is_an_error_at_once(reconnect):
    running = opened(
        in_turn([DataError("camera 0 does not open")]), reconnect=reconnect
    )
    with pytest.raises(DataError, match="does not open"):
        every(running)


def test_a_source_that_neither_sends_nor_fails_is_given_up(monkeypatch):
    monkeypatch.setattr(live, "GRACE", 0.0)
    never = threading.Event()

    def open():
        yield frames(1)[0]
        never.wait(30)

    running = opened(open, reconnect=0.1)
    with pytest.raises(DataError, match="has sent nothing for"):
        every(running)
    never.set()


def test_closing_ends_the_thread_of_a_full_queue():
    running = opened(lambda: (p for p in frames(100)))
    running.poll(1.0)
    running.close()
    assert not running._thread.is_alive()


def test_cameras_addresses_and_pipes_are_live_and_files_are_not(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "video.mp4").touch()
    kind = lambda text: (s := sources.find(text)) and (s.name, s.latency, s.reconnect)
    assert kind("0") == ("camera 0", "drop", 30)
    assert kind("rtsp://me:secret@host/a") == ("rtsp://host/a", "drop", 30)
    assert kind(f"{tmp_path}/pipe") == (f"{tmp_path}/pipe", "queue", 0)
    assert kind(f"{tmp_path}/video.mp4") is kind(f"{tmp_path}/none") is None


def test_a_keyboard_is_no_source(monkeypatch):
    monkeypatch.setattr(
        sys, "stdin", type("Keyboard", (), {"isatty": lambda s: True})()
    )
    with pytest.raises(DataError, match="pipe a video into it"):
        sources.find("-")


class Capture:
    """OpenCV's, of three pictures."""

    total = 3

    def __init__(self, place, *settings):
        self.left = 3

    def read(self):
        self.left -= 1
        return self.left >= 0, frames(1)[0]

    def get(self, what):
        return self.total

    isOpened = lambda self: True
    release = lambda self: None


@pytest.mark.parametrize(("announced", "end"), [(3, StopIteration), (-1, DataError)])
def test_a_recording_behind_an_address_ends_and_a_camera_is_lost(
    monkeypatch, announced, end
):
    monkeypatch.setattr(Capture, "total", announced)
    monkeypatch.setattr("cv2.VideoCapture", Capture)
    pictures = sources.find("http://host/a").open()
    assert [next(pictures) is not None for _ in range(3)] == [True] * 3
    with pytest.raises(end):
        next(pictures)
