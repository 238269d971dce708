"""Pictures: what a box covers, the strip, the sheet and the film."""

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure
from tirjax_track import plots, view

from tirjax.evaluation import PROTOCOLS, curves, scores

ORANGE = view.PALETTE[0]


def mark(*box, **known):
    return view.Mark("mosse", ORANGE, np.array(box, float), **known)


def test_small_frames_are_enlarged_by_a_whole_factor():
    assert view.film_width(640) == 1280
    assert view.film_width(320) == 960
    assert view.film_width(96) == 960
    assert view.film_width(1920) == 1920


def test_the_target_itself_is_never_painted_over():
    frame = np.full((512, 640, 1), 60, np.uint8)
    frame[200:210, 300:310] = 200
    picture = view.draw(frame, [mark(300, 200, 10, 10)], None, "", 1280)
    inside = picture[-1024:][400:420, 600:620]
    assert (inside == 200).all()


def test_the_box_of_a_ten_pixel_target_can_be_seen():
    frame = np.full((512, 640, 1), 60, np.uint8)
    picture = view.draw(frame, [mark(300, 200, 10, 10)], None, "", 1280)[-1024:]
    coloured = (picture == ORANGE[::-1]).all(-1)
    near = coloured[390:430, 590:630]
    assert near.sum() > 100
    # And once more in the lens, ten times as large.
    assert coloured.sum() > 3 * near.sum()


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_of_frame_can_be_drawn(kind, channels):
    frame = np.full((40, 60, channels), 80, kind)
    assert view.draw(frame, [], None, "", 60).shape[1:] == (60, 3)


def test_colours_are_red_green_blue_in_frames():
    red = np.zeros((40, 60, 3), np.uint8)
    red[..., 0] = 255
    assert view.to_bgr(red)[0, 0].tolist() == [0, 0, 255]


def test_pictures_of_a_clip_have_one_size_whatever_is_known():
    frame = np.zeros((40, 60, 1), np.uint8)
    boxes = [(1, 1, 9, 9), (-1e9, 5, 3, 3), (1e9, 1e9, 1e9, 1e9)]
    shapes = {
        view.draw(frame, [mark(*box, score=s, status=2)], truth, "frame", 240).shape
        for box in boxes
        for s in (0.5, np.nan)
        for truth in (None, np.full(4, np.nan), np.array([2.0, 2, 5, 5]))
    }
    assert len(shapes) == 1


def test_a_lost_target_is_drawn_broken():
    frame = np.full((200, 200, 1), 60, np.uint8)
    count = lambda status: (
        view.draw(frame, [mark(50, 50, 80, 80, status=status)], None, "", 200)
        == ORANGE[::-1]
    ).all(-1)[-200:]
    assert count(2).sum() < 0.7 * count(0).sum()


def test_a_sheet_pads_its_pictures_to_a_grid():
    pictures = [np.zeros((10, 20, 3), np.uint8), np.zeros((12, 16, 3), np.uint8)] * 3
    assert view.sheet(pictures, columns=4).shape == (2 * 18, 4 * 26, 3)


def test_a_film_holds_every_picture(tmp_path):
    film = view.Film(tmp_path / "film.mp4", 25)
    for i in range(7):
        film.add(np.full((41, 61, 3), 30 * i, np.uint8))
    film.close()
    read = cv2.VideoCapture(str(film.path))
    assert read.get(cv2.CAP_PROP_FRAME_COUNT) == 7
    assert read.get(cv2.CAP_PROP_FRAME_WIDTH) == 60


def test_a_film_with_no_place_to_go_is_an_error(tmp_path):
    film = view.Film(tmp_path / "no" / "film.mp4", 25)
    with pytest.raises(OSError, match=r"cannot write a video to .*film\.mp4"):
        film.add(np.zeros((40, 60, 3), np.uint8))


def test_a_film_cut_short_is_noticed(tmp_path):
    film = view.Film(tmp_path / "film.mp4", 25)
    for _ in range(3):
        film.add(np.zeros((40, 60, 3), np.uint8))
    film.count = 5  # as if the disk had swallowed two
    with pytest.raises(OSError, match="holds 3 of 5 frames"):
        film.close()


def test_a_legend_ranks_by_score_and_colours_stay(rng):
    protocol = PROTOCOLS["lsotb"]
    truth = np.tile([10.0, 10, 20, 20], (30, 1))
    beside = {"far": 12, "near": 2, "on": 0}
    ranked = []
    for name, shift in beside.items():
        moved = truth + np.array([shift, 0, 0, 0])
        ranked.append((name, scores([curves(moved, truth, protocol)], protocol)))
    figure = plots.curves("success", ranked, "test")
    legend = figure.axes[0].get_legend()
    labels = [text.get_text().split()[1] for text in legend.texts]
    assert labels == ["on", "near", "far"]
    drawn = [line.get_color() for line in legend.legend_handles]
    colours = dict(zip(labels, drawn, strict=True))
    assert np.allclose(colours["far"], np.array(view.PALETTE[0]) / 255)


def test_names_with_formulas_and_underscores_are_drawn_as_they_are():
    values = np.array([np.nan, 0.5, 0.6])
    figure = plots.over_time({"_a$x$": values, "b": values}, {})
    assert isinstance(figure, Figure)
    assert plots.png(figure)[:4] == b"\x89PNG"


def test_the_same_figure_gives_the_same_bytes():
    values = {"a": np.array([0.1, 0.5, 0.6])}
    assert plots.png(plots.over_time(values, values)) == plots.png(
        plots.over_time(values, values)
    )
