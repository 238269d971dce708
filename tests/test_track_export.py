"""``track export``: what it writes, that it runs alone and equal, what it refuses."""

import ast
import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_architecture import code_lines
from tirjax_track import export, exported_loader, parity, portable, quantise
from tirjax_track.__main__ import main

from tirjax.data import DataError, write_boxes
from tirjax.trackers import FOUND, TRACKERS, Prediction, Tracker
from tirjax.typing import Frame

ROWS, COLS, COUNT = 44, 48, 8
CANVAS = (48, 48, 1)
BOX = np.float32([12, 14, 12, 12])
LOADER = Path(exported_loader.__file__)
SMALL = "--size", "48x48", "--platforms", "cpu,cuda,tpu"

# Follows in a process of its own, where tirjax cannot be imported.
ALONE = """
import sys
class Forbid:
    def find_spec(self, name, *rest):
        if name.partition(".")[0].startswith("tirjax"):
            raise ImportError(f"{name} is forbidden")
sys.meta_path.insert(0, Forbid())
import numpy as np
sys.path.insert(0, sys.argv[1])
from loader import load
init, step = load()
frames, box = np.load(sys.argv[2]), (12.0, 14.0, 12.0, 12.0)
state, boxes = init(frames[0], box), []
for frame in frames[1:]:
    state, found = step(state, frame)
    boxes.append(found["box"])
np.save(sys.argv[3], np.stack(boxes))
"""


@pytest.fixture(autouse=True, scope="module")
def cache():
    """The programs' cache is the tests' own, whatever the command line says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tirjax_shell.session.cache", lambda common: None)
        yield


def discs(count=COUNT):
    """A warm disc that moves right from (18, 20), uint8 ``[t, rows, cols, 1]``."""
    y, x = np.mgrid[:ROWS, :COLS] + 0.5
    step = np.arange(count)[:, None, None]
    disc = np.exp(-((x - 18 - step) ** 2 + (y - 20) ** 2) / 20)
    return (40 + 9 * np.sin(x / 3) + 150 * disc).astype("u1")[..., None]


@pytest.fixture(scope="module")
def sequence(tmp_path_factory):
    """An OTB folder of the disc."""
    folder = tmp_path_factory.mktemp("clip") / "disc"
    (folder / "img").mkdir(parents=True)
    for i, picture in enumerate(discs()):
        cv2.imwrite(str(folder / "img" / f"{i:04d}.png"), picture)
    truth = BOX + np.arange(COUNT)[:, None] * [1, 0, 0, 0]
    write_boxes(folder / "groundtruth_rect.txt", truth, origin=1)
    return folder


def program(out, *arguments):
    return main(["export", *map(str, arguments), "--out", str(out)])


@pytest.fixture(scope="module")
def exported(sequence, tmp_path_factory):
    """MOSSE for small frames."""
    out = tmp_path_factory.mktemp("export") / "mosse"
    assert program(out, "--tracker", "mosse", *SMALL, "--check", sequence) == 0
    return out


@pytest.fixture(scope="module")
def functions(exported):
    return exported_loader.load(exported)


def manifest(folder):
    return json.loads((folder / "manifest.json").read_text())


def live(name="mosse"):
    """Boxes of the tracker's own functions on the canvas."""
    tracker = TRACKERS[name]((12.0, 12.0))
    init, step = jax.jit(tracker.init), jax.jit(tracker.step, donate_argnums=1)
    room = np.subtract(CANVAS, (ROWS, COLS, 1))
    pad = lambda x: np.pad(x, [(0, n) for n in room])
    frames = [Frame(pad(x), np.int32([ROWS, COLS])) for x in discs()]
    state, boxes = init((), frames[0], BOX, jax.random.key(0)), []
    for frame in frames[1:]:
        state, found = step((), state, frame)
        boxes.append(found.box)
    return np.stack(boxes)


def test_the_folder_holds_programs_weights_loader_and_manifest(exported):
    files = {path.name: path.read_bytes() for path in exported.iterdir()}
    about = manifest(exported)
    assert set(files) == {*about["files"], "manifest.json"}
    for name, file in about["files"].items():
        assert file["bytes"] == len(files[name])
        assert file["sha256"] == hashlib.sha256(files[name]).hexdigest()
    assert files["loader.py"] == LOADER.read_bytes()
    assert not list(exported.parent.glob(".*"))


