"""Aligned pairs: every layout opens in a fixed order, and halves are read as they are.

Pictures are 24 rows by 32 columns of one value: 20 + i the visible one of pair ``i``
(its red is 100 more), 80 + i the thermal one.
"""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from fabricated import COLUMNS, ROWS, picture, write

from tirjax.data.pairs import (
    PAIR_LAYOUTS,
    PAIR_SETS,
    Pair,
    open_pairs,
    split,
)
from tirjax.data.pairs.matching import by_name, by_order
from tirjax.data.pairs.pair import read_pair
from tirjax.data.sequence import DataError

VISIBLE, THERMAL = 20, 80


def halves(visible, thermal, stems, suffixes=(".jpg", ".jpg")):
    """Writes pairs; ``stems`` are two formats of the index from 0, or names."""
    for i, names in enumerate(stems):
        v, t = (names, names) if isinstance(names, str) else names
        picture(visible / f"{v}{suffixes[0]}", VISIBLE + i, colour=True)
        picture(thermal / f"{t}{suffixes[1]}", THERMAL + i)


def kaist(root):
    for place in ("set00/V000", "set06/V001"):
        names = [f"I{i:05}" for i in range(3)]
        halves(root / place / "visible", root / place / "lwir", names)


def kaist_concat(root):
    for i in range(3):
        canvas = np.full((ROWS, 2 * COLUMNS, 3), THERMAL + i, np.uint8)
        canvas[:, :COLUMNS] = VISIBLE + i
        canvas[:, :COLUMNS, 2] += 100
        path = root / ("set00" if i < 2 else "set06") / f"{i:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), canvas)


def rgbt(root):
    for name in ("afterrain", "elecbike10"):
        stems = [(f"{i:05}v", f"{i:05}i") for i in range(1, 4)]
        halves(root / name / "visible", root / name / "infrared", stems)


def llvip(root):
    for part in ("train", "test"):
        names = [f"{part}{i}" for i in range(3)]
        halves(root / "visible" / part, root / "infrared" / part, names)


def roadscene(root):
    places = root / "crop_LR_visible", root / "cropinfrared"
    halves(*places, [f"FLIR_{i:05}" for i in range(3)])
    picture(root / "crop_HR_visible" / "FLIR_00000.jpg", 1, colour=True)


def tno(root):
    for part in ("Train", "Test"):
        names = [f"{i}" for i in (1, 2, 10)]
        halves(root / f"{part}_vi", root / f"{part}_ir", names, (".bmp", ".bmp"))


def two_folders(root):
    stems = [(f"scene{i}_RGB", f"scene{i}_T") for i in range(3)]
    halves(root / "RGB", root / "Thermal", stems, (".jpg", ".png"))


LAYOUTS = {
    "kaist": kaist,
    "kaist_concat": kaist_concat,
    "rgbt210": rgbt,
    "rgbt234": rgbt,
    "lasher": rgbt,
    "llvip": llvip,
    "roadscene": roadscene,
    "tno": tno,
    "two_folders": two_folders,
}
# First name of the layouts above, and how many there are.
FIRST = {
    "kaist": ("set00-V000-I00000", 6),
    "kaist_concat": ("set00-000000", 3),
    **dict.fromkeys(("rgbt210", "rgbt234", "lasher"), ("afterrain-00001v", 6)),
    "llvip": ("test-test0", 6),
    "roadscene": ("FLIR_00000", 3),
    "tno": ("1", 3),
    "two_folders": ("scene0", 3),
}


@pytest.fixture
def made(tmp_path):
    """Writes a layout and opens it."""

    def make(name, cut=None):
        LAYOUTS[name](tmp_path)
        return open_pairs(name, tmp_path, cut)

    return make


def values(pair):
    assert pair.visible.shape == (ROWS, COLUMNS, 3)
    assert pair.thermal.shape == (ROWS, COLUMNS, 1)
    assert {half.dtype for half in pair} == {np.dtype(np.uint8)}
    red, green, _ = np.rint(pair.visible.mean((0, 1))).astype(int).tolist()
    return green, red - green, round(float(pair.thermal.mean()))


