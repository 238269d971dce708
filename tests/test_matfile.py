""".mat files of both kinds as plain data, and what is refused in them."""

import io
import struct
import sys
import zlib

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st
from matlabfile import (
    HANDLE,
    OBJECT_OF_A_CLASS,
    Hdf5,
    by_hand,
    cell,
    element,
    matrix,
    named,
    rows,
)
from scipy.io.matlab import MatlabObject

from tirjax.convert.matfile import Opaque, is_mat, read
from tirjax.data.sequence import DataError

WEIGHTS = "data/weights"


@pytest.fixture
def v5(tmp_path):
    path = tmp_path / "a.mat"
    tree = {
        "matrix": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        "text": "dagnn.Conv",
        "one": {"pad": np.uint8(1), "deep": {"x": 2.0}},
        "many": rows({"name": "a", "value": 1.0}, {"name": "b", "value": 2.0}),
        "mixed": cell("t", np.eye(2), {"k": 3.0}),
        "nothing": np.zeros((0, 0)),
    }
    scipy.io.savemat(path, tree, do_compression=True)
    return path


def test_every_kind_of_value_is_read(v5):
    got = read(v5)
    np.testing.assert_array_equal(got["matrix"], np.arange(24).reshape(2, 3, 4))
    assert got["matrix"].dtype == np.float32
    assert got["text"] == "dagnn.Conv"
    assert got["one"]["pad"].tolist() == [[1]] and got["one"]["deep"]["x"] == 2
    assert [e["name"] for e in got["many"]] == ["a", "b"]
    assert got["mixed"][0] == "t" and got["mixed"][2]["k"] == 3
    np.testing.assert_array_equal(got["mixed"][1], np.eye(2))
    assert got["nothing"].shape == (0, 0)


def agree(ours, theirs):
    """Holds a value to scipy's of the same, whose cells and structs are arrays."""
    if isinstance(ours, dict):
        theirs = theirs.flat[0] if isinstance(theirs, np.ndarray) else theirs
        assert [*ours] == theirs._fieldnames
        for name in ours:
            agree(ours[name], getattr(theirs, name))
    elif isinstance(ours, list):
        assert len(ours) == theirs.size
        for mine, other in zip(ours, theirs.ravel(order="F"), strict=True):
            agree(mine, other)
    elif isinstance(ours, str):
        assert ours == "".join(theirs.ravel())
    else:
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "name", ["dcfnet_net_param.mat", "DCFNet-net-7-125-2.mat"], ids=["matrices", "net"]
)
def test_published_files_read_as_scipy_reads_them(shared, name):
    path = shared / WEIGHTS / name
    theirs = scipy.io.loadmat(path, struct_as_record=False)
    ours = read(path)
    assert ours.keys() == {k for k in theirs if not k.startswith("__")}
    for key, value in ours.items():
        agree(value, theirs[key])


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "value",
    [
        *(np.arange(6).reshape(2, 3).astype(t) for t in "bBhHiIqQfd"),
        np.array([[1 + 2j, 3.5]]),
        np.zeros((0, 3)),
        np.zeros((2, 1, 3, 1)),
        np.array(["ab", "cd"]),
        "äθ",
        cell(1.0, "t", np.eye(2), cell()).reshape(2, 2),
        rows({"x": "a"}, {"x": cell()}),
    ],
    ids=lambda v: f"{getattr(v, 'dtype', 'text')}",
)
def test_every_class_reads_as_scipy_reads_it(tmp_path, value, compressed):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"x": value}, do_compression=compressed)
    ours = read(path)["x"]
    agree(ours, scipy.io.loadmat(path, struct_as_record=False)["x"])
    if isinstance(ours, np.ndarray) and value.dtype.kind != "c":
        assert ours.dtype == value.dtype


def test_a_cell_that_was_never_set_is_an_empty_matrix(tmp_path):
    path = by_hand(tmp_path / "a.mat", named(1, b"c", element(14, b"")))
    assert read(path)["c"][0].shape == (0, 0)


def test_a_file_of_a_big_endian_machine_is_refused(tmp_path):
    path = tmp_path / "a.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\1\0MI")
    with pytest.raises(DataError, match="big-endian"):
        read(path)


def test_a_struct_array_without_fields_cannot_claim_any_length(tmp_path):
    """Nothing in the file would bound it."""
    shape = element(5, struct.pack("<ii", 2**30, 2**30))
    width, names = element(5, struct.pack("<i", 32)), element(1, b"")
    path = by_hand(tmp_path / "a.mat", matrix(2, shape, element(1, b"s"), width, names))
    with pytest.raises(DataError, match="structs without a field"):
        read(path)


def test_a_compressed_variable_gives_no_more_than_it_says(tmp_path):
    """So that a small file cannot fill the memory."""
    inner = struct.pack("<II", 14, 16) + bytes(10**6)
    path = by_hand(tmp_path / "a.mat", element(15, zlib.compress(inner)))
    with pytest.raises(DataError, match="damaged"):
        read(path)


def test_only_the_variables_wanted_are_read(v5):
    assert read(v5, ("text", "absent")).keys() == {"text"}


def test_an_object_of_a_class_is_named_and_not_made(tmp_path):
    path = by_hand(tmp_path / "a.mat", OBJECT_OF_A_CLASS)
    assert read(path) == {"net": Opaque("an object dagnn.DagNN")}