def test_the_manifest_names_shapes_types_and_platforms(exported):
    about = manifest(exported)
    assert about["tracker"] == "mosse" and about["platforms"] == ["cpu", "cuda", "tpu"]
    assert about["frame"] == {"name": "frame", "shape": [48, 48, 1], "dtype": "uint8"}
    assert [leaf["name"] for leaf in about["state"]] == ["num", "den", "box"]
    assert about["state"][0] == {"name": "num", "shape": [64, 33], "dtype": "complex64"}
    assert [leaf["name"] for leaf in about["found"]] == [*Prediction._fields]
    assert about["versions"]["jax"] == jax.__version__
    assert about["target"] is None and about["calling_convention"] >= 9


def test_the_check_says_that_all_boxes_are_equal(exported):
    found = manifest(exported)["parity"]
    assert found["frames"] == found["equal_frames"] == COUNT - 1
    assert found["largest_pixels"] == 0 and found["clip"] == "disc"


def test_the_loader_follows_where_tirjax_cannot_be_imported(exported, tmp_path):
    np.save(tmp_path / "frames.npy", discs())
    (tmp_path / "alone.py").write_text(ALONE)
    arguments = exported, tmp_path / "frames.npy", tmp_path / "boxes.npy"
    command = [sys.executable, "-I", tmp_path / "alone.py", *arguments]
    subprocess.run(command, check=True, cwd=tmp_path, env=os.environ)
    np.testing.assert_array_equal(np.load(tmp_path / "boxes.npy"), live())


def test_the_loader_is_thirty_lines_after_imports_of_jax_and_numpy_alone():
    source = LOADER.read_text()
    nodes = [
        n for n in ast.parse(source).body if isinstance(n, ast.Import | ast.ImportFrom)
    ]
    found = {getattr(n, "module", None) or n.names[0].name for n in nodes}
    assert found == {"hashlib", "json", "pathlib", "jax.export", "numpy"}
    assert len(code_lines(source) - {n.lineno for n in nodes}) <= 30


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((48, 64, 1), np.uint8),
        np.zeros((48, 48, 3), np.uint8),
        np.zeros((48, 48), np.uint8),
        np.zeros((48, 48, 1), np.float32),
    ],
)
def test_a_frame_that_does_not_fit_is_named(functions, frame):
    wanted = rf"a frame is {frame.dtype} \(48, .*exported for uint8 \(48, 48, 1\)"
    with pytest.raises(ValueError, match=wanted):
        functions[0](frame, BOX)


@pytest.mark.parametrize("name", ["init.jaxexport", "weights.npz"])
def test_a_damaged_file_is_named(exported, tmp_path, name):
    copy = shutil.copytree(exported, tmp_path / "copy")
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ValueError, match=rf"{name} is damaged; copy or export it"):
        exported_loader.load(copy)


def test_the_export_of_an_export_is_refused(exported, capsys):
    assert program(exported, "--tracker", "mosse", *SMALL) == 2
    assert "is not empty; choose another --out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--platforms", "cpu,gpu"], "no platform 'gpu'; did you mean tpu? there are"),
        (["--platforms", ","], "--platforms names none"),
        (["--size", "640"], "--size 640: expected WIDTHxHEIGHT"),
        (["--size", "640x0"], "--size 640x0: expected WIDTHxHEIGHT"),
        (["--batch", "0"], "--batch 0: at least 1"),
        (["--window", "frame"], "--window frame: a program has fixed counts"),
        (["--window", "5,70000"], "counts are 0 to 65535"),
        (["--tracker", "eco_hc"], "give --init-size WIDTHxHEIGHT"),
        (["--tracker", "eco_hc", "--init-size", "4"], "--init-size 4: expected WIDTH"),
        (["--tracker", "dimp18"], "dimp18 has a network: give --weights DIR"),
        (["--weights", "x"], "none of the trackers takes any"),
        (["--check", "nowhere"], "no such file or folder: nowhere"),
        (["--size", "16x16"], "--no-check"),
        (["--check", "SEQUENCE", "--frames", "1"], "the check needs 2 frames"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    sequence, tmp_path, capsys, arguments, message
):
    arguments = [sequence if text == "SEQUENCE" else text for text in arguments]
    if "--tracker" not in arguments:
        arguments = [*arguments, "--tracker", "mosse"]
    assert program(tmp_path / "out", *arguments) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: ") and message in line
    assert not list(tmp_path.iterdir())


def test_a_clip_that_does_not_fit_is_named(sequence, tmp_path, capsys):
    arguments = "--tracker", "mosse", "--size", "48x40", "--check", sequence
    assert program(tmp_path / "out", *arguments) == 2
    assert "48x44 with 1 channels, the export is for 48x40" in capsys.readouterr().err


