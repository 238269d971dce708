"""The window, on matplotlib's canvas without a display: keys, boxes, closing."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backend_bases import CloseEvent, KeyEvent, MouseEvent
from matplotlib.figure import Figure
from tirjax_track import window
from tirjax_track.window import Window

PICTURE = np.full((72, 96, 3), 80, np.uint8)


@pytest.fixture
def shown(monkeypatch):
    monkeypatch.setattr(window, "_choose", lambda plt: plt.switch_backend("agg"))
    monkeypatch.setattr(Figure, "show", lambda self: None)
    made = Window("title")
    yield made
    made.close()


def press(shown, key):
    canvas = shown._figure.canvas
    canvas.callbacks.process(
        "key_press_event", KeyEvent("key_press_event", canvas, key)
    )


def drag(shown, start, end):
    """From one pixel of the picture to another, as a mouse does."""
    canvas = shown._figure.canvas
    canvas.draw()
    place = shown._axes.transData.transform
    steps = [("button_press_event", start), ("motion_notify_event", end)]
    for name, at in [*steps, ("button_release_event", end)]:
        canvas.callbacks.process(name, MouseEvent(name, canvas, *place(at), button=1))


def on_wait(shown, monkeypatch, *actions):
    left = list(actions)
    monkeypatch.setattr(shown, "wait", lambda seconds: left and left.pop(0)())


def test_keys_are_told_once(shown):
    shown.show(PICTURE)
    press(shown, "r")
    press(shown, " ")
    assert shown.keys() == ["r", " "]
    assert shown.keys() == []


def test_no_key_closes_by_itself(shown):
    press(shown, "q")
    assert not shown.closed and plt.fignum_exists(shown._figure.number)


def test_a_dragged_box_is_in_pixels_of_the_picture(shown, monkeypatch):
    draw = lambda: drag(shown, (9.5, 19.5), (39.5, 59.5))
    on_wait(shown, monkeypatch, lambda: None, draw)
    got = shown.select(PICTURE, lambda: False)
    np.testing.assert_allclose(got, [10, 20, 30, 40], atol=0.2)


@pytest.mark.parametrize("key", ["escape", "q"])
def test_escape_draws_no_box(shown, monkeypatch, key):
    on_wait(shown, monkeypatch, lambda: None, lambda: press(shown, key))
    assert shown.select(PICTURE, lambda: False) is None


def test_a_click_is_no_box_and_a_signal_ends_the_drawing(shown, monkeypatch):
    stops = iter([False, False, True])
    click = lambda: drag(shown, (30, 30), (30.4, 30.4))
    on_wait(shown, monkeypatch, lambda: None, click)
    assert shown.select(PICTURE, lambda: next(stops)) is None


def test_closing_is_noticed(shown):
    canvas = shown._figure.canvas
    canvas.callbacks.process("close_event", CloseEvent("close_event", canvas))
    assert shown.closed
    assert shown.select(PICTURE, lambda: False) is None


def test_pictures_may_grow(shown):
    shown.show(PICTURE)
    shown.show(np.zeros((92, 96, 3), np.uint8))
    assert shown._image.get_size() == (92, 96)
