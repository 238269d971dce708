"""``track run`` on live sources and in a window: lines, keys, what survives."""

import csv
import threading

import cv2
import numpy as np
import pytest
from live_players import DRIFTER, WAITER, Screen, frames, lines, source
from tirjax_track import catalogue, plots, run
from tirjax_track.__main__ import main

from tirjax.data.sequence import DataError

INIT = "--init", "10,10,8,8"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No plots, and trackers that compile at once: another one for large targets."""
    monkeypatch.setattr("tirjax_shell.session.cache", lambda common: None)
    choose = lambda name, box: WAITER if box[2] > 20 else DRIFTER
    monkeypatch.setattr(catalogue, "build", choose)
    monkeypatch.setattr(plots, "over_time", lambda *values: None)
    monkeypatch.setattr(plots, "write", lambda figure, path: None)


@pytest.fixture
def follow(tmp_path, monkeypatch):
    """Runs the program on a camera that is ``open``."""

    def program(open, *arguments, screen=None):
        camera = source(open)
        monkeypatch.setattr(run.sources, "find", lambda text: camera)
        if screen:
            monkeypatch.setattr(run, "Window", screen)
        show = ("--show",) if screen else ()
        place = "--out", str(tmp_path / "out"), "--tracker", "mosse"
        return main(["run", "0", *arguments, *show, *place])

    return program


def camera(count):
    return lambda: (p for p in frames(count))


def boxes(tmp_path, name="mosse"):
    return np.loadtxt(tmp_path / "out" / f"{name}.txt", delimiter=",", ndmin=2)


def test_a_line_of_json_for_every_frame(follow, tmp_path, capsys):
    second = "--init", "30,10,8,8"
    assert follow(camera(5), *INIT, *second, "--json", "-", "--no-record") == 0
    got = lines(capsys.readouterr().out)
    assert [line["frame"] for line in got] == list(range(5))
    assert all(line.keys() == got[0].keys() for line in got)
    assert got[0]["size"] == [64, 48] and got[0]["dropped"] == 0
    first, last = got[0]["targets"], got[4]["targets"]
    assert first[1]["score"] is None and first[1]["id"] == 2
    want = {"id": 1, "tracker": "mosse", "box": [14.0, 10.0, 8.0, 8.0]}
    assert last[0] == {**want, "score": 0.04, "status": "found"}
    times = [line["time"] for line in got]
    assert times[0] == 0 and times == sorted(times)
    assert not (tmp_path / "out" / "tracked.mp4").exists()


def test_lines_of_a_recording_too(tmp_path):
    for i, picture in enumerate(frames(3)):
        cv2.imwrite(str(tmp_path / f"{i}.png"), picture)
    file, out = str(tmp_path / "lines"), str(tmp_path / "out")
    assert main(["run", str(tmp_path), *INIT, "--json", file, "--out", out]) == 0
    got = lines((tmp_path / "lines").read_text())
    assert [line["time"] for line in got] == [0, 0.04, 0.08]


def test_results_are_on_disk_before_the_next_frame(follow, tmp_path):
    seen = []

    def open():
        for number, picture in enumerate(frames(9)):
            files = [tmp_path / "lines", tmp_path / "out" / "mosse.txt"]
            seen.append(
                min(len(f.read_text().splitlines()) for f in files)
                if files[1].exists()
                else 0
            )
            yield picture
            if number > 5:  # the queue is full before: the run is behind
                threading.Event().wait(0.2)

    assert follow(open, *INIT, "--json", str(tmp_path / "lines")) == 0
    assert seen[-1] >= 7


def test_boxes_are_told_in_pixels_of_the_frame_that_came(follow, tmp_path, capsys):
    large = np.zeros((96, 192), np.uint8)
    open = lambda: (p for p in [*frames(2), large])
    assert follow(open, *INIT, "--json", "-") == 0
    last = lines(capsys.readouterr().out)[-1]
    assert last["size"] == [192, 96]
    assert last["targets"][0]["box"] == [36, 20, 24, 16]
    np.testing.assert_array_equal(boxes(tmp_path)[-1], [36, 20, 24, 16])


def test_a_loss_keeps_the_results_and_is_one_line(follow, tmp_path, capsys):
    def open():
        yield from frames(4)
        raise DataError("camera 0 sends no more pictures")

    assert follow(open, *INIT) == 2
    assert "sends no more" in capsys.readouterr().err.splitlines()[-1]
    assert len(boxes(tmp_path)) == 4
    film = cv2.VideoCapture(str(tmp_path / "out" / "tracked.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 4


def test_a_source_without_frames_is_an_error(follow, capsys):
    assert follow(camera(0), *INIT) == 2
    assert "camera 0 has no frames" in capsys.readouterr().err


def test_the_first_box_is_drawn_where_none_is_given(follow, tmp_path):
    # A picture is 960 wide, 15 times the frame, under a strip of 24 rows.
    screen = Screen(boxes=[np.array([150, 24 + 75, 120, 180.0])])
    assert follow(camera(3), screen=screen) == 0
    np.testing.assert_allclose(boxes(tmp_path)[0], [10, 5, 8, 12])
    assert len(screen.pictures) == 3 and screen.closed


def test_drawing_nothing_ends_with_a_word(follow, capsys):
    assert follow(camera(3), screen=Screen(boxes=[None])) == 2
    assert "no first box was drawn" in capsys.readouterr().err


@pytest.mark.parametrize("ending", [{"keys": {3: ["q"]}}, {"close_at": 3}])
def test_q_and_closing_the_window_end_the_run(follow, tmp_path, ending):
    assert follow(camera(100), *INIT, screen=Screen(**ending)) == 0
    assert len(boxes(tmp_path)) == 3


def test_r_begins_anew_with_the_chosen_target(follow, tmp_path):
    new = np.array([300, 44 + 300, 150, 150.0])
    # Choosing shows the third picture, of the second frame again.
    screen = Screen(keys={2: ["2"], 4: ["r"]}, boxes=[new])
    assert follow(camera(5), *INIT, "--init", "30,10,8,8", screen=screen) == 0
    np.testing.assert_array_equal(boxes(tmp_path, "mosse-1")[:, 0], range(10, 15))
    np.testing.assert_array_equal(
        boxes(tmp_path, "mosse-2")[:, 0], [30, 31, 32, 21, 22]
    )


def test_r_with_another_tracker_for_the_new_size(follow, tmp_path):
    large = np.array([300, 44 + 300, 450, 150.0])
    screen = Screen(keys={2: ["r"]}, boxes=[large])
    assert follow(camera(4), *INIT, screen=screen) == 0
    np.testing.assert_allclose(boxes(tmp_path)[:, 0], [10, 11, 20, 20])
    with (tmp_path / "out" / "mosse.frames.csv").open() as file:
        status = [row["status"] for row in csv.DictReader(file)]
    assert status == ["found", "found", "lost", "lost"]


def test_a_adds_a_target_and_the_film_goes_on(follow, tmp_path, capsys):
    new = np.array([300, 44 + 300, 150, 150.0])
    screen = Screen(keys={3: ["a"]}, boxes=[new])
    assert follow(camera(5), *INIT, "--json", "-", screen=screen) == 0
    got = lines(capsys.readouterr().out)
    assert [len(line["targets"]) for line in got] == [1, 1, 1, 2, 2]
    added = boxes(tmp_path, "mosse-2")
    assert np.isnan(added[:3]).all() and added[3:, 0].tolist() == [21, 22]
    film = cv2.VideoCapture(str(tmp_path / "out" / "tracked.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 5
    assert len(screen.pictures[-1]) == len(screen.pictures[0]) + 20


def test_space_pauses_and_s_saves_the_picture(follow, tmp_path):
    # Pausing and going on show the same frame again.
    screen = Screen(keys={2: [" "], 3: ["s", " "]})
    assert follow(camera(4), *INIT, screen=screen) == 0
    assert len(screen.pictures) == 6
    saved = cv2.imread(str(tmp_path / "out" / "snapshot-000001.png"))
    assert saved.shape == screen.pictures[1].shape


def test_a_recording_in_a_window_is_followed_as_without(tmp_path, monkeypatch):
    for i, picture in enumerate(frames(4)):
        cv2.imwrite(str(tmp_path / f"{i}.png"), picture)
    monkeypatch.setattr(run, "Window", Screen())
    place = "--tracker", "mosse", "--out", str(tmp_path / "out")
    assert main(["run", str(tmp_path), *INIT, "--show", *place]) == 0
    np.testing.assert_array_equal(boxes(tmp_path)[:, 0], range(10, 14))


@pytest.mark.parametrize("option", [("--latency", "drop"), ("--reconnect", "3")])
def test_options_of_live_sources_do_not_suit_a_recording(tmp_path, capsys, option):
    cv2.imwrite(str(tmp_path / "0.png"), frames(1)[0])
    assert main(["run", str(tmp_path), *INIT, *option, "--out", str(tmp_path)]) == 2
    assert "are for live sources" in capsys.readouterr().err
