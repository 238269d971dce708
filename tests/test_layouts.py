"""One sequence in each layout on disk."""

import json

import cv2
import numpy as np
import pytest

from tirjax.data import antiuav, generic, open_sequence, otb, vot
from tirjax.data.sequence import DataError

ROWS = "2,3,10,20\n4,5,11,21\n6,7,12,22\n"
BOXES = np.array([[1, 2, 10, 20], [3, 4, 11, 21], [5, 6, 12, 22]])


def pictures(folder, n=3, first=1, colour=False):
    folder.mkdir(parents=True, exist_ok=True)
    shade = np.array([0, 40, 80] if colour else [0, 0, 0], np.uint8)
    for i in range(first, first + n):
        picture = np.full((30, 40, 3), i, np.uint8) + shade
        cv2.imwrite(str(folder / f"{i:04}.png"), picture)


def film(path, n=3):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), 25, (40, 30))
    for i in range(n):
        writer.write(np.full((30, 40, 3), 10 * i, np.uint8))
    writer.release()


@pytest.fixture
def otb_folder(tmp_path):
    pictures(tmp_path / "walk" / "img")
    (tmp_path / "walk" / "groundtruth_rect.txt").write_text(ROWS)
    return tmp_path / "walk"


@pytest.fixture
def vot_folder(tmp_path):
    pictures(tmp_path / "horse")
    (tmp_path / "horse" / "groundtruth.txt").write_text(ROWS)
    return tmp_path / "horse"


@pytest.fixture
def uav_folder(tmp_path):
    pictures(tmp_path / "drone")
    label = {"exist": [1, 0, 1], "gt_rect": [[2, 3, 4, 5], [], [0, 7, 8, 9]]}
    (tmp_path / "drone" / "IR_label.json").write_text(json.dumps(label))
    return tmp_path / "drone"


def test_otb_folder_reads_whole(otb_folder):
    clip = otb(otb_folder, attributes=["occlusion"])
    np.testing.assert_array_equal(clip.boxes, BOXES)
    assert clip.name == "walk" and clip.attributes == ("occlusion",)
    assert clip.modality == "tir" and clip.visible.tolist() == [True] * 3
    assert [f[0, 0, 0] for f in clip.frames] == [1, 2, 3]


def test_colour_frames_make_it_rgb(otb_folder):
    pictures(otb_folder / "img", colour=True)
    assert otb(otb_folder).modality == "rgb"


def test_otb_annotation_may_lie_elsewhere(otb_folder, tmp_path):
    file = (otb_folder / "groundtruth_rect.txt").rename(tmp_path / "walk.txt")
    np.testing.assert_array_equal(otb(otb_folder, truth=file).boxes, BOXES)


def test_otb_file_numbers_choose_the_annotated_pictures(otb_folder):
    pictures(otb_folder / "img", n=9)
    clip = otb(otb_folder, numbers=(4, 6))
    assert [f[0, 0, 0] for f in clip.frames] == [4, 5, 6]


def test_otb_file_numbers_that_do_not_exist_are_named(otb_folder):
    with pytest.raises(DataError, match="no picture numbered 300 to 770"):
        otb(otb_folder, numbers=(300, 770))


def test_otb_with_two_targets_asks_which(otb_folder):
    (otb_folder / "groundtruth_rect.txt").rename(otb_folder / "groundtruth_rect.1.txt")
    (otb_folder / "groundtruth_rect.2.txt").write_text(ROWS)
    with pytest.raises(DataError, match=r"2 targets: give truth .*rect\.2\.txt"):
        otb(otb_folder)


@pytest.mark.parametrize("rows", [2, 4])
def test_more_or_fewer_boxes_than_frames_gives_both_counts(otb_folder, rows):
    (otb_folder / "groundtruth_rect.txt").write_text("1,1,2,2\n" * rows)
    with pytest.raises(DataError, match=rf"walk: {rows} boxes for 3 frames"):
        otb(otb_folder)


def test_one_box_for_the_first_frame_is_enough(otb_folder):
    (otb_folder / "groundtruth_rect.txt").write_text("1,1,2,2\n")
    clip = otb(otb_folder)
    assert clip.boxes.shape == (1, 4) and clip.visible.shape == (1,)
    assert len(clip.frames) == 3


