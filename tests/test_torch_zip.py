"""Files of ``torch.save`` read without running anything in them."""

import pickle
import pickletools
import sys
import zipfile

import numpy as np
import pytest
import torchfile
from torchfile import Parameter, Storage, Tensor, instance, save_stream, save_zip

from tirjax.convert.torch_zip import opened
from tirjax.convert.unpickle import Placeholder
from tirjax.data.sequence import DataError

SAVERS = [save_zip, save_stream]
both = pytest.mark.parametrize("save", SAVERS)


def read(path):
    with opened(path) as tree:
        return {key: tensor.numpy() for key, tensor in tree.items()}


def one_line(error) -> str:
    text = str(error.value)
    assert "\n" not in text and len(text) < 400
    return text


@both
def test_tensors_come_back_equal(tmp_path, rng, save):
    saved = {
        "conv": rng.standard_normal((4, 3, 2, 2)).astype(np.float32),
        "half": rng.standard_normal(5).astype(np.float16),
        "double": rng.standard_normal((2, 1)),
        "count": np.array(7),
        "empty": np.zeros((0, 3), np.float32),
    }
    got = read(save(tmp_path / "a.pth", torchfile.tensors(saved)))
    assert list(got) == list(saved)
    for key, value in saved.items():
        np.testing.assert_array_equal(got[key], value, strict=True)


@both
def test_views_of_one_storage_keep_offset_and_strides(tmp_path, rng, save):
    base = rng.standard_normal((4, 6)).astype(np.float32)
    storage = Storage(base)
    views = {
        "all": Tensor(base, storage, strides=(6, 1)),
        "transposed": Tensor(base.T, storage, strides=(1, 6)),
        "inside": Tensor(base[1:3, 2:5], storage, offset=8, strides=(6, 1)),
    }
    got = read(save(tmp_path / "a.pth", views))
    np.testing.assert_array_equal(got["all"], base)
    np.testing.assert_array_equal(got["transposed"], base.T)
    np.testing.assert_array_equal(got["inside"], base[1:3, 2:5])


@both
def test_parameters_are_their_tensors(tmp_path, save):
    path = save(tmp_path / "a.pth", {"w": Parameter(np.arange(3.0))})
    np.testing.assert_array_equal(read(path)["w"], [0, 1, 2])


def test_bfloat16_becomes_float32(tmp_path):
    upper = np.array([0x3F80, 0xC000], np.uint16)  # 1 and -2
    storage = Storage(upper, kind=torchfile.BFLOAT16)
    path = save_zip(tmp_path / "a.pth", {"w": Tensor(upper, storage, strides=(1,))})
    np.testing.assert_array_equal(read(path)["w"], np.float32([1, -2]), strict=True)


@both
def test_other_classes_are_placeholders_and_never_imported(tmp_path, save):
    settings = instance("ltr.admin.settings", "Settings", script_name="dimp50")
    path = save(tmp_path / "a.pth", {"settings": settings, "epoch": 50})
    with opened(path) as tree:
        assert isinstance(tree["settings"], Placeholder)
        assert tree["settings"].state == {"script_name": "dimp50"}
        assert tree["epoch"] == 50
    assert not {m for m in sys.modules if m.startswith("ltr")}


