"""``track run`` plays RTSP: a target followed, a camera lost, back, silent, refused."""

import contextlib
import functools
import os
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest
from live_players import lines
from rtsp_server import Camera
from tirjax_track import plots, sources
from tirjax_track.__main__ import main

from tirjax.data.sequence import DataError

INIT = "--init", "20,38,20,20", "--tracker", "mosse"

pytestmark = pytest.mark.usefixtures("no_cache")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No plots."""
    monkeypatch.setattr(plots, "over_time", lambda *values: None)
    monkeypatch.setattr(plots, "write", lambda figure, path: None)


@pytest.fixture
def impatient(monkeypatch):
    """What is silent for two seconds has timed out."""
    monkeypatch.setattr(sources, "TIMEOUT", 2000)


def moving(count, first=0):
    """A warm disc around (30 + number, 48), as a camera shows it."""
    y, x = np.mgrid[:96, :128] + 0.5
    for number in range(first, first + count):
        disc = np.exp(-((x - 30 - number) ** 2 + (y - 48) ** 2) / 60)
        noise = np.random.default_rng(number).normal(size=y.shape)
        picture = (40 + 150 * disc + 4 * noise).astype(np.uint8)
        yield cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)


def program(tmp_path, address, *options):
    place = "--out", str(tmp_path / "out"), "--json", str(tmp_path / "lines")
    return main(["run", address, *INIT, *place, "--no-record", *options])


def assert_on_the_disc(tmp_path, count):
    told = lines((tmp_path / "lines").read_text())
    assert [line["frame"] for line in told] == list(range(count))
    assert {(*line["size"], line["dropped"]) for line in told} == {(128, 96, 0)}
    corners = np.array([line["targets"][0]["box"][:2] for line in told])
    want = np.stack([20 + np.arange(count), np.full(count, 38)], -1)
    # MOSSE moves in steps of 0.625 pixels and is wrong by up to four of them here.
    np.testing.assert_allclose(corners, want, atol=4)


def test_a_target_is_followed_to_the_end_that_was_announced(tmp_path):
    with Camera(moving(40), announce=0.4) as camera:
        assert program(tmp_path, camera.address, "--latency", "queue") == 0
    assert_on_the_disc(tmp_path, 40)


def test_a_camera_that_hangs_up_is_played_again_until_it_stays_away(tmp_path, capfd):
    with Camera(moving(20), moving(20, 20)) as camera:
        options = "--latency", "queue", "--reconnect", "0.5"
        assert program(tmp_path, camera.address, *options) == 2
    assert_on_the_disc(tmp_path, 40)
    rows = (tmp_path / "out" / "mosse.txt").read_text().splitlines()
    assert len(rows) == 40
    told = capfd.readouterr().err
    assert told.count("sends no more pictures; trying for 0.5 s") == 2
    assert told.count("is back after") == 1
    assert "did not come back within 0.5 s" in told.splitlines()[-1]


def test_a_picture_arrives_as_it_was_sent_and_leaving_is_said(rng):
    grey = rng.integers(0, 255, (96, 128), np.uint8)
    picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    sent = cv2.imdecode(cv2.imencode(".jpg", picture)[1], cv2.IMREAD_COLOR)
    with Camera(picture for _ in range(100)) as camera:
        with contextlib.closing(sources.find(camera.address).open()) as pictures:
            # Two decoders, each of which rounds in its own way.
            np.testing.assert_allclose(next(pictures), sent, atol=3)
        asked = iter(functools.partial(camera.asked.get, timeout=10), "TEARDOWN")
        assert list(asked) == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]


@pytest.mark.usefixtures("impatient")
def test_a_camera_that_falls_silent_is_lost_without_a_word_of_opencvs(capfd):
    over = threading.Event()

    def silent():
        yield from moving(30)
        over.wait(30)

    got = []
    with Camera(silent()) as camera, pytest.raises(DataError, match="sends no more"):
        got.extend(sources.find(camera.address).open())
    over.set()
    assert len(got) == 30 and capfd.readouterr().err == ""


def test_a_password_opens_a_camera(capfd):
    with Camera(moving(5), secret="me:hush") as camera:
        source = sources.find(camera.address.replace("//", "//me:hush@"))
        assert next(source.open()).shape == (96, 128, 3)
    assert "hush" not in source.name and capfd.readouterr().err == ""


def assert_refused(tmp_path, capfd, address, shown):
    assert program(tmp_path, address) == 2
    begun, error = capfd.readouterr().err.splitlines()
    assert begun.startswith("following")
    assert error.startswith(f"error: {shown} does not open")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("plays", "trouble"),
    [
        pytest.param(0, {}, id="not found"),
        pytest.param(1, {"mute": True}, id="no answer"),
        pytest.param(1, {"secret": "me:hush"}, id="another password"),
    ],
)
def test_a_camera_that_does_not_play_is_one_error(tmp_path, capfd, plays, trouble):
    with Camera(*[moving(5)] * plays, **trouble) as camera:
        address = camera.address.replace("//", "//me:wrong@")
        assert_refused(tmp_path, capfd, address, camera.address)


def test_a_film_written_before_does_not_loosen_the_tongue_of_ffmpeg(tmp_path):
    script = f"""
import cv2
from tirjax.data.sequence import DataError
from tirjax_track import sources
name, code = {str(tmp_path / "film.avi")!r}, cv2.VideoWriter.fourcc(*"MJPG")
film = cv2.VideoWriter(name, cv2.CAP_FFMPEG, code, 25, (32, 24))
assert film.isOpened()
film.release()
try:
    next(sources.find("rtsp://127.0.0.1:1/thermal").open())
except DataError as error:
    print(error)
"""
    command = [sys.executable, "-c", script]
    clean = {key: value for key, value in os.environ.items() if "FFMPEG" not in key}
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=clean)
    assert "rtsp://127.0.0.1:1/thermal does not open" in ran.stdout
    assert ran.stderr == ""


def test_nobody_at_the_address_is_one_error(tmp_path, capfd):
    with Camera() as camera:
        address = camera.address
    assert_refused(tmp_path, capfd, address, address)