def test_zeros_and_nan_are_not_visible_and_keep_their_values(otb_folder):
    (otb_folder / "groundtruth_rect.txt").write_text(
        "1,1,2,2\n0,0,0,0\nNaN NaN NaN NaN"
    )
    clip = otb(otb_folder)
    assert clip.visible.tolist() == [True, False, False]
    np.testing.assert_array_equal(clip.boxes[1], [-1, -1, 0, 0])
    assert np.isnan(clip.boxes[2]).all()


def test_box_outside_the_border_stays_visible(otb_folder):
    """Toolkits call it invalid; that is for evaluation to say."""
    (otb_folder / "groundtruth_rect.txt").write_text("1,1,2,2\n0,5,9,9\n-3,5,9,9")
    assert otb(otb_folder).visible.all()


def test_vot_folder_reads_pictures_beside_the_truth(vot_folder):
    clip = vot(vot_folder)
    np.testing.assert_array_equal(clip.boxes, BOXES)
    assert clip.name == "horse" and clip.modality == "tir" and len(clip.frames) == 3


@pytest.mark.parametrize("folder", ["img", "color", "ir"])
def test_vot_pictures_may_lie_in_a_folder(tmp_path, folder):
    pictures(tmp_path / folder)
    (tmp_path / "groundtruth.txt").write_text(ROWS)
    assert len(vot(tmp_path).frames) == 3


def test_vot_sequence_file_says_where_thermal_pictures_lie(tmp_path):
    pictures(tmp_path / "color", colour=True)
    pictures(tmp_path / "heat")
    (tmp_path / "groundtruth.txt").write_text(ROWS)
    listing = "[sequence]\nchannels.color=color/%04d.png\nchannels.ir=heat/%04d.png\n"
    (tmp_path / "sequence").write_text(listing)
    assert vot(tmp_path).modality == "tir"


def test_vot_polygons_become_boxes_by_the_rule_asked_for(vot_folder):
    rows = "5,3,9,3,9,11,5,11\n" * 3
    (vot_folder / "groundtruth.txt").write_text(rows)
    np.testing.assert_array_equal(vot(vot_folder).boxes[0], [4, 2, 4, 8])
    area = vot(vot_folder, polygon="area").boxes[0]
    np.testing.assert_allclose(area, [4, 2, 5, 9])


def test_vot_frame_flags_become_attributes(vot_folder):
    for name, flags in {
        "occlusion.tag": "0\n1\n0\n",
        "motion.label": "1\n1\n0\n",
        "camera_motion.label": "0\n0\n0\n",
    }.items():
        (vot_folder / name).write_text(flags)
    assert vot(vot_folder).attributes == ("motion_change", "occlusion")


def test_vot_regions_and_frame_flags_are_kept_as_they_are(vot_folder):
    rows = ["5,3,9,3,9,11,5,11", "5,3,4,8", "5,3,4,8"]
    (vot_folder / "groundtruth.txt").write_text("\n".join(rows) + "\n")
    (vot_folder / "motion.tag").write_text("0\n1\n0\n")
    (vot_folder / "short.tag").write_text("1\n")
    clip = vot(vot_folder)
    assert clip.regions[0].tolist() == [4, 2, 8, 2, 8, 10, 4, 10]
    assert clip.regions[1, :4].tolist() == [4, 2, 4, 8]
    assert np.isnan(clip.regions[1, 4:]).all()
    assert {n: flags.tolist() for n, flags in clip.tags.items()} == {
        "motion_change": [False, True, False]
    }


def test_absence_and_cover_of_got10k_hide_the_target(vot_folder):
    (vot_folder / "absence.label").write_text("0\n1\n0\n")
    (vot_folder / "cover.label").write_text("8\n8\n0\n")
    clip = vot(vot_folder)
    assert clip.visible.tolist() == [True, False, False] and clip.attributes == ()


def test_occlusion_line_of_lasot_hides_the_target(vot_folder):
    (vot_folder / "full_occlusion.txt").write_text("0,0,1")
    (vot_folder / "out_of_view.txt").write_text("0,1,0")
    assert vot(vot_folder).visible.tolist() == [True, False, False]


def test_flags_that_do_not_fit_are_named(vot_folder):
    (vot_folder / "absence.label").write_text("0\n1\n")
    with pytest.raises(DataError, match=r"absence\.label: 2 flags for 3 boxes"):
        vot(vot_folder)