class Runs:
    """Creates a file when it is loaded the ordinary way."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@both
def test_what_a_hostile_pickle_would_do_is_not_done(tmp_path, save):
    trace = tmp_path / "trace"
    pickle.loads(pickle.dumps(Runs(trace))).close()
    assert trace.exists()  # the attack is a real one
    trace.unlink()
    path = save(tmp_path / "a.pth", {"w": Tensor(np.ones(2)), "x": Runs(trace)})
    with opened(path) as tree:
        assert isinstance(tree["x"], Placeholder)
        tree["w"].numpy()
    assert not trace.exists()


HOSTILE = {
    "dotted name": b"\x80\x04\x8c\x0bcollections\x8c\x1aOrderedDict.__init__.__doc__"
    b"\x93.",
    "builtin": b"c__builtin__\neval\n(S'1/0'\ntR.",
    "state of a class": b"ccollections\nOrderedDict\n(dS'x'\nI1\nsb.",
    "state of a function": b"ctorch._utils\n_rebuild_tensor\n(N(dS'__doc__'\nI1\nstb.",
    "extension": b"\x80\x02\x82\x01.",
    "old instance": b"(S'true'\nios\nsystem\n.",
    "no stack": b"\x80\x02R.",
    "memo": b"\x80\x02Nr\xff\xff\xff\x7f.",
    "tensor of nothing": b"ctorch._utils\n_rebuild_tensor_v2\n(NI0\n(I9\nt(I1\nttR.",
    "long text": b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x0f.",
    "not a pickle": b"<html>",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bytes_give_an_inert_value_or_one_line(tmp_path, body):
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", body)
    try:
        with opened(path) as tree:
            assert (
                isinstance(tree, Placeholder | type) or tree is None or callable(tree)
            )
    except DataError as error:
        assert str(path) in str(error) and "\n" not in str(error)


@pytest.mark.parametrize(
    "shape, strides, offset",
    [((4,), (1,), 1), ((2,), (9,), 0), ((1000,), (0,), 0), ((2,), (-1,), 1)],
)
def test_a_tensor_beyond_its_storage_is_refused(tmp_path, shape, strides, offset):
    tensor = Tensor(np.zeros(4, np.float32), strides=strides, offset=offset)
    tensor.shape = shape
    path = save_zip(tmp_path / "a.pth", {"w": tensor})
    with pytest.raises(DataError) as error:
        read(path)
    assert "damaged" in one_line(error)


@both
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.6, 0.99])
def test_a_truncated_file_gives_one_line(tmp_path, rng, save, share):
    path = save(tmp_path / "a.pth", {"w": Tensor(rng.standard_normal(500))})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError) as error:
        read(path)
    assert str(path) in one_line(error) and "again" in one_line(error)


def test_a_changed_byte_in_an_archive_is_noticed(tmp_path):
    path = save_zip(tmp_path / "a.pth", {"w": Tensor(np.full(50, 1.5))})
    whole = path.read_bytes()
    at = whole.index(np.full(50, 1.5).tobytes()) + 9
    path.write_bytes(whole[:at] + b"?" + whole[at + 1 :])
    with pytest.raises(DataError) as error:
        read(path)
    assert "CRC" in one_line(error)


@pytest.mark.parametrize(
    "content",
    [b"", b"<!DOCTYPE html>", pickle.dumps({"net": 1}), b"version https://git-lfs"],
)
def test_other_files_are_named_as_such(tmp_path, content):
    path = tmp_path / "a.pth"
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        read(path)
    assert "not a PyTorch checkpoint" in one_line(error)


def test_another_zip_archive_is_named_as_such(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(DataError) as error:
        read(path)
    assert "no PyTorch checkpoint" in one_line(error)


def test_the_crafted_files_name_what_pytorch_names(tmp_path):
    """Else these tests would agree with themselves only."""
    path = save_zip(tmp_path / "a.pth", {"w": Parameter(np.float32([1]))})
    with zipfile.ZipFile(path) as archive:
        body = archive.read("archive/data.pkl")
    named = {arg for op, arg, _ in pickletools.genops(body) if op.name == "GLOBAL"}
    assert named == {
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        "torch FloatStorage",
        "collections OrderedDict",
    }


def test_published_files_are_read(shared):
    weights = shared / "data" / "weights"
    with opened(weights / "dcfnet_param.pth") as tree:
        sums = {key: float(tensor.numpy().sum()) for key, tensor in tree.items()}
    assert sums["feature.0.weight"] == pytest.approx(2.073938, abs=1e-5)
    assert sums["feature.2.bias"] == pytest.approx(0.044982, abs=1e-5)
    with opened(weights / "updatenet_vot2018.pth.tar") as tree:
        total = sum(t.numpy().size for t in tree["state_dict"].values())
    assert total == 1536 * 192 + 192 + 192 * 512 + 512