@pytest.fixture
def lowered(monkeypatch):
    """Programs that nobody will run, at no cost."""
    made = portable.Portable(b"", b"", [], [], [], [], 10)
    monkeypatch.setattr(portable, "convert", lambda *arguments: made)


def test_a_full_disk_leaves_nothing_behind(tmp_path, capsys, monkeypatch, lowered):
    full = OSError(errno.ENOSPC, "No space left on device")

    def write(folder, plan, made, kind):
        (folder / "init.jaxexport").write_bytes(b"half")
        raise full

    monkeypatch.setattr(export, "write", write)
    assert program(tmp_path / "out", "--tracker", "mosse", "--no-check") == 2
    assert "No space left on device" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_other_boxes_are_written_and_end_with_status_1(
    sequence, tmp_path, capsys, monkeypatch, lowered
):
    found = {"clip": "disc", "frames": 7, "largest_pixels": 2.0, "equal_frames": 0}
    monkeypatch.setattr(parity, "compare", lambda *arguments: found)
    arguments = "--tracker", "mosse", *SMALL, "--check", sequence
    assert program(tmp_path / "out", *arguments) == 1
    assert "at most 2 pixels" in capsys.readouterr().out
    assert manifest(tmp_path / "out")["parity"] == found
    assert program(tmp_path / "packed", *arguments, "--quantise", "bf16") == 0


def test_a_platform_in_the_way_is_named():
    def init(params, frame, box, key):
        return jnp.linalg.eigvals(jnp.outer(box, box))

    def step(params, state, frame):
        return state, Prediction(jnp.zeros(4), jnp.float32(0), jnp.int32(FOUND))

    shapes = portable.Shapes((8, 8, 1))
    with pytest.raises(DataError, match=r"init cannot be lowered for tpu .*give --pl"):
        portable.convert(Tracker(init, step), (), shapes, ("cpu", "tpu"))


def test_random_keys_travel_as_raw_numbers():
    def init(params, frame, box, key):
        return {"key": key}

    def step(params, state, frame):
        now, later = jax.random.split(state["key"])
        box = jax.random.uniform(now, (4,))
        return {"key": later}, Prediction(box, jnp.float32(0), jnp.int32(FOUND))

    shapes = portable.Shapes((8, 8, 1))
    made = portable.convert(Tracker(init, step), (), shapes, ("cpu",))
    assert made.state == [{"name": "key", "shape": [2], "dtype": "uint32"}]


@pytest.mark.parametrize("kind", ["bf16", "int8"])
def test_stored_weights_are_loaded_within_half_a_step(kind, rng):
    kernel = rng.normal(size=(3, 3, 4, 5)).astype(np.float32)
    kernel[..., 2] = 0
    bias = rng.normal(size=5).astype(np.float32)
    packed = quantise.pack({"kernel": kernel, "bias": bias}, kind)
    loaded = exported_loader._weight(packed, "kernel")
    largest = np.abs(kernel).max((0, 1, 2))
    half = np.abs(kernel) / 256 if kind == "bf16" else largest / 254 * 1.001
    assert loaded.dtype == np.float32 and (np.abs(loaded - kernel) <= half).all()
    np.testing.assert_array_equal(exported_loader._weight(packed, "bias"), bias)
    assert packed["kernel"].dtype == ("uint16" if kind == "bf16" else "int8")


def test_weights_stay_as_they_are_by_default(rng):
    kernel = rng.normal(size=(3, 4)).astype(np.float32)
    assert quantise.pack({"kernel": kernel}, None)["kernel"] is kernel


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["--tracker", "dimp10", "--quantise", "int8"],
        ["--tracker", "dimp10", "--batch", "2"],
        ["--tracker", "eco_hc", "--init-size", "12x12"],
        ["--tracker", "mosse", "--window", "28000,30000"],
        ["--tracker", "mosse", "--channels", "3"],
    ],
)
def test_trackers_batches_and_counts_export_equal(tmp_path, arguments):
    assert program(tmp_path / "out", *arguments, "--size", "64x64", "--frames", 8) == 0
    found = manifest(tmp_path / "out")["parity"]
    # Stored in a byte the weights are others, and so are the boxes.
    assert found["largest_pixels"] <= (8.0 if "int8" in arguments else 1e-3)


@pytest.mark.slow
def test_smaller_frames_are_followed_as_on_their_own_canvas(functions):
    init, step = functions
    state = init(discs()[0], BOX)
    for picture, box in zip(discs()[1:], live(), strict=True):
        state, found = step(state, picture)
        np.testing.assert_array_equal(found["box"], box)
