"""``track demo`` on small clips: everything is there, and a second time nothing new."""

import numpy as np
import pytest
from tirjax_track import demo
from tirjax_track.__main__ import main

from tirjax.data import ArrayFrames, Sequence, open_sequence


@pytest.fixture
def rendered(monkeypatch):
    """Stands in for the renderer: a warm disc; counts how often a clip is made."""
    made = []

    def render(preset, number):
        made.append((preset, number))
        seed = number % 3
        y, x = np.mgrid[:60, :80] + 0.5
        step = np.arange(10)[:, None, None]
        disc = np.exp(-((x - 30 - seed * step) ** 2 + (y - 30) ** 2) / 60)
        noise = np.random.default_rng(seed).normal(size=disc.shape)
        pixels = (40 + 150 * disc + 4 * noise).clip(0, 255).astype(np.uint8)
        boxes = [20.0, 20, 20, 20] + np.arange(10)[:, None] * [seed, 0, 0, 0]
        frames = ArrayFrames(pixels[..., None])
        return Sequence("disc", frames, boxes, np.ones(10, bool))

    monkeypatch.setattr(demo, "synthesize", render)
    monkeypatch.setattr(demo, "SHOWN", ("mosse",))
    monkeypatch.setattr("tirjax_shell.session.cache", lambda common: None)
    return made


def test_the_demo_leaves_video_plot_table_and_page(rendered, tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    paths = [line.split()[1] for line in out.splitlines()[-4:]]
    names = [path.removeprefix(f"{tmp_path}/") for path in paths]
    assert names == [
        "drawn/tracked.mp4",
        "report/success.png",
        "report/report.md",
        "report/report.html",
    ]
    assert all((tmp_path / name).stat().st_size > 1000 for name in names[::3])
    assert "mosse" in out and "3/3" in out


def test_a_second_demo_renders_and_tracks_nothing_again(rendered, tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path)]) == 0
    (tmp_path / "synthetic" / "mixed-3" / "groundtruth_rect.txt").unlink()
    first = capsys.readouterr().out
    assert main(["demo", "--out", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert rendered == [*demo.CLIPS.values(), demo.CLIPS["mixed-3"]]
    assert "skipping 3 of 3" in err
    assert out == first


def test_the_clips_read_back_as_they_were_rendered(rendered, tmp_path):
    demo.render(tmp_path)
    clip = open_sequence(tmp_path / "easy-1")
    assert len(clip.frames) == 10
    np.testing.assert_allclose(clip.boxes[4], [24, 20, 20, 20])
    want = demo.synthesize("easy", 1)
    np.testing.assert_array_equal(clip.frames[0], want.frames[0])
