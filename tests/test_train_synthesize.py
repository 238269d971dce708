"""``python -m train synthesize``: data sets translated, and read as data sets.

Most tests replace the network by the negative of the picture.
"""

import cv2
import fabricated
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from synthesize_runs import NET, command, manifest, stand_in, tear, two_clips
from tirjax_train import translation
from tirjax_train.__main__ import main

from tirjax.checkpoints import save_variables
from tirjax.data.discover import open_sequence
from tirjax.data.images import read_image
from tirjax.data.training.sets import open_training_set

pytestmark = pytest.mark.usefixtures("no_cache")


@pytest.fixture
def fake(monkeypatch):
    return stand_in(monkeypatch)


@pytest.fixture
def argv(tmp_path):
    return two_clips(tmp_path)


@pytest.mark.parametrize(
    "dataset", ["got10k", "lasot", "trackingnet", "otb", "coco", "imagenet_vid"]
)
def test_labels_are_the_originals_and_pictures_their_translations(
    tmp_path, fake, dataset
):
    cut = fabricated.fabricate(dataset, tmp_path / "data")
    assert main(command(tmp_path, dataset)) == 0
    source = open_training_set(dataset, tmp_path / "data", cut)
    found = open_training_set("folder", tmp_path / "out")
    assert {*found.names} == {*source.names}
    for want in source:
        got = open_sequence(tmp_path / "out" / want.name)
        np.testing.assert_allclose(got.boxes, want.boxes, atol=1e-9)
        np.testing.assert_array_equal(got.visible, want.visible)
        assert len(got.frames) == len(want.frames)
        for made, frame in zip(got.frames, want.frames, strict=True):
            assert made.shape == (*frame.shape[:2], 1)
            assert np.abs(255 - frame[..., :1].astype(int) - made).max() <= 1


def test_what_got10k_knows_is_carried_over(tmp_path, fake):
    fabricated.got10k(tmp_path / "data")
    main(command(tmp_path, "got10k"))
    again = open_training_set("got10k", tmp_path / "out")
    names = open_training_set("got10k", tmp_path / "data").names
    assert again.names == names and not again[1].visible.all()
    assert "bear" in (tmp_path / "out" / names[0] / "meta_info.ini").read_text()


def test_a_picture_with_several_targets_is_translated_once(tmp_path, fake):
    fabricated.coco(tmp_path / "data")
    main(command(tmp_path, "coco"))
    names = open_training_set("coco", tmp_path / "data").names
    assert len(names) == 3 and len(fake) == 2
    files = [next((tmp_path / "out" / name).glob("*.png")) for name in names]
    assert len({file.stat().st_ino for file in files}) == 2


def test_training_prepares_what_comes_out(argv, fake, tmp_path, capsys):
    pytest.importorskip("tensorflow_datasets")
    assert main(argv) == 0
    data = ["--data", str(tmp_path / "out"), "--out", str(tmp_path / "prepared")]
    assert main(["prepare", "folder", *data]) == 0
    assert "sequences     2" in capsys.readouterr().out


def test_the_manifest_says_what_was_made_with_what(argv, fake, tmp_path, capsys):
    main(argv)
    found = manifest(tmp_path / "out")
    assert found["complete"] and found["generator"]["network"] == "a negative"
    assert found["settings"]["generator"] == "a" * 64
    assert [s["name"] for s in found["sequences"]] == ["run", "walk"]
    assert [s["frames"] for s in found["sequences"]] == [3, 3]
    assert len(found["sequences"][0]["labels_sha256"]) == 64
    assert {"jax", "tirjax", "pillow"} <= found["versions"].keys()
    printed = capsys.readouterr().out
    assert "frames        6, 6 translated now" in printed
    sheet = cv2.imread(str(tmp_path / "out" / "contact_sheet.png"))
    assert sheet.shape == (504, 648, 3)
    # Middle frames have the value 21, boxes are green.
    assert sheet[30, 10, 0] == 21 and sheet[30 + 244, 10, 0] == 234
    assert (sheet[20:260] == (0, 220, 0)).all(-1).any()


