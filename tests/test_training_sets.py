"""Training sets: every layout opens, with boxes, flags and pictures as documented."""

import json
import shutil

import cv2
import numpy as np
import pytest
from fabricated import COLUMNS, LAYOUTS, ROWS, box, fabricate, picture, voc, write

from tirjax.data.sequence import DataError
from tirjax.data.training import multi_target, rgb_videos, rgbt
from tirjax.data.training.sets import (
    EXPECTED_LAYOUT,
    TRAINING_SETS,
    open_training_set,
)
from tirjax.data.training.voc import read_voc

RGB_SETS = ("got10k", "lasot", "trackingnet", "coco", "imagenet_vid")
PAIRS = ("rgbt210", "rgbt234", "lasher")
# One annotation of each set that is read when the set is listed.
INDEXED = {
    "lsotb_tir_train": "Annotations/TIR_training_001/car_001/00000003.xml",
    "imagenet_vid": (
        "Annotations/VID/train/ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000/"
        "000002.xml"
    ),
    "coco": "annotations/instances_train2017.json",
    "kaist": "annotations/set00/V000/I00001.txt",
    "hit_uav": "boxes.json",
}
# And one that is read when its sequence is opened.
OPENED = {
    "got10k": "train/GOT-10k_Train_000001/groundtruth.txt",
    "lasot": "airplane/airplane-1/groundtruth.txt",
    "trackingnet": "TRAIN_0/anno/abc-_0.txt",
    "rgbt210": "afterrain/init.txt",
    "rgbt234": "afterrain/infrared.txt",
    "lasher": "afterrain/infrared.txt",
}


@pytest.fixture
def made(tmp_path):
    """Writes a layout and opens it."""

    def make(name, cut=None):
        given = fabricate(name, tmp_path)
        return open_training_set(name, tmp_path, cut or given)

    return make


def boxes(count, target=0):
    return np.array([box(i, target) for i in range(count)])


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_set_opens_and_checks_clean(made, name):
    data = made(name)
    assert len(data) >= 2 and len(set(data.names)) == len(data)
    assert data.check() == []
    for clip in data:
        frame = clip.frames[len(clip.frames) - 1]
        channels = 3 if name in RGB_SETS else 1
        assert frame.shape == (ROWS, COLUMNS, channels) and frame.dtype == np.uint8
        assert clip.boxes.shape == (len(clip.frames), 4)
        assert clip.boxes.dtype == np.float64 and clip.visible.dtype == bool
        assert clip.modality == ("rgb" if name in RGB_SETS else "tir")


def test_every_set_says_what_it_expects():
    assert set(EXPECTED_LAYOUT) == set(TRAINING_SETS)
    assert set(LAYOUTS) <= set(TRAINING_SETS)


@pytest.mark.parametrize("name", ["got10k", "lasot", "trackingnet", *PAIRS])
def test_files_that_count_from_one_come_out_zero_based(made, name):
    clip = made(name)[0]
    target = 1 if name in PAIRS else 0
    np.testing.assert_allclose(clip.boxes, boxes(len(clip.frames), target))


def test_opening_a_listed_video_set_reads_no_annotation(made, tmp_path):
    fabricate("lasot", tmp_path)
    for truth in tmp_path.rglob("groundtruth.txt"):
        truth.unlink()
    assert open_training_set("lasot", tmp_path).names == ("airplane-1", "bear-2")


# Tracklets.


def test_lsotb_targets_are_cut_where_their_id_vanishes(made):
    data = made("lsotb_tir_train")
    want = ("car_001-0", "car_001-1", "car_001-1-2", "person_001-0")
    assert data.names == want
    assert [len(clip.frames) for clip in data] == [6, 2, 2, 6]
    np.testing.assert_allclose(data[0].boxes, boxes(6))
    np.testing.assert_allclose(data[2].boxes, boxes(6, 1)[4:])
    assert data[2].frames[0].ravel()[0] == pytest.approx(24, abs=1)
    assert all(clip.visible.all() for clip in data), "occluded frames have a box"


def test_imagenet_tracklets_follow_the_same_rule(made):
    data = made("imagenet_vid")
    assert [name.split("-", 1)[1] for name in data.names] == ["0", "1", "1-2", "0"]
    assert [len(clip.frames) for clip in data] == [5, 2, 1, 5]
    np.testing.assert_allclose(data[1].boxes, boxes(5, 1)[1:3])
    red, _, blue = data[2].frames[0][5, 5].astype(int)
    assert abs(blue - 24) <= 2 and abs(red - 124) <= 2


