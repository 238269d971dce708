"""``python -m train analyse``: piles of pictures, plots and numbers."""

import csv
import json

import cv2
import fabricated
import numpy as np
import pytest
from tirjax_train.__main__ import main
from tirjax_train.piles import open_pile

from tirjax.checkpoints import save_variables
from tirjax.data.sequence import DataError

pytestmark = pytest.mark.usefixtures("no_cache")


@pytest.fixture
def piles(tmp_path, rng):
    """A rough kind of pictures and a flat one, of several sizes and depths."""
    for name, spread in (("rough", 60), ("flat", 6)):
        folder = tmp_path / name
        (folder / "sub").mkdir(parents=True)
        for i, size in enumerate([(20, 30), (40, 24), (33, 33)]):
            shape = (*size, 3) if name == "rough" else size
            pixels = np.clip(rng.normal(120, spread, shape), 0, 255)
            cv2.imwrite(str(folder / "sub" / f"{i}.png"), pixels.astype(np.uint8))
    return [str(tmp_path / "rough"), f"smooth={tmp_path / 'flat'}"]


@pytest.fixture
def backbone(tmp_path, rng):
    kernel = rng.normal(size=(7, 7, 3, 12)).astype(np.float32)
    vgg = {"conv1": {"kernel": kernel, "bias": np.zeros(12, np.float32)}}
    save_variables(tmp_path / "net", {"params": vgg}, {"architecture": "vgg_m"})
    return tmp_path / "net"


def table(path):
    with path.open() as opened:
        header, *rows = csv.reader(opened)
    return header, np.array(rows, float)


def test_both_analyses_write_plots_tables_and_a_summary(
    piles, backbone, tmp_path, capsys
):
    out = tmp_path / "new" / "out"
    more = ["--out", str(out), "--size", "32", "--backbone", str(backbone)]
    assert main(["analyse", *piles, *more]) == 0
    printed = capsys.readouterr().out
    assert "rough         3 of 3 pictures" in printed
    assert "first layer   12 filters of 7x7, vgg_m" in printed
    header, rows = table(out / "activations.csv")
    want = ["filter", "rough mean", "smooth mean", "rough share", "smooth share"]
    assert header == want and rows.shape == (12, 5)
    np.testing.assert_allclose(rows[:, 3:].sum(0), 1, atol=1e-4)
    header, rows = table(out / "gradients.csv")
    assert header == ["from", "rough", "smooth"] and rows.shape == (128, 3)
    np.testing.assert_allclose(rows[:, 1:].sum(0), 32 * 32, rtol=1e-4)
    found = json.loads((out / "analysis.json").read_text())
    steep = found["gradients"]["summary"]
    assert steep["rough"]["median gradient"] > 2 * steep["smooth"]["median gradient"]
    assert 0 < steep["smooth"]["apart from rough"] <= 1
    spread = found["activations"]["summary"]["rough"]["effective filters"]
    assert 1 <= spread <= 12
    for name in ("activations.png", "gradients.png"):
        assert cv2.imread(str(out / name)).shape[1] > 600


def test_gradients_alone_need_no_network(piles, tmp_path, capsys):
    out = tmp_path / "out"
    more = ["--out", str(out), "--size", "16", "--what", "gradients", "--sample", "2"]
    assert main(["analyse", *piles, *piles[:1], *more, "--operator", "central"]) == 0
    assert "rough         2 of 3 pictures" in capsys.readouterr().out
    header, rows = table(out / "gradients.csv")
    assert header == ["from", "rough", "smooth", "rough 2"]
    np.testing.assert_array_equal(rows[:, 1], rows[:, 3])
    assert not (out / "activations.png").exists()


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--what", "colours"], "choose of activations,gradients"),
        (["--size", "8"], "16 pixels"),
        (["--backbone", "nowhere", "--what", "activations"], "nowhere"),
    ],
)
def test_bad_arguments_end_with_one_line(piles, tmp_path, capsys, more, word):
    out = ["--out", str(tmp_path / "out")]
    assert main(["analyse", *piles, *out, *more]) == 2
    error = capsys.readouterr().err
    assert word in error and error.count("\n") == 1


def test_one_pile_or_a_missing_one_is_refused(piles, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    assert main(["analyse", piles[0], *out]) == 2
    assert "at least 2 piles" in capsys.readouterr().err
    assert main(["analyse", piles[0], "/nowhere", *out]) == 2
    assert "no such file or folder: /nowhere" in capsys.readouterr().err


def test_another_checkpoint_is_refused(piles, tmp_path, capsys):
    dense = {"params": {"dense": {"kernel": np.zeros((3, 3), np.float32)}}}
    save_variables(tmp_path / "net", dense, {})
    out = ["--out", str(tmp_path / "out"), "--backbone", str(tmp_path / "net")]
    assert main(["analyse", *piles, *out]) == 2
    assert "no first convolution" in capsys.readouterr().err


def test_pictures_are_spread_over_the_pile_in_natural_order(tmp_path):
    fabricated.pictures(tmp_path / "a", 11, "{}.png")
    fabricated.pictures(tmp_path / "b", 2, "{}.png")
    (tmp_path / "a" / ".hidden.png").write_bytes(b"")
    pile = open_pile(str(tmp_path), 4, 16)
    assert pile.found == 13 and pile.places == (0, 4, 8, 12)
    assert [frame.max() for frame in pile] == [20, 24, 28, 21]
    assert {frame.shape for frame in pile} == {(16, 16, 1)}


def test_a_video_is_a_pile(tmp_path, rng):
    path = tmp_path / "a.avi"
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (32, 24))
    for i in range(5):
        film.write(np.full((24, 32, 3), 40 * i, np.uint8))
    film.release()
    for text in (path, tmp_path):
        pile = open_pile(f"film={text}", 3, 16)
        assert (pile.name, pile.found, len(pile)) == ("film", 5, 3)
        np.testing.assert_allclose([f.mean() for f in pile], [0, 80, 160], atol=3)


def test_deep_pictures_have_a_window_of_their_own(tmp_path, rng):
    counts = rng.integers(8000, 9000, (20, 20)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), counts)
    (frame,) = open_pile(str(tmp_path), 9, 20)
    assert frame.dtype == np.uint8 and np.ptp(frame) == 255


def test_an_empty_folder_is_no_pile(tmp_path):
    with pytest.raises(DataError, match="no pictures or videos"):
        open_pile(str(tmp_path), 3, 16)