def test_a_corrupt_frame_goes_with_its_labels(argv, fake, tmp_path, capsys):
    tear(tmp_path)
    (tmp_path / "data" / "run" / "boxes.txt").write_text("1,2\n")
    assert main([*argv, "--on-error", "skip"]) == 0
    printed = capsys.readouterr()
    assert "walk: frame 1" in printed.err and "run: " in printed.err
    assert "1 sequences, 1 frames elsewhere" in printed.out
    got = open_sequence(tmp_path / "out" / "walk")
    assert [p.name for p in got.frames.paths] == ["00000001.png", "00000003.png"]
    np.testing.assert_allclose(got.boxes, [fabricated.box(0), fabricated.box(2)])
    found = manifest(tmp_path / "out")
    assert [*found["left_out"]] == ["run"]
    assert "1" in found["sequences"][0]["frames_left_out"]


def test_the_released_procedure_is_a_preset(tmp_path, fake):
    """Squashed to 256, rounded down, JPEG of 75, names of the originals."""
    fabricated.got10k(tmp_path / "data")
    argv = command(tmp_path, "got10k", "--preset", "released")
    del argv[argv.index("--size") : argv.index("--size") + 2]
    assert main(argv) == 0
    settings = manifest(tmp_path / "out")["settings"]
    names = ("fit", "size", "statistics", "rounding", "format", "quality", "channels")
    want = ["squash", 256, "image", "down", "jpeg", 75, 1]
    assert [settings[name] for name in names] == want
    assert fake[0].shape == (256, 256, 3)
    name = "GOT-10k_Train_000001"
    files = sorted(p.name for p in (tmp_path / "out" / name).glob("*.jpg"))
    originals = (tmp_path / "data" / "train" / name).glob("*.jpg")
    assert files == sorted(p.name for p in originals)


@pytest.mark.parametrize("rounding", ["nearest", "down"])
def test_values_become_whole_numbers(rounding):
    fit = translation.fitting.Fit("full")
    chosen = {"format": "png", "channels": 1, "rounding": rounding, "quality": 9}
    run = object.__new__(translation.Translator)
    run._chosen, run._fit = chosen, fit
    data = run.encoded(np.array([[[99.6, 5], [-3, 0], [255.0, 1]]]), (1, 3))
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert found.tolist() == [[100 if rounding == "nearest" else 99, 0, 255]]


def test_sixteen_bits_are_read_as_sixteen(argv, fake, tmp_path):
    assert main([*argv, "--format", "png16", "--fit", "full"]) == 0
    path = tmp_path / "out" / "run" / "00000001.png"
    found = read_image(path, 0)
    assert found.dtype == np.uint16 and (found == 235 * 257).all()
    assert len(open_training_set("folder", tmp_path / "out")[0].frames) == 3


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--size", "15"], "multiple of 4"),
        (["--quality", "0"], "quality of 1 to 100"),
        (["--batch", "0"], "at least 1 image"),
        (["--batch", "3"], "does not divide among 2 devices"),
        (["--data", "/nowhere"], "no such folder"),
        (["--cut", "other"], "no sequence or cut"),
    ],
)
def test_bad_arguments_end_with_one_line(argv, fake, capsys, more, word):
    assert main([*argv, *more]) == 2
    error = capsys.readouterr().err
    assert word in error and error.count("\n") == 1


def test_a_folder_of_something_else_is_left_alone(argv, fake, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("all of it")
    assert main(argv) == 2
    assert "no synthetic data set" in capsys.readouterr().err


def test_a_real_network_over_two_devices(tmp_path, argv):
    """From a run of CycleGAN; norms see one image of the three in the batch."""
    like = jax.eval_shape(NET.init, jax.random.key(0), jnp.zeros((1, 16, 16, 3)))
    rng = np.random.default_rng(3)
    draw = lambda x: rng.normal(0, 0.5, x.shape).astype(np.float32)
    both = {way: jax.tree.map(draw, like) for way in ("forward", "backward")}
    variables = {
        part: {way: both[way][part] for way in both}
        for part in ("params", "batch_stats")
    }
    save_variables(tmp_path / "net", variables, {"architecture": "cyclegan"})
    assert jax.device_count() == 2
    assert main([*argv, "--fit", "full", "--cut", "run"]) == 0
    got = open_sequence(tmp_path / "out" / "run")
    frame = open_training_set("folder", tmp_path / "data", "run")[0].frames[2]
    x = jnp.broadcast_to(frame, (*frame.shape[:2], 3))[None] / 127.5 - 1
    want = jax.jit(NET.apply)(both["forward"], x)[0]
    # Rounding of a value between two numbers.
    assert np.abs(got.frames[2] - (want + 1) * 127.5).max() <= 0.51
    assert np.ptp(got.frames[2]) > 5
    assert main([*argv, "--fit", "full", "--direction", "backward"]) == 2