def test_every_set_has_a_layout_for_errors_and_one_in_these_tests():
    assert PAIR_SETS.keys() == PAIR_LAYOUTS.keys() == LAYOUTS.keys()


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_opens_with_the_right_halves_together(made, name):
    pairs = made(name)
    assert (pairs.names[0], len(pairs)) == FIRST[name]
    assert not pairs.unpaired and len({*pairs.names}) == len(pairs)
    for i, pair in enumerate(pairs):
        green, redder, warm = values(pair)
        # JPEG moves a flat colour by up to 3.
        assert abs(warm - green - (THERMAL - VISIBLE)) <= 3, pairs.files(i)
        assert abs(redder - 100) <= 4 and abs(green - VISIBLE - i % 3) <= 3


@pytest.mark.parametrize("name", LAYOUTS)
def test_files_are_named_for_errors_and_for_what_lies_beside_them(made, name):
    pairs = made(name)
    for i in range(len(pairs)):
        visible, thermal = pairs.files(i)
        assert visible.is_file() and thermal.is_file()
        assert (visible == thermal) == (name == "kaist_concat")


def test_names_are_sorted_by_their_numbers(made):
    assert made("tno").names == ("1", "2", "10")


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_order_on_the_disk_does_not_matter(made, name, monkeypatch):
    pairs = made(name)
    forwards = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda p: iter([*forwards(p)][::-1]))
    listing = os.listdir
    monkeypatch.setattr(os, "listdir", lambda p=".": listing(p)[::-1])
    assert made(name).names == pairs.names


@pytest.mark.parametrize(
    ("name", "cut", "names"),
    [
        ("kaist", "train", ("set00-V000-I00000",)),
        ("kaist", "set06", ("set06-V001-I00000",)),
        ("kaist", ("set06", "set00"), ("set06-V001-I00000", "set00-V000-I00000")),
        ("kaist_concat", "test", ("set06-000002",)),
        ("llvip", "train", ("train-train0",)),
        ("roadscene", "FLIR_00002", ("FLIR_00002",)),
        ("rgbt234", "elecbike10", ("elecbike10-00001v",)),
    ],
)
def test_a_cut_is_a_part(made, name, cut, names):
    pairs = made(name, cut)
    per_part = {"kaist_concat": 1, "roadscene": 1}.get(name, 3)
    assert pairs.names[::per_part] == names


def test_a_list_file_is_a_cut(made, tmp_path):
    write(tmp_path / "mine.txt", "FLIR_00001\nFLIR_00000\n")
    assert made("roadscene", "mine.txt").names == ("FLIR_00001", "FLIR_00000")


def test_lashers_split_is_its_list_of_sequences(made, tmp_path):
    write(tmp_path / "trainingsetList.txt", "elecbike10\n")
    assert made("lasher", "train").names[0] == "elecbike10-00001v"


def test_pictures_without_another_half_are_left_out_and_listed(tmp_path):
    halves(tmp_path / "vis", tmp_path / "ir", ["a", "b"])
    picture(tmp_path / "vis" / "lost.jpg", 1)
    picture(tmp_path / "ir" / "only.jpg", 1)
    pairs = open_pairs("two_folders", tmp_path)
    assert pairs.names == ("a", "b")
    assert pairs.unpaired == ("ir/only.jpg", "vis/lost.jpg")


@pytest.mark.parametrize(
    ("visible", "thermal"),
    [
        ("VIS{:02}", "IR{:02}"),
        ("{:05}v", "{:05}i"),
        ("v{:06}", "i{:06}"),
        ("street-{} rgb", "street-{} tir"),
        ("x{}_visible", "x{}"),
        ("FLIR_{}_RGB", "FLIR_{}_thermal"),
    ],
)
def test_what_only_tells_the_halves_apart_is_left_out(tmp_path, visible, thermal):
    stems = [(visible.format(i), thermal.format(i)) for i in (1, 2, 11)]
    halves(tmp_path / "v", tmp_path / "i", stems)
    match = by_name(tmp_path / "v", tmp_path / "i")
    assert [(v.stem, t.stem) for _, v, t in match.pairs] == stems


