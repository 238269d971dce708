"""``python -m train pairs``: sets that fit, that do not, and files that are bad."""

import cv2
import numpy as np
import pytest
from tirjax_train.__main__ import main

SIZE = (160, 200)


def scene(rng):
    picture = np.zeros(SIZE, np.float32)
    for _ in range(50):
        y, x = rng.integers(0, SIZE[0]), rng.integers(0, SIZE[1])
        h, w = rng.integers(6, 50, 2)
        picture[y : y + h, x : x + w] = rng.uniform(0, 255)
    return cv2.GaussianBlur(picture, (0, 0), 0.8)


def moved(picture, dx, dy):
    by = np.float32([[1, 0, dx], [0, 1, dy]])
    return cv2.warpAffine(picture, by, SIZE[::-1], borderMode=cv2.BORDER_REFLECT)


def colour(grey):
    """A picture with some colour, whose grey value is about the given one."""
    return np.stack([grey * 0.8, grey, np.minimum(grey * 1.1, 255)], axis=-1)


@pytest.fixture
def make(rng, tmp_path):
    """Writes ``vis`` and ``ir``, the thermal halves displaced, or of other scenes."""

    def write(count=6, by=(0, 0), *, strangers=False, tint=colour):
        for half in ("vis", "ir"):
            (tmp_path / "data" / half).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            visible = scene(rng)
            thermal = 255 - moved(scene(rng) if strangers else visible, *by)
            cv2.imwrite(str(tmp_path / f"data/vis/{i}.png"), tint(visible))
            cv2.imwrite(str(tmp_path / f"data/ir/{i}.png"), thermal)
        return tmp_path / "data"

    return write


def run(data, *more, name="two_folders"):
    return main(["pairs", name, str(data), *map(str, more)])


def test_aligned_pairs_are_ready_for_training(make, capsys):
    assert run(make(), "--check") == 0
    printed = capsys.readouterr().out
    assert "pairs         6, 6 decoded" in printed
    assert "200x160 (6)" in printed and "common edges  6 of 6" in printed
    assert "aligned within" in printed and "worst         none" in printed
    assert "no colour" not in printed


def test_displaced_pairs_come_with_the_move_that_helps(make, capsys):
    assert run(make(by=(6, -4))) == 0
    printed = capsys.readouterr().out
    words = printed.split("DISPLACED: move the thermal pictures by ")[1].split()
    assert abs(float(words[0]) + 6) < 0.5
    assert abs(float(words[5]) - 4) < 0.5


def test_strangers_are_called_so_and_listed(make, capsys):
    assert run(make(strangers=True)) == 0
    printed = capsys.readouterr().out
    assert "DO NOT FIT" in printed and "--sheet" in printed
    assert printed.count("\n  ") == 5


def test_pairs_displaced_each_by_its_own_are_not_aligned(make, rng, capsys):
    data = make(8)
    for i in (1, 2, 5):
        path = str(data / f"ir/{i}.png")
        cv2.imwrite(path, moved(cv2.imread(path, 0), 10 + 3 * i, 0))
    assert run(data) == 0
    assert "NOT ALIGNED: 3 of 8" in capsys.readouterr().out


def test_grey_visible_pictures_may_be_swapped_halves(make, capsys):
    run(make(3, tint=lambda grey: grey))
    assert "in 3 of 3 visible pictures; make sure" in capsys.readouterr().out


def test_unpaired_and_unreadable_pictures_are_listed(make, capsys):
    data = make()
    (data / "vis/0.png").rename(data / "vis/lost.png")
    torn = data / "ir/3.png"
    torn.write_bytes(torn.read_bytes()[:100])
    assert run(data) == 0
    printed = capsys.readouterr().out
    assert "unpaired      2 left out\n  ir/0.png\n  vis/lost.png" in printed
    assert "unreadable    1\n  3: " in printed and str(torn) in printed


def test_check_decodes_all_and_fails_on_a_bad_one(make, capsys):
    data = make()
    (data / "ir/3.png").write_bytes(b"")
    assert run(data, "--sample", 2) == 0
    assert "6, 2 decoded" in capsys.readouterr().out
    assert run(data, "--sample", 2, "--check") == 2
    printed = capsys.readouterr()
    assert "6, 6 decoded" in printed.out and "of 2 pairs" in printed.out
    assert printed.err.startswith("error: 1 of 6 pairs") and "restore" in printed.err


@pytest.mark.parametrize(
    ("prepare", "more", "words"),
    [
        (lambda data: None, ["--sample", "0"], "at least 1"),
        (lambda data: None, ["--cut", "other"], "no sequence or cut 'other'"),
        (
            lambda data: (data / "ir").rename(data / "xyz"),
            [],
            "expected one of visible",
        ),
        (lambda data: [p.unlink() for p in (data / "ir").iterdir()], [], "no pairs of"),
        (
            lambda data: [p.write_bytes(b"") for p in (data / "ir").iterdir()],
            [],
            "no pair can be measured",
        ),
    ],
)
def test_nothing_usable_is_one_line_and_status_2(make, prepare, more, words, capsys):
    data = make(2)
    prepare(data)
    assert run(data, *more) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and words in lines[0]


def test_an_unknown_set_is_refused_with_a_hint(tmp_path, capsys):
    assert run(tmp_path, name="llvpi") == 2
    assert "did you mean llvip" in capsys.readouterr().err


@pytest.mark.parametrize("count", [1, 3, 11])
def test_the_sheet_shows_both_halves_and_a_checkerboard(make, tmp_path, count, capsys):
    out = tmp_path / "new" / "sheet.png"
    assert run(make(count), "--sheet", out) == 0
    assert str(out) in capsys.readouterr().out
    picture = cv2.imread(str(out))
    # Letters, then 256 rows by 320 columns three times a pair; two pairs in a row.
    shown = min(count, 8)
    rows, columns = -(-shown // 2), min(shown, 2)
    assert picture.shape == (rows * (276 + 12) - 12, columns * (968 + 12) - 12, 3)
    visible, thermal, both = (picture[20:276, x : x + 320] for x in (0, 324, 648))
    corner = (slice(0, 40), slice(0, 40))
    np.testing.assert_array_equal(both[corner], visible[corner])
    beside = (slice(0, 40), slice(40, 80))
    np.testing.assert_array_equal(both[beside], thermal[beside])


def test_a_sheet_that_cannot_be_written_is_one_line(make, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run(make(1), "--sheet", tmp_path / "file" / "sheet.png") == 2
    assert "not written" in capsys.readouterr().err


def test_real_pairs_are_aligned(shared, capsys):
    data = shared / "data" / "pairs_kaist_msrs_m3fd"
    assert run(data) == 0
    printed = capsys.readouterr().out
    assert "common edges  15 of 15" in printed and "aligned within" in printed
