"""Benchmarks by name: which sequences, in which order, and what is missing."""

import pickle

import cv2
import numpy as np
import pytest

from tirjax.data import DATASETS, open_dataset
from tirjax.data.listed import LSOTB_ATTRIBUTES, PTB_ATTRIBUTES, read_list
from tirjax.data.sequence import DataError

ROWS = "2,3,10,20\n4,5,11,21\n"


def sequence(folder, truth="groundtruth_rect.txt", rows=ROWS, pictures="img"):
    (folder / pictures).mkdir(parents=True)
    for i in (1, 2):
        cv2.imwrite(
            str(folder / pictures / f"{i:04}.png"), np.full((9, 12), i, np.uint8)
        )
    if truth:
        (folder / truth).write_text(rows)
    return folder


@pytest.mark.parametrize(
    "name,count",
    [
        ("ptb_tir", 60),
        ("lsotb_tir_120", 120),
        ("lsotb_tir_st100", 100),
        ("lsotb_tir_lt11", 11),
        ("vot_tir2015", 20),
        ("vot_tir2016", 25),
    ],
)
def test_lists_have_the_published_number_of_names(name, count):
    assert len(read_list(name)) == len(set(read_list(name))) == count


def test_lsotb_list_is_in_toolkit_order_by_scenario():
    scenarios = [name.split("_")[1] for name in read_list("lsotb_tir_120")]
    assert sorted(scenarios, key="VDHS".index) == scenarios


def test_annotation_folders_hold_every_listed_sequence(shared):
    root = shared / "data/annotations_tir_benchmarks"
    for folder, names in {"ptb_tir": "ptb_tir", "lsotb_tir": "lsotb_tir_120"}.items():
        assert {p.stem for p in (root / folder).glob("*.txt")} == {*read_list(names)}


@pytest.mark.parametrize("parent", ["", "tirsequences"])
def test_ptb_lists_its_sixty_in_order_and_opens_none(tmp_path, parent):
    names = read_list("ptb_tir")
    for name in names:
        (tmp_path / parent / name).mkdir(parents=True)
    data = open_dataset("ptb_tir", tmp_path)
    assert data.names == names and len(data) == 60


def test_missing_sequences_are_counted_and_named(tmp_path):
    sequence(tmp_path / "airplane")
    with pytest.raises(
        DataError, match=r"59 of 60 sequences missing .*: birds, campus1, .*\.\.\."
    ):
        open_dataset("ptb_tir", tmp_path)


def test_names_as_cut_need_no_other_sequence(tmp_path):
    sequence(tmp_path / "airplane")
    for cut in ("airplane", ["airplane"]):
        assert open_dataset("ptb_tir", tmp_path, cut).names == ("airplane",)


def test_unknown_name_in_a_cut_gets_a_suggestion(tmp_path):
    with pytest.raises(DataError, match=r"car_D_001.*did you mean ca[rt]_D_00"):
        open_dataset("lsotb_tir", tmp_path, "car_D_001")


def test_annotation_and_attributes_may_lie_in_the_toolkit_folder(tmp_path):
    sequence(tmp_path / "tirsequences" / "birds", truth="")
    (tmp_path / "tiranno" / "att").mkdir(parents=True)
    (tmp_path / "tiranno" / "birds.txt").write_text(ROWS)
    (tmp_path / "tiranno" / "att" / "birds.txt").write_text("1,0,0,1,0,0,0,0,0,1")
    (clip,) = open_dataset("ptb_tir", tmp_path, "birds")
    np.testing.assert_array_equal(clip.boxes[0], [1, 2, 10, 20])
    want = ("deformation", "background clutter", "thermal crossover")
    assert clip.attributes == want and clip.modality == "tir"


@pytest.mark.parametrize("flags", ["anno/att", "att"])
def test_lsotb_attributes_are_found_in_both_places(tmp_path, flags):
    sequence(tmp_path / "sequences" / "cat_D_001", truth="")
    (tmp_path / flags).mkdir(parents=True)
    (tmp_path / "anno").mkdir(exist_ok=True)
    (tmp_path / "anno" / "cat_D_001.txt").write_text(ROWS)
    (tmp_path / flags / "cat_D_001.txt").write_text("0," * 13 + "1,0,0")
    (clip,) = open_dataset("lsotb_tir", tmp_path, "cat_D_001")
    assert clip.attributes == ("drone-mounted",)


def test_wrong_number_of_attribute_flags_is_named(tmp_path):
    sequence(tmp_path / "birds")
    (tmp_path / "att").mkdir()
    (tmp_path / "att" / "birds.txt").write_text("1,0,0")
    with pytest.raises(DataError, match=r"birds\.txt: 3 flags; expected 10"):
        open_dataset("ptb_tir", tmp_path, "birds")[0]


@pytest.mark.parametrize("cut,count", [(None, 120), ("120", 120), ("119", 119)])
def test_lsotb_cuts_of_the_first_edition(tmp_path, cut, count):
    for name in read_list("lsotb_tir_120"):
        (tmp_path / name).mkdir()
    names = open_dataset("lsotb_tir", tmp_path, cut).names
    assert len(names) == count and ("cat_D_001" in names) == (count == 120)


