"""What a run tells: records, lines, pictures, plots."""

import errno
import io
import json
import os
import sys
from types import SimpleNamespace

import cv2
import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console
from tirjax_train import curves, journal, pictures

from tirjax.data.sequence import DataError


def quiet(terminal=False):
    return Console(file=io.StringIO(), force_terminal=terminal, width=120)


def log(workdir, resumed=None, console=None, seconds=None, total=100, **kwargs):
    clock = iter(seconds or range(1000))
    return journal.Log(
        workdir,
        total,
        resumed,
        console=console or quiet(),
        clock=lambda: float(next(clock)),
        **kwargs,
    )


@pytest.fixture(autouse=True)
def without_tensorboard(monkeypatch):
    """Most tests; writing its files takes a second each."""
    monkeypatch.setitem(sys.modules, "tensorboardX", None)


def records(workdir):
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def told(workdir):
    """Records without their times."""
    return [{k: v for k, v in r.items() if k != "time"} for r in records(workdir)]


def test_a_line_for_each_record_with_null_for_what_is_not_finite(tmp_path):
    with log(tmp_path) as run:
        run.metrics(10, {"loss": jnp.float32(0.5), "norm": float("nan")})
        run.metrics(20, {"loss": np.float64(0.25), "norm": float("inf")})
        assert len(records(tmp_path)) == 2, "on disk at once"
    text = (tmp_path / "metrics.jsonl").read_text()
    assert "NaN" not in text and "Infinity" not in text
    first, second = records(tmp_path)
    assert first == {"step": 10, "time": first["time"], "loss": 0.5, "norm": None}
    assert second["loss"] == 0.25 and second["time"] > first["time"]


def test_a_resumed_file_reads_like_one_that_nothing_interrupted(tmp_path):
    def train(workdir, first, last, resumed=None):
        with log(workdir, resumed) as run:
            for step in range(first, last + 1, 10):
                run.metrics(step, {"loss": 1 / 3 / step, "bad": float("nan")})

    train(tmp_path / "whole", 10, 60)
    train(tmp_path / "parts", 10, 50)
    with (tmp_path / "parts" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 60, "ti')
    train(tmp_path / "parts", 40, 60, resumed=30)
    assert told(tmp_path / "parts") == told(tmp_path / "whole")


def test_a_new_run_begins_a_new_file(tmp_path):
    for _ in range(2):
        with log(tmp_path) as run:
            run.metrics(0, {"loss": 1.0})
    assert len(records(tmp_path)) == 1


def test_elsewhere_than_in_a_terminal_there_is_a_line_for_each_record(tmp_path):
    console = quiet()
    with log(tmp_path, console=console, seconds=[0, 60, 60, 60, 90, 90]) as run:
        values = {"loss": 0.5, "iou": 0.25, "images_per_second": 412.4}
        run.metrics(10, {**values, "waiting": 0.031})
        run.metrics(20, {"auc": 0.75})
    notice, first, second = console.file.getvalue().splitlines()
    assert "tensorboardX" in notice
    assert first == (
        "step 10/100  loss 0.5  iou 0.25  412 images/s  waiting 3 %  9 min left"
    )
    assert second == "step 20/100  auc 0.75"


def test_in_a_terminal_there_is_a_bar(tmp_path):
    console = quiet(terminal=True)
    with log(tmp_path, console=console) as run:
        run.metrics(50, {"loss": 0.5})
        run.say("[half] way")
        run.progress(100)
    text = console.file.getvalue()
    assert "100/100" in text and "loss 0.5" in text and "[half] way" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(59.4, "59 s"), (61, "2 min"), (3600, "1 h 0 min")]
)
def test_what_is_left_is_a_round_number(seconds, text):
    assert journal._duration(seconds) == text