def test_antiuav_clip_reads_video_and_blank_separated_boxes(tmp_path):
    film(tmp_path / "05.avi")
    (tmp_path / "05_groundtruth.txt").write_text("2.5\t3\t4\t5\n" * 3)
    clip = antiuav(tmp_path / "05.avi")
    np.testing.assert_array_equal(clip.boxes[0], [2.5, 3, 4, 5])
    assert clip.name == "05" and clip.modality == "tir"
    assert [int(f[0, 0, 0]) for f in clip.frames] == [0, 10, 20]


def test_antiuav_folder_takes_absent_frames_from_its_flags(uav_folder):
    clip = antiuav(uav_folder)
    assert clip.visible.tolist() == [True, False, True]
    assert np.isnan(clip.boxes[1]).all()
    np.testing.assert_array_equal(clip.boxes[2], [0, 7, 8, 9])


def test_antiuav_folder_may_hold_a_thermal_video(tmp_path):
    film(tmp_path / "infrared.avi")
    label = {"exist": [1, 1, 1], "gt_rect": [[2, 3, 4, 5]] * 3}
    (tmp_path / "infrared.json").write_text(json.dumps(label))
    assert antiuav(tmp_path).boxes.shape == (3, 4)


@pytest.mark.parametrize("text", ["{", "[]", '{"exist": [1]}', '{"gt_rect": [3]}'])
def test_antiuav_label_that_is_damaged_is_named(uav_folder, text):
    (uav_folder / "IR_label.json").write_text(text)
    with pytest.raises(DataError, match=r"IR_label\.json: .*expected lists"):
        antiuav(uav_folder)


def test_antiuav_folder_without_label_says_what_it_expected(tmp_path):
    with pytest.raises(DataError, match=r"no ground truth .*IR_label\.json"):
        antiuav(tmp_path)


def test_generic_video_finds_the_text_of_its_name_from_zero(tmp_path):
    film(tmp_path / "my clip.avi")
    (tmp_path / "my clip.txt").write_text(ROWS)
    clip = generic(tmp_path / "my clip.avi")
    np.testing.assert_array_equal(clip.boxes, BOXES + np.array([1, 1, 0, 0]))


def test_generic_folder_finds_its_boxes_file(tmp_path):
    pictures(tmp_path / "a")
    (tmp_path / "a" / "boxes.txt").write_text(ROWS)
    assert generic(tmp_path / "a").boxes.shape == (3, 4)


def test_generic_takes_an_origin_and_a_file(tmp_path):
    pictures(tmp_path / "a")
    (tmp_path / "b.txt").write_text(ROWS)
    clip = generic(tmp_path / "a", tmp_path / "b.txt", origin=1)
    np.testing.assert_array_equal(clip.boxes, BOXES)


def test_generic_takes_a_first_box(tmp_path):
    pictures(tmp_path / "a")
    clip = generic(tmp_path / "a", np.array([1, 2, 3, 4]))
    np.testing.assert_array_equal(clip.boxes, [[1, 2, 3, 4]])


@pytest.mark.parametrize("layout", ["otb_folder", "vot_folder", "uav_folder"])
def test_open_sequence_recognises_a_folder(request, layout):
    path = request.getfixturevalue(layout)
    reader = {"otb_folder": otb, "vot_folder": vot, "uav_folder": antiuav}[layout]
    got, want = open_sequence(path), reader(path)
    np.testing.assert_array_equal(got.boxes, want.boxes)
    assert got.name == want.name and len(got.frames) == 3


def test_open_sequence_recognises_videos(tmp_path):
    for name, truth in {"05": "05_groundtruth.txt", "x": "x.txt"}.items():
        film(tmp_path / f"{name}.avi")
        (tmp_path / truth).write_text(ROWS)
        assert open_sequence(tmp_path / f"{name}.avi").boxes[0].tolist() == [
            2,
            3,
            10,
            20,
        ]


def test_open_sequence_without_truth_says_what_it_looked_for(tmp_path):
    pictures(tmp_path / "a" / "img")
    with pytest.raises(
        DataError,
        match=r"no ground truth for .*groundtruth_rect\.txt.*groundtruth\.txt",
    ):
        open_sequence(tmp_path / "a")


def test_open_sequence_of_nothing_names_the_path(tmp_path):
    with pytest.raises(DataError, match=r"no such file or folder: .*gone"):
        open_sequence(tmp_path / "gone")


def test_truth_without_pictures_names_the_folder(tmp_path):
    (tmp_path / "groundtruth.txt").write_text(ROWS)
    with pytest.raises(DataError, match="no pictures in"):
        open_sequence(tmp_path)
