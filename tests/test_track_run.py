"""``track run``: what it writes, what it refuses, what survives a failure."""

import csv

import cv2
import jax
import numpy as np
import pytest
from tirjax_track import runner
from tirjax_track.__main__ import main
from tirjax_track.sources import Source

from tirjax.data import write_boxes
from tirjax.trackers import TRACKERS

MOSSE = "--tracker", "mosse"
START = np.array([20.0, 25, 20, 20])


pytestmark = pytest.mark.usefixtures("no_cache")


def blob(rng, frames=12, rows=70, cols=90):
    """A warm disc that moves right from (30, 35), uint8 ``[t, rows, cols]``."""
    y, x = np.mgrid[:rows, :cols] + 0.5
    step = np.arange(frames)[:, None, None]
    disc = np.exp(-((x - 30 - 1.5 * step) ** 2 + (y - 35) ** 2) / 60)
    return (40 + 150 * disc + 4 * rng.normal(size=disc.shape)).clip(0, 255).astype("u1")


def write_pictures(folder, pictures):
    folder.mkdir(parents=True, exist_ok=True)
    for i, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"{i:04d}.png"), picture)


@pytest.fixture
def sequence(tmp_path, rng):
    """An OTB folder: pictures, and the disc's box in every frame."""
    pictures = blob(rng)
    write_pictures(tmp_path / "disc" / "img", pictures)
    truth = START + np.arange(len(pictures))[:, None] * [1.5, 0, 0, 0]
    write_boxes(tmp_path / "disc" / "groundtruth_rect.txt", truth, origin=1)
    return tmp_path / "disc"


def program(tmp_path, *arguments):
    return main(["run", *map(str, arguments), "--out", str(tmp_path / "out")])


def read(path):
    return np.loadtxt(path, delimiter=",")