def test_marks_are_kept_where_names_would_run_together(tmp_path):
    """``1_v`` and ``1_i`` of one folder are two pictures."""
    stems = ["1_v", "1_i", "2_v"]
    halves(tmp_path / "vis", tmp_path / "ir", stems)
    picture(tmp_path / "vis" / "3_v.jpg", 1)
    match = by_name(tmp_path / "vis", tmp_path / "ir")
    assert {v.stem for _, v, _ in match.pairs} == {*stems}
    assert [p.name for p in match.unpaired] == ["3_v.jpg"]


def test_equal_counts_are_matched_in_order(tmp_path):
    """RGBT210 has halves that count from 0 and from 1."""
    stems = [(f"{i:05}v", f"{i + 1:05}i") for i in range(12)]
    halves(tmp_path / "v", tmp_path / "i", stems)
    match = by_order(tmp_path / "v", tmp_path / "i")
    assert [(v.stem, t.stem) for _, v, t in match.pairs] == stems
    assert not match.unpaired


@pytest.mark.parametrize("missing", [[("v", 3)], [("v", 3), ("i", 5)]])
def test_with_frames_missing_the_numbers_decide(tmp_path, missing):
    stems = [(f"{i:05}v", f"{i:05}i") for i in range(8)]
    halves(tmp_path / "v", tmp_path / "i", stems)
    for half, number in missing:
        (tmp_path / half / f"{number:05}{half}.jpg").unlink()
    match = by_order(tmp_path / "v", tmp_path / "i")
    gone = {number for _, number in missing}
    kept = [names for i, names in enumerate(stems) if i not in gone]
    assert [(v.stem, t.stem) for _, v, t in match.pairs] == kept
    assert len(match.unpaired) == len(missing)


def test_times_as_names_are_matched_in_order(tmp_path):
    stems = [(f"{1000 + 40 * i}", f"{1013 + 41 * i}") for i in range(5)]
    halves(tmp_path / "v", tmp_path / "i", stems)
    match = by_order(tmp_path / "v", tmp_path / "i")
    assert [(v.stem, t.stem) for _, v, t in match.pairs] == stems


def test_a_colour_thermal_picture_becomes_one_channel(tmp_path):
    picture(tmp_path / "v.jpg", 10, colour=True)
    cv2.imwrite(str(tmp_path / "t.jpg"), np.full((ROWS, COLUMNS, 3), 90, np.uint8))
    assert values(read_pair(tmp_path / "v.jpg", tmp_path / "t.jpg"))[2] == 90


def test_sixteen_bits_become_eight_by_the_readers_window(tmp_path):
    counts = np.linspace(7000, 9000, ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    cv2.imwrite(str(tmp_path / "t.png"), counts.astype(np.uint16))
    picture(tmp_path / "v.png", 10)
    pair = read_pair(tmp_path / "v.png", tmp_path / "t.png")
    assert pair.thermal.dtype == np.uint8
    expected = np.clip((counts - 7002) / (8998 - 7002), 0, 1) * 255
    # Half a step of rounding, and that of the counts.
    assert np.abs(pair.thermal[..., 0] - expected).max() <= 1


def test_a_canvas_of_grey_is_read_too(tmp_path):
    canvas = np.repeat(np.uint8([[30, 200]]), 8, axis=1).repeat(6, axis=0)
    cv2.imwrite(str(tmp_path / "c.png"), canvas)
    pair = read_pair(tmp_path / "c.png", tmp_path / "c.png")
    assert pair.visible.shape == (6, 8, 3) and (pair.visible == 30).all()
    assert pair.thermal.shape == (6, 8, 1) and (pair.thermal == 200).all()


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda v, t: t.unlink(), "cannot read"),
        (lambda v, t: t.write_bytes(b""), "empty"),
        (lambda v, t: t.write_bytes(t.read_bytes()[:200]), "truncated"),
        (lambda v, t: v.write_bytes(b"no picture"), "cannot be decoded"),
        (lambda v, t: cv2.imwrite(str(t), np.zeros((8, 9), np.uint8)), "is 8x9"),
    ],
)
def test_a_bad_half_is_one_line_with_both_files(tmp_path, break_it, words):
    visible, thermal = tmp_path / "vis" / "a.jpg", tmp_path / "ir" / "a.jpg"
    halves(visible.parent, thermal.parent, ["a"])
    break_it(visible, thermal)
    with pytest.raises(DataError, match=words) as caught:
        read_pair(visible, thermal)
    text = str(caught.value)
    assert str(visible) in text and str(thermal) in text and "\n" not in text