def test_a_missing_annotation_ends_every_tracklet(tmp_path, made):
    fabricate("lsotb_tir_train", tmp_path)
    (tmp_path / INDEXED["lsotb_tir_train"]).unlink()
    data = open_training_set("lsotb_tir_train", tmp_path, "car_001")
    assert data.names == ("car_001-0", "car_001-1", "car_001-0-2", "car_001-1-2")
    assert [len(clip.frames) for clip in data] == [2, 2, 3, 2]


def test_tracklets_agree_with_a_frame_by_frame_count(tmp_path, rng):
    """Every presence is in exactly one tracklet; neighbours are never divided."""
    present = rng.random((12, 3)) < 0.6
    files = []
    for i, row in enumerate(present):
        files.append(tmp_path / f"{i:04}.xml")
        write(files[-1], voc([("x", t, box(i, t)) for t in np.flatnonzero(row)]))
    runs = multi_target.split_tracks(files)
    covered = np.zeros((12, 3), int)
    for run in runs:
        covered[run.start : run.start + len(run.boxes), int(run.track)] += 1
    np.testing.assert_array_equal(covered, present)
    edges = np.diff(np.pad(present.astype(int), ((1, 0), (0, 0))), axis=0) == 1
    assert len(runs) == edges.sum()


def test_a_cut_of_videos_reads_no_other_annotation(tmp_path):
    fabricate("lsotb_tir_train", tmp_path)
    (tmp_path / INDEXED["lsotb_tir_train"]).write_text("<annotation>")
    data = open_training_set("lsotb_tir_train", tmp_path, "person_001")
    assert data.names == ("person_001-0",)


# Flags and cuts of the RGB sets.


def test_got10k_is_visible_where_present_and_not_covered(made):
    first, second = made("got10k")
    assert first.visible.all()
    assert second.visible.tolist() == [True, False, False, True]


def test_got10k_split_files_count_the_lines_of_its_list(tmp_path, made):
    names = ("GOT-10k_Train_000002",)
    assert made("got10k", "val").names == names
    assert made("got10k", str(tmp_path / "got10k_val_split.txt")).names == names
    (tmp_path / "own.txt").write_text("GOT-10k_Train_000001\n")
    assert made("got10k", "own.txt").names == ("GOT-10k_Train_000001",)
    with pytest.raises(DataError, match=r"split 'vottrain': got10k_vottrain_split.txt"):
        made("got10k", "vottrain")
    (tmp_path / "own.txt").write_text("2\n")
    with pytest.raises(DataError, match=r"own.txt: index 2 of 2 sequences"):
        made("got10k", "own.txt")


def test_lasot_flags_lie_in_single_lines(made):
    assert made("lasot")[1].visible.tolist() == [True, False, False, True]
    assert made("lasot", "train").names == ("airplane-1",)


def test_trackingnet_sorts_pictures_by_number_and_cuts_by_set(made):
    data = made("trackingnet")
    assert data.names == ("abc-_0", "-xyz_1")
    green = [int(frame[0, 0, 1]) for frame in data[0].frames]
    np.testing.assert_allclose(green, 20 + np.arange(25), atol=2)
    assert made("trackingnet", "0-3").names == ("abc-_0",)
    assert made("trackingnet", "0,4-5").names == data.names
    assert made("trackingnet", "-xyz_1").names == ("-xyz_1",)
    with pytest.raises(DataError, match=r"nothing of trackingnet \(cut 7\)"):
        made("trackingnet", "7")


# Single pictures.


def test_coco_leaves_out_crowds_and_empty_boxes(made):
    data = made("coco")
    assert data.names == ("train2017-100", "train2017-101", "train2017-104")
    np.testing.assert_allclose(data[0].boxes, [[1.5, 2.25, 10.0, 8.0]])
    np.testing.assert_allclose(data[2].frames[0][0, 0], [125, 25, 25], atol=2)


def test_coco_pictures_may_lie_in_images(tmp_path, made):
    fabricate("coco", tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "train2017").rename(tmp_path / "images" / "train2017")
    assert open_training_set("coco", tmp_path, "train2017").check() == []
    with pytest.raises(DataError, match=r"no part 'val2017' .* it has train2017"):
        open_training_set("coco", tmp_path, "val2017")


def test_kaist_gives_persons_and_cyclists_of_the_thermal_half(made):
    data = made("kaist", "train")
    assert data.names == (
        *("set00-V000-I00000-0", "set00-V000-I00001-0", "set00-V000-I00001-1"),
    )
    np.testing.assert_allclose(data[2].boxes, [box(1, 2)])
    assert data[2].frames[0].ravel()[0] == pytest.approx(51, abs=1)
    assert len(made("kaist")) == 6 and len(made("kaist", "set06")) == 3