def test_an_annotated_sequence_is_tracked_drawn_and_scored(sequence, tmp_path, capsys):
    assert program(tmp_path, sequence, *MOSSE) == 0
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == {
        "tracked.mp4",
        "frames.png",
        "scores.png",
        "mosse.txt",
        "mosse.frames.csv",
    }
    film = cv2.VideoCapture(str(tmp_path / "out" / "tracked.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 12
    header, _, row = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["tracker", "success", "precision"]
    assert float(row.split()[1]) > 0.7


def test_the_boxes_are_the_runners(sequence, tmp_path, rng):
    assert program(tmp_path, sequence, *MOSSE) == 0
    frames = np.stack([cv2.imread(str(p), 0) for p in sorted(sequence.glob("img/*"))])
    tracker = TRACKERS["mosse"](tuple(START[2:]))
    key = jax.random.key(0)
    want = [r.box for r in runner.follow(tracker, (), frames[..., None], START, key)]
    np.testing.assert_allclose(read(tmp_path / "out" / "mosse.txt"), want, atol=5e-4)


def test_each_frame_has_score_status_and_seconds(sequence, tmp_path):
    assert program(tmp_path, sequence, *MOSSE) == 0
    text = (tmp_path / "out" / "mosse.frames.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert [int(row["frame"]) for row in rows] == list(range(12))
    assert {row["status"] for row in rows} == {"found"}
    assert np.isnan(float(rows[0]["score"]))
    assert all(0 < float(row["seconds"]) < 60 for row in rows)


def test_several_targets_have_a_file_each(sequence, tmp_path):
    targets = "--init", "20,25,20,20", "--init", "50.5,10,12,14"
    assert program(tmp_path, sequence, *targets, *MOSSE) == 0
    boxes = [read(tmp_path / "out" / f"mosse-{i}.txt") for i in (1, 2)]
    np.testing.assert_array_equal(boxes[0][0], START)
    np.testing.assert_array_equal(boxes[1][0], [50.5, 10, 12, 14])
    assert len(boxes[0]) == len(boxes[1]) == 12


def test_several_trackers_are_drawn_and_scored_together(sequence, tmp_path, capsys):
    assert program(tmp_path, sequence, "--tracker", "mosse,kcf") == 0
    for name in ("mosse", "kcf"):
        assert len(read(tmp_path / "out" / f"{name}.txt")) == 12
    out = capsys.readouterr().out
    assert {line.split()[0] for line in out.splitlines()[2:]} == {"mosse", "kcf"}


def test_a_folder_without_truth_asks_for_a_box(tmp_path, rng, capsys):
    write_pictures(tmp_path / "clip", blob(rng, 2))
    assert program(tmp_path, tmp_path / "clip", *MOSSE) == 2
    error = capsys.readouterr().err
    assert "--init x,y,w,h" in error
    assert not (tmp_path / "out").exists()


def test_results_before_a_broken_frame_are_kept(sequence, tmp_path, capsys):
    broken = sequence / "img" / "0008.png"
    broken.write_bytes(broken.read_bytes()[:100])
    assert program(tmp_path, sequence, *MOSSE) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: frame 8") and str(broken) in error
    assert len(read(tmp_path / "out" / "mosse.txt")) == 8
    film = cv2.VideoCapture(str(tmp_path / "out" / "tracked.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tracker", "mose"], "no tracker 'mose'; did you mean mosse? there are"),
        (["--init", "1,2,3"], "expected x,y,w,h"),
        (["--init", "1,2,x,4"], "expected x,y,w,h"),
        (["--init", "nan,2,3,4"], "a number is missing"),
        (["--init", "1,2,0,4"], "must be positive"),
        (["--init", "200,2,5,4"], "outside the frame of 70 rows and 90 columns"),
        (["--init", "1,2,5,4", "--window", "9,3"], "--window 9,3: expected LOW,HIGH"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    sequence, tmp_path, capsys, arguments, message
):
    if "--tracker" not in arguments:
        arguments = [*arguments, *MOSSE]
    assert program(tmp_path, sequence, *arguments) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: ") and message in line


def test_a_missing_source_is_named(tmp_path, capsys):
    assert program(tmp_path, tmp_path / "nowhere.mp4", "--init", "1,1,5,5", *MOSSE) == 2
    assert "nowhere.mp4" in capsys.readouterr().err


def test_debug_shows_the_traceback(tmp_path):
    with pytest.raises(ValueError, match="nowhere"):
        program(
            tmp_path, tmp_path / "nowhere.mp4", "--init", "1,1,5,5", "--debug", *MOSSE
        )


def test_sixteen_bit_counts_pass_through_a_window(tmp_path, rng):
    counts = 28_000 + 8 * blob(rng, 6).astype(np.uint16)
    write_pictures(tmp_path / "deep", counts)
    arguments = "--init", "20,25,20,20", *MOSSE, "--window"
    assert program(tmp_path, tmp_path / "deep", *arguments, "28000,30000") == 0
    boxes = read(tmp_path / "out" / "mosse.txt")
    np.testing.assert_allclose(boxes[-1, :2], [27.5, 25], atol=2)


def test_show_without_a_display_says_what_to_do(
    sequence, tmp_path, capsys, monkeypatch
):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    arguments = *MOSSE, "--show"
    assert program(tmp_path, sequence, *arguments) == 2
    error = capsys.readouterr().err
    assert "--show" in error and ("display" in error or "tirjax[show]" in error)


def test_interrupting_keeps_the_results_and_ends_with_130(
    sequence, tmp_path, capsys, monkeypatch
):
    from tirjax_track import outputs

    draw = outputs.Outputs.add

    def interrupted(self, number, frame):
        if number == 5:
            raise KeyboardInterrupt
        return draw(self, number, frame)

    monkeypatch.setattr(outputs.Outputs, "add", interrupted)
    assert program(tmp_path, sequence, *MOSSE) == 130
    assert "interrupted" in capsys.readouterr().err
    assert len(read(tmp_path / "out" / "mosse.txt")) >= 5


class Camera:
    """A live source of a few frames, then whatever ``end`` raises."""

    def __init__(self, frames, end=None):
        self.frames, self.end = frames, end

    def __len__(self):
        raise TypeError("live")

    def __iter__(self):
        yield from self.frames
        if self.end:
            raise self.end


@pytest.mark.parametrize("end", [None, KeyboardInterrupt()])
def test_a_camera_is_followed_until_it_ends_or_is_stopped(
    tmp_path, rng, monkeypatch, end
):
    frames = blob(rng, 7)[..., None]
    camera = Source("camera 0", lambda: iter(Camera(frames, end)), "queue", 0.0)
    monkeypatch.setattr("tirjax_track.run.sources.find", lambda source: camera)
    assert program(tmp_path, 0, "--init", "20,25,20,20", *MOSSE) == 0
    assert len(read(tmp_path / "out" / "mosse.txt")) == 7
    assert (tmp_path / "out" / "frames.png").is_file()


def test_an_output_that_cannot_be_written_is_one_line(sequence, tmp_path, capsys):
    (tmp_path / "out").write_text("a file in the way")
    assert program(tmp_path, sequence, *MOSSE) == 2
    assert capsys.readouterr().err.startswith("error: ")