def test_a_canvas_of_odd_width_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "c.png"), np.zeros((4, 7), np.uint8))
    with pytest.raises(DataError, match="odd"):
        open_pairs("kaist_concat", tmp_path)[0]


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_empty_folder_says_what_it_should_hold(tmp_path, name):
    with pytest.raises(DataError, match="expected") as caught:
        open_pairs(name, tmp_path)
    assert PAIR_LAYOUTS[name] in str(caught.value)


def test_errors_name_the_remedy(made, tmp_path):
    with pytest.raises(DataError, match="did you mean llvip"):
        open_pairs("lvip", tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        open_pairs("llvip", tmp_path / "nowhere")
    with pytest.raises(DataError, match="cuts are all, test, train"):
        made("llvip", "val")


def test_names_that_never_agree_are_refused(tmp_path):
    halves(tmp_path / "vis", tmp_path / "ir", [("a", "x"), ("b", "y")])
    with pytest.raises(DataError, match=r"first are a\.jpg and x\.jpg"):
        open_pairs("two_folders", tmp_path)


def test_two_pictures_of_one_name_are_refused(tmp_path):
    halves(tmp_path / "vis", tmp_path / "ir", ["a"])
    picture(tmp_path / "vis" / "a.png", 1)
    with pytest.raises(DataError, match="keep one"):
        open_pairs("two_folders", tmp_path)


def test_a_split_is_seeded_and_holds_everything_once(tmp_path):
    halves(tmp_path / "vis", tmp_path / "ir", [f"{i}" for i in range(25)])
    pairs = open_pairs("two_folders", tmp_path)
    first, second = split(pairs, 0.12, 3)
    assert (len(first), len(second)) == (22, 3)
    assert {*first.names} | {*second.names} == {*pairs.names}
    again = split(pairs.take(reversed(range(25))), 0.12, 3)
    assert again[1].names == second.names and again[0].names == first.names
    assert split(pairs, 0.12, 4)[1].names != second.names
    index = second.names.index(second.names[-1])
    assert isinstance(second[index], Pair)
    assert second.files(index)[0].stem == second.names[-1]


def test_a_split_can_keep_recordings_together(made):
    first, second = split(made("rgbt234"), 0.3, 0, whole_folders=True)
    clips = [{n.split("-")[0] for n in part.names} for part in (first, second)]
    assert len(first) == len(second) == 3 and not clips[0] & clips[1]


def test_a_split_into_nothing_is_refused(made):
    pairs = made("roadscene")
    with pytest.raises(DataError, match="between 0 and 1"):
        split(pairs, 1.0, 0)
    with pytest.raises(DataError, match="needs 2"):
        split(pairs, 0.5, 0, whole_folders=True)
    assert len(split(pairs, 0.01, 0)[1]) == 1


REAL = {"roadscene": 221, "llvip": 44, "tno": 41, "kaist_msrs_m3fd": 15}


@pytest.mark.parametrize("name", REAL)
def test_real_pairs_open(shared, name):
    dataset = name if name in PAIR_SETS else "two_folders"
    pairs = open_pairs(dataset, shared / "data" / f"pairs_{name}")
    assert len(pairs) == REAL[name] and not pairs.unpaired
    pair = pairs[0]
    assert pair.visible.shape[:2] == pair.thermal.shape[:2]