def test_kaist_reads_xml_with_corners_or_sides(tmp_path):
    picture(tmp_path / "set01/V000/lwir/I00000.png", 9)
    people = [("person", None, box(0)), ("people", None, box(1))]
    xml = tmp_path / "annotations-xml/set01/V000/I00000.xml"
    write(xml, voc(people))
    np.testing.assert_allclose(open_training_set("kaist", tmp_path)[0].boxes, boxes(1))
    sides = "<x>4</x><y>3</y><w>8</w><h>6</h>"
    body = f"<object><name>person</name><bndbox>{sides}</bndbox></object>"
    write(xml, f"<annotation>{body}</annotation>")
    (clip,) = open_training_set("kaist", tmp_path)
    np.testing.assert_allclose(clip.boxes, boxes(1))


def test_kaist_canvases_give_their_right_half(tmp_path):
    canvas = tmp_path / "set00/V000/I00000.png"
    halves = np.hstack([np.full((ROWS, COLUMNS), v, np.uint8) for v in (200, 50)])
    picture(canvas, 9)
    cv2.imwrite(str(canvas), halves)
    write(
        tmp_path / "annotations/set00/V000/I00000.txt", "person 4 3 8 6 0 0 0 0 0 0 0"
    )
    (clip,) = open_training_set("kaist", tmp_path)
    np.testing.assert_array_equal(clip.frames[0], np.full((ROWS, COLUMNS, 1), 50))


def test_kaist_skips_what_is_to_be_ignored_and_refuses_matlab(tmp_path):
    text = tmp_path / "annotations/set00/V000/I00000.txt"
    write(text, "person 4 3 8 6 0 0 0 0 0 1 0\nperson? 4 3 8 6 0 0 0 0 0 0 0\n")
    with pytest.raises(DataError, match="nothing of kaist"):
        open_training_set("kaist", tmp_path)
    text.unlink()
    write(tmp_path / "annotations/set00/V000.vbb", "MATLAB")
    with pytest.raises(DataError, match=r"V000\.vbb is a MATLAB file; convert it"):
        open_training_set("kaist", tmp_path)


def test_hit_uav_gives_tracks_then_boxes(made):
    data = made("hit_uav")
    assert data.names == (
        *("0_60_30_0_00016-track0", "0_60_30_0_00016-0", "0_60_30_0_00016-1"),
        *("0_60_30_0_00017-0", "1_90_50_0_00100-0"),
    )
    np.testing.assert_allclose(data[0].boxes, boxes(2))
    np.testing.assert_allclose(data[2].boxes, [[1, 2, 10, 7]])
    assert made("hit_uav", "tracks").names == data.names[:1]
    assert made("hit_uav", "boxes").names == data.names[1:]


def test_hit_uav_in_its_original_layout(tmp_path):
    frame = "0_100_30_0_08074"
    picture(tmp_path / f"normal_xml/JPEGImages/{frame}.jpg", 30)
    objects = [("DontCare", None, box(1)), ("Car", None, box(0))]
    write(tmp_path / f"normal_xml/Annotations/{frame}.xml", voc(objects))
    data = open_training_set("hit_uav", tmp_path)
    assert data.names == (f"{frame}-0",) and data.check() == []
    np.testing.assert_allclose(data[0].boxes, boxes(1))


def test_real_hit_uav_has_the_documented_tracks_and_boxes(shared):
    """README: 82 tracks of 5 to 11 frames; 4882 boxes, of which 82 are DontCare."""
    root = shared / "data/tir_hituav"
    tracks = open_training_set("hit_uav", root, "tracks")
    assert len(tracks) == 82 and tracks.check() == []
    assert {len(clip.frames) for clip in tracks} <= set(range(5, 12))
    single = open_training_set("hit_uav", root, "boxes")
    assert len(single.names) == len(set(single.names)) == 4882 - 82
    assert single[4799].frames[0].shape == (512, 640, 1)
    for clip in tracks:
        right, bottom = (clip.boxes[:, :2] + clip.boxes[:, 2:]).max(0)
        assert clip.visible.all() and right <= 640 and bottom <= 512


# RGB-T pairs.


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_have_a_visible_half_under_another_name(made, tmp_path, name):
    thermal = made(name)
    visible = open_training_set(f"{name}_rgb", tmp_path)
    assert thermal.names == visible.names == ("afterrain", "elecbike10")
    assert visible[0].modality == "rgb" and visible[0].frames[0].shape[2] == 3
    target = 1 if name == "rgbt210" else 0
    np.testing.assert_allclose(visible[0].boxes, boxes(3, target))


