"""``python -m train convert``: from a published file to a checkpoint."""

import hashlib
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
import torchfile
from tirjax_train.__main__ import main

from tirjax.backbones.resnet import ResNet
from tirjax.checkpoints import load_variables, read_about
from tirjax.convert.architectures import ARCHITECTURES, shapes
from tirjax.convert.rename import leaves, to_variables
from tirjax.heads.networks import atom_net, dimp_net

ROOT = Path(__file__).parents[1]


@pytest.fixture
def weights(rng):
    named = shapes("resnet18").items()
    return {k: rng.standard_normal(s).astype(np.float32) for k, s in named}


@pytest.fixture
def file(tmp_path, weights):
    state = weights | {"fc.bias": np.zeros(5, np.float32)}
    return torchfile.save_zip(tmp_path / "resnet18.pth", torchfile.tensors(state))


def network(architecture):
    """The network an architecture's variables are for, and what it is called with."""
    family, depth = ARCHITECTURES[architecture]
    images = np.zeros((1, 64, 64, 3), np.float32)
    boxes = np.ones((1, 4), np.float32)
    if family == "resnet":
        return ResNet(depth), (images,)
    return (dimp_net if family == "dimp" else atom_net)(depth), (images, boxes)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_converted_variables_are_those_of_our_network(architecture):
    """Names and shapes, all of them: what is converted can be run."""
    net, inputs = network(architecture)
    wanted = jax.eval_shape(net.init, jax.random.key(0), *inputs)
    state = {
        k: np.broadcast_to(np.float32(0), s) for k, s in shapes(architecture).items()
    }
    got, _ = to_variables(state, ARCHITECTURES[architecture].family)
    describe = lambda tree: {path: leaf.shape for path, leaf in leaves(tree)}
    assert describe(got) == describe(wanted)


def test_a_file_becomes_a_checkpoint_of_equal_arrays(file, weights, tmp_path, capsys):
    assert main(["convert", str(file), "--out", str(tmp_path / "net")]) == 0
    net, inputs = network("resnet18")
    like = jax.eval_shape(net.init, jax.random.key(0), *inputs)
    variables = load_variables(tmp_path / "net", like)
    want, _ = to_variables(weights, "resnet")
    jax.tree.map(np.testing.assert_array_equal, variables, want)
    printed = capsys.readouterr().out
    assert "resnet18" in printed and "fc 1" in printed
    assert f"{len(shapes('resnet18'))} arrays" in printed


def test_the_record_names_the_file_by_its_content(file, tmp_path):
    main(["convert", str(file), "--out", str(tmp_path / "net")])
    about = read_about(tmp_path / "net")
    assert about["file"] == "resnet18.pth"
    assert about["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert about["architecture"] == "resnet18"
    assert set(about["versions"]) >= {"jax", "tirjax"} and about["date"]


def test_converting_again_replaces(file, tmp_path):
    argv = ["convert", str(file), "--out", str(tmp_path / "net")]
    assert [main(argv), main(argv)] == [0, 0]


@pytest.mark.parametrize(
    "content, word",
    [(b"<html>", "download it again"), (None, "No such file"), (b"PK\3\4", "damaged")],
)
def test_a_file_that_cannot_be_used_ends_with_one_line(tmp_path, capsys, content, word):
    path = tmp_path / "a.pth"
    if content is not None:
        path.write_bytes(content)
    assert main(["convert", str(path), "--out", str(tmp_path / "net")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert word in error and str(path) in error
    assert not (tmp_path / "net").exists()


def test_a_wrong_architecture_ends_with_one_line(file, tmp_path, capsys):
    argv = ["convert", str(file), "--out", str(tmp_path / "net")]
    assert main([*argv, "--architecture", "dimp18"]) == 2
    error = capsys.readouterr().err
    assert "not dimp18" in error and error.count("\n") == 1


def test_what_is_at_the_destination_is_not_deleted(file, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    assert main(["convert", str(file), "--out", str(tmp_path / "mine")]) == 2
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep"


def test_help_answers_without_importing_jax():
    code = (
        "import sys; sys.argv = ['train', 'convert', '--help']\n"
        "from train.__main__ import main\n"
        "try: main()\n"
        "finally: print('jax' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0
    assert "python -m train convert dimp50.pth" in done.stdout
    assert done.stdout.splitlines()[-1] == "False False"