def test_other_processes_write_nothing(tmp_path):
    workdir, console = tmp_path / "run", quiet()
    with log(workdir, console=console, writes=False) as run:
        run.metrics(1, {"loss": 1.0})
        run.progress(1)
        run.say("hello")
        run.image(1, "crops", np.zeros((4, 4, 3)))
        run.curves()
    assert not workdir.exists() and not console.file.getvalue()


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    def full(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with log(tmp_path) as run:
        with monkeypatch.context() as patch:
            patch.setattr(run, "_file", SimpleNamespace(write=full))
            with pytest.raises(DataError, match=r"metrics.jsonl: not written \(No sp"):
                run.metrics(1, {"loss": 1.0})
        run.metrics(2, {"loss": 1.0})
    assert [record["step"] for record in records(tmp_path)] == [2]


def test_tensorboard_gets_the_scalars_where_it_is_installed(tmp_path, monkeypatch):
    monkeypatch.undo()
    pytest.importorskip("tensorboardX")
    console = quiet()
    with log(tmp_path, console=console) as run:
        run.metrics(1, {"loss": 1.0})
    [events] = (tmp_path / "tensorboard").iterdir()
    assert b"loss" in events.read_bytes()
    assert "tensorboardX" not in console.file.getvalue()


def test_images_and_curves_are_pictures(tmp_path):
    picture = np.zeros((20, 30, 3), np.uint8)
    picture[..., 0] = 200
    with log(tmp_path) as run:
        run.metrics(1, {"loss": 1.0})
        run.image(7, "crops", picture)
    back = cv2.imread(str(tmp_path / "images" / "007_crops.png"))
    np.testing.assert_array_equal(back[..., ::-1], picture)
    assert cv2.imread(str(tmp_path / "curves.png")).shape[1] > 100


def test_every_metric_has_a_panel_with_gaps_for_null():
    loss = [1.0, None, 0.01]
    told = [{"step": i, "time": 0.0, "loss": v} for i, v in enumerate(loss)]
    told += [{"step": 3, "auc": 0.0}, {"step": 3, "a_$": None}]
    panels = curves.curves(told).axes
    assert [axes.get_title() for axes in panels] == ["loss", "auc", r"a_\$"]
    assert [axes.get_yscale() for axes in panels] == ["log", "linear", "linear"]
    np.testing.assert_array_equal(panels[0].lines[0].get_ydata(), [1, np.nan, 0.01])


def test_a_run_without_metrics_still_has_a_picture(tmp_path):
    curves.write(tmp_path / "a.png", curves.read(tmp_path / "nothing.jsonl"))
    assert (tmp_path / "a.png").stat().st_size > 100


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grid_holds_every_image_in_order(channels):
    images = np.arange(5.0)[:, None, None, None] * np.ones((5, 4, 6, channels)) * 10
    got = pictures.grid(images, columns=3, gap=1)
    assert got.shape == (9, 20, 3) and got.dtype == np.uint8
    assert got[0, 0, 0] == 0 and got[0, 7, 0] == 10 and got[5, 7, 0] == 40
    assert (got[5:, 14:] == 255).all() and (got[4] == 255).all()
    assert pictures.grid(images[:2], columns=3, gap=0).shape == (4, 12, 3)


def test_examples_show_both_boxes_and_the_scores():
    crops = np.full((2, 96, 96, 1), 60.0)
    true = np.array([[20, 30, 40, 40], [0, 0, 10, 10]], np.float32)
    guess = np.array([[28, 30, 40, 40], [np.nan, 0, 1, 1]], np.float32)
    scores = np.zeros((2, 7, 7))
    scores[:, 2, 4] = 1.0
    got = pictures.draw_examples(crops, true, guess, scores, columns=1)
    side = 2 * 96
    assert got.shape == (2 * side + 6, 2 * side, 3)
    first = got[:side, :side]
    assert (first[2 * 50, 2 * 20] == pictures.GREEN).all()
    assert (first[2 * 50, 2 * 28] == pictures.RED).all()
    assert not (got[side:, :side] == pictures.RED).all(-1).any()
    heat = got[:side, side:].astype(int).sum(-1)[30:]
    y, x = np.unravel_index(heat.argmax(), heat.shape)
    # Node (2, 4) of seven, over the whole crop.
    assert abs(y + 30 - side * 2 / 6) < 6 and abs(x - side * 4 / 6) < 6


def test_a_picture_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "images").write_text("in the way")
    with pytest.raises(DataError, match="not written"):
        pictures.write(tmp_path / "images" / "a.png", np.zeros((2, 2, 1)))