@pytest.mark.parametrize("cut,count", [("st100", 100), ("LT11", 11)])
def test_lsotb_cuts_of_the_second_edition(tmp_path, cut, count):
    for name in read_list(f"lsotb_tir_{cut.lower()}"):
        (tmp_path / "sequences" / name).mkdir(parents=True)
    assert len(open_dataset("lsotb_tir", tmp_path, cut)) == count


@pytest.mark.parametrize("prefix", ["", "8_"])
def test_vot_tir_finds_eight_bit_folders_of_the_combined_archive(tmp_path, prefix):
    sequence(tmp_path / f"{prefix}horse", truth="groundtruth.txt", pictures=".")
    (clip,) = open_dataset("vot_tir2015", tmp_path, "horse")
    assert clip.name == "horse" and clip.modality == "tir"


def test_attribute_counts_are_the_published_ones(shared):
    """Table of positive flags per attribute, all sequences together."""
    root = shared / "data/annotations_tir_benchmarks"
    ptb = [60, 39, 35, 52, 14, 8, 22, 10, 3, 22]
    lsotb = [76, 73, 70, 85, 31, 47, 38, 28, 15, 4, 13, 28, 20, 25, 40, 35]
    for folder, names, want in (
        ("ptb_tir", PTB_ATTRIBUTES, ptb),
        ("lsotb_tir", LSOTB_ATTRIBUTES, lsotb),
    ):
        files = (root / folder / "att").glob("*.txt")
        flags = np.array([np.loadtxt(f, delimiter=",") for f in files])
        assert (flags > 0).sum(0).tolist() == want and len(names) == len(want)


def test_otb_takes_every_folder_and_splits_several_targets(tmp_path):
    sequence(tmp_path / "Basketball")
    jogging = sequence(tmp_path / "Jogging", truth="groundtruth_rect.1.txt")
    (jogging / "groundtruth_rect.2.txt").write_text("9,9,2,2\n9,9,2,2\n")
    data = open_dataset("otb", tmp_path)
    assert data.names == ("Basketball", "Jogging-1", "Jogging-2")
    np.testing.assert_array_equal(data[2].boxes[0], [8, 8, 2, 2])
    assert data[2].name == "Jogging-2"


def test_otb_diving_drops_the_pictures_without_annotation(tmp_path):
    folder = sequence(tmp_path / "Diving")
    (folder / "img" / "0002.png").rename(folder / "img" / "0216.png")
    (folder / "groundtruth_rect.txt").write_text("2,3,10,20\n")
    assert len(open_dataset("otb", tmp_path)[0].frames) == 1


def test_folder_finds_known_layouts_at_any_depth_and_skips_the_rest(tmp_path):
    sequence(tmp_path / "b" / "deep" / "walk")
    sequence(tmp_path / "horse", truth="groundtruth.txt")
    sequence(tmp_path / "unlabelled", truth="")
    (tmp_path / "notes.txt").write_text("x")
    assert open_dataset("folder", tmp_path).names == ("walk", "horse")


def test_folder_is_also_one_sequence(tmp_path):
    data = open_dataset("folder", sequence(tmp_path / "walk"))
    assert data.names == ("walk",) and len(data[0].frames) == 2


def test_folder_takes_names_as_cut(tmp_path):
    for name in "abc":
        sequence(tmp_path / name)
    assert open_dataset("folder", tmp_path, "c,a").names == ("c", "a")


def test_equal_names_in_a_folder_are_told_apart(tmp_path):
    for parent in ("day", "night"):
        sequence(tmp_path / parent / "walk")
    assert open_dataset("folder", tmp_path).names == ("day-walk", "night-walk")


def test_folder_without_sequences_says_what_it_expected(tmp_path):
    with pytest.raises(DataError, match=r"no sequences of folder .*groundtruth_rect"):
        open_dataset("folder", tmp_path)


def test_unknown_data_set_lists_the_known(tmp_path):
    with pytest.raises(DataError, match=r"no data set 'lasot'; choose .*lsotb_tir"):
        open_dataset("lasot", tmp_path)


@pytest.mark.parametrize("name", DATASETS)
def test_missing_root_is_named(tmp_path, name):
    with pytest.raises(DataError, match=r"no such folder: .*gone"):
        open_dataset(name, tmp_path / "gone")


def test_check_is_empty_when_all_is_well(tmp_path):
    sequence(tmp_path / "walk")
    assert open_dataset("folder", tmp_path).check() == []


def test_check_collects_every_problem_with_its_sequence(tmp_path):
    sequence(tmp_path / "a")
    sequence(tmp_path / "b", rows=ROWS * 2)
    last = sequence(tmp_path / "c") / "img" / "0002.png"
    last.write_bytes(last.read_bytes()[:-20])
    sequence(tmp_path / "d", rows="0,0,0,0\n1,1,2,2")
    problems = open_dataset("folder", tmp_path).check()
    assert [p[:2] for p in problems] == ["b:", "c:", "d:"]
    assert "4 boxes for 2 frames" in problems[0]
    assert "frame 1" in problems[1] and "truncated" in problems[1]
    assert "no box on the first frame" in problems[2]


def test_data_set_pickles(tmp_path):
    sequence(tmp_path / "walk")
    data = pickle.loads(pickle.dumps(open_dataset("folder", tmp_path)))
    assert len(data[0].frames) == 2


def test_index_out_of_range_is_an_index_error(tmp_path):
    sequence(tmp_path / "walk")
    with pytest.raises(IndexError):
        open_dataset("folder", tmp_path)[1]