def test_a_function_handle_is_named_and_not_made(tmp_path):
    path = by_hand(tmp_path / "a.mat", HANDLE)
    assert read(path) == {"loss": Opaque("a function handle")}


def test_an_object_of_the_old_kind_is_named_and_not_made(tmp_path):
    array = np.array([[(1.0,)]], [("x", object)])
    scipy.io.savemat(tmp_path / "a.mat", {"net": MatlabObject(array, "inline")})
    assert read(tmp_path / "a.mat") == {"net": Opaque("an object inline")}


@pytest.mark.parametrize("content", [b"", b"<html>", b"PK\3\4" * 99])
def test_another_file_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "a.mat"
    path.write_bytes(content)
    assert not is_mat(path)
    with pytest.raises(DataError, match=r"a\.mat: not a \.mat file") as error:
        read(path)
    assert "\n" not in str(error.value)


def intact():
    file = io.BytesIO()
    scipy.io.savemat(file, {"one": {"x": np.arange(9.0)}, "c": cell("t", np.eye(3))})
    return file.getvalue()


INTACT = intact()


@settings(max_examples=100, deadline=None)
@given(st.integers(8, len(INTACT) - 1), st.integers(0, 255), st.booleans())
def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path_factory, at, byte, cut):
    """Never ends the process, as scipy's reader does on some of these."""
    path = tmp_path_factory.getbasetemp() / "damaged.mat"
    content = bytearray(INTACT)
    content[at] = byte
    path.write_bytes(content[:at] if cut else content)
    try:
        read(path)
    except DataError as error:
        assert str(error).isprintable() and len(str(error)) < 400


@pytest.fixture
def hdf5(tmp_path):
    return Hdf5(tmp_path / "b.mat")


def test_version_7_3_reads_as_version_5_does(hdf5):
    tree = {
        "matrix": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        "text": "dagnn.Conv",
        "one": {"deep": {"x": np.float64(2)}},
        "many": [{"name": "a", "value": np.eye(2)}, {"name": "b", "value": np.eye(3)}],
        "mixed": ["t", {"k": np.float64(3)}],
    }
    got = read(hdf5.save(tree))
    np.testing.assert_array_equal(got["matrix"], tree["matrix"])
    assert got["text"] == "dagnn.Conv" and got["one"]["deep"]["x"] == 2
    assert [e["name"] for e in got["many"]] == ["a", "b"]
    np.testing.assert_array_equal(got["many"][1]["value"], np.eye(3))
    assert got["mixed"][0] == "t" and got["mixed"][1]["k"] == 3


def test_version_7_3_names_handles_and_objects(hdf5):
    path = hdf5.save({"loss": np.eye(2), "net": np.eye(2)})
    with hdf5.h5py.File(path, "r+") as file:
        file["loss"].attrs["MATLAB_class"] = np.bytes_("function_handle")
        file["net"].attrs["MATLAB_class"] = np.bytes_("dagnn.DagNN")
        file["net"].attrs["MATLAB_object_decode"] = np.int32(3)
    assert read(path) == {
        "loss": Opaque("a function handle"),
        "net": Opaque("an object dagnn.DagNN"),
    }


def test_version_7_3_does_not_follow_links_to_other_files(hdf5, tmp_path):
    path = hdf5.save({"x": np.eye(2)})
    with hdf5.h5py.File(path, "r+") as file:
        file["secret"] = hdf5.h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")
    with pytest.raises(DataError, match="'secret' is a link"):
        read(path)


def test_version_7_3_does_not_read_numbers_of_other_files(hdf5, tmp_path):
    path, other = hdf5.save({"x": np.eye(2)}), tmp_path / "raw"
    other.write_bytes(b"secret!!" * 4)
    with hdf5.h5py.File(path, "r+") as file:
        file.create_dataset("y", (4,), "<f8", external=[(str(other), 0, 32)])
    with pytest.raises(DataError, match="numbers of another file"):
        read(path)


def test_a_cell_that_holds_itself_is_refused(hdf5):
    path = hdf5.save({"x": ["t"]})
    with hdf5.h5py.File(path, "r+") as file:
        file["x"][0, 0] = file["x"].ref
    with pytest.raises(DataError, match="damaged"):
        read(path)


def test_a_real_file_of_version_7_3_reads_as_in_matlab(shared):
    """MLSSNet's statistics of search regions, ``x``, and targets, ``z``."""
    pytest.importorskip("h5py")
    got = read(shared / WEIGHTS / "mlssnet_TIRvideo_stats.mat")
    assert got["x"]["averageImage"].shape == (255, 255, 3)
    assert got["z"]["rgbMean"].shape == (3, 1)
    mean = got["z"]["averageImage"].mean((0, 1))
    np.testing.assert_allclose(mean, got["z"]["rgbMean"].ravel(), rtol=0.1)
    covariance = got["x"]["rgbCovariance"]
    np.testing.assert_allclose(covariance, covariance.T, rtol=1e-4)


def test_without_h5py_the_error_names_the_extra(shared, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError, match=r"needs h5py: pip install 'tirjax\[mat\]'"):
        read(shared / WEIGHTS / "mlssnet_TIRvideo_stats.mat")