def test_an_empty_box_of_a_pair_is_an_absent_target(made, tmp_path):
    data = made("lasher")
    write(tmp_path / "afterrain/infrared.txt", "5,5,8,6\n0,0,0,0\n5,5,8,6\n")
    assert data[0].visible.tolist() == [True, False, True]


def test_lasher_splits_and_nested_folders(tmp_path):
    rgbt_root = tmp_path / "TrainingSet" / "trainingset"
    fabricate("lasher", rgbt_root)
    write(tmp_path / "trainingsetList.txt", "elecbike10\n")
    assert len(open_training_set("lasher", tmp_path)) == 2
    assert open_training_set("lasher", tmp_path, "train").names == ("elecbike10",)


def test_equal_names_of_a_pair_in_two_folders_are_told_apart(tmp_path):
    for part in ("day", "night"):
        fabricate("rgbt234", tmp_path / part)
    names = rgbt.rgbt("rgbt234", "tir", tmp_path).names
    assert "day-afterrain" in names and len(set(names)) == 4


# What is wrong with the data is said.


@pytest.mark.parametrize("name", INDEXED)
def test_a_corrupt_annotation_is_named_when_the_set_is_listed(tmp_path, name):
    fabricate(name, tmp_path)
    file = tmp_path / INDEXED[name]
    file.write_text("person 1 2 three 4")
    with pytest.raises(DataError, match=file.name) as raised:
        open_training_set(name, tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", OPENED)
def test_a_corrupt_annotation_is_named_when_its_sequence_is_opened(tmp_path, name):
    fabricate(name, tmp_path)
    file = tmp_path / OPENED[name]
    file.write_text("1,2,three,4\n")
    data = open_training_set(name, tmp_path)
    (problem,) = data.check()
    assert file.name in problem and "three" in problem


@pytest.mark.parametrize("name", [*INDEXED, *OPENED])
def test_a_missing_picture_is_named(tmp_path, name):
    fabricate(name, tmp_path)
    pictures = sorted(p for p in tmp_path.rglob("*") if p.suffix in (".jpg", ".JPEG"))
    first = next(p for p in pictures if p.parent.name != "visible")
    first.unlink()
    problems = open_training_set(name, tmp_path).check()
    assert problems
    assert all(first.stem in text or "for" in text for text in problems)


def test_xml_without_a_corner_says_which(tmp_path):
    file = tmp_path / "a.xml"
    write(file, voc([("car", 0, box(0))]).replace("ymax", "bottom"))
    with pytest.raises(DataError, match=r"a\.xml: an object without 'ymax'"):
        read_voc(file)
    with pytest.raises(DataError, match=r"cannot read .*b\.xml"):
        read_voc(tmp_path / "b.xml")


def test_tracks_that_do_not_fit_their_frames_are_refused(tmp_path):
    fabricate("hit_uav", tmp_path)
    (track,) = json.loads((tmp_path / "minitracks.json").read_text())
    track["frames"].pop()
    (tmp_path / "minitracks.json").write_text(json.dumps([track]))
    with pytest.raises(DataError, match=r"minitracks\.json.*2 boxes for 1 frames"):
        open_training_set("hit_uav", tmp_path)


def test_unknown_names_get_a_suggestion(tmp_path):
    with pytest.raises(DataError, match="no training set 'got10'; did you mean got10k"):
        open_training_set("got10", tmp_path)
    fabricate("lasot", tmp_path)
    with pytest.raises(DataError, match=r"bear-1.*did you mean bear-2"):
        open_training_set("lasot", tmp_path, "bear-1")


@pytest.mark.parametrize("name", TRAINING_SETS)
def test_a_root_that_is_missing_or_empty_says_what_to_have(tmp_path, name):
    with pytest.raises(DataError, match=r"no such folder.*nowhere"):
        open_training_set(name, tmp_path / "nowhere")
    with pytest.raises(DataError, match="expected") as raised:
        open_training_set(name, tmp_path)
    assert "\n" not in str(raised.value)


def test_got10k_without_its_list_takes_the_folders(tmp_path):
    fabricate("got10k", tmp_path)
    (tmp_path / "train/list.txt").unlink()
    assert len(rgb_videos.got10k(tmp_path)) == 2
    shutil.rmtree(tmp_path / "train/GOT-10k_Train_000001")
    assert rgb_videos.got10k(tmp_path / "train").names == ("GOT-10k_Train_000002",)
