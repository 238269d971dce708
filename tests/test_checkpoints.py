"""Networks on disk."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.checkpoints import (
    check_sizes,
    load_variables,
    read_about,
    save_variables,
    write_sizes,
)
from tirjax.data.sequence import DataError

ABOUT = {"architecture": "dimp18", "sha256": "ab", "versions": {"jax": "0"}}


@pytest.fixture
def variables(rng):
    kernel = rng.standard_normal((3, 3, 4, 64)).astype(np.float32)
    return {
        "params": {"backbone": {"conv1": {"kernel": kernel}}, "head": {"bias": kernel}},
        "batch_stats": {"backbone": {"bn1": {"mean": kernel[0, 0, 0]}}},
    }


@pytest.fixture
def saved(tmp_path, variables):
    save_variables(tmp_path / "net", variables, ABOUT)
    return tmp_path / "net"


def test_what_was_saved_comes_back(saved, variables):
    jax.tree.map(np.testing.assert_array_equal, load_variables(saved), variables)


def test_the_record_comes_back(saved):
    assert read_about(saved) == ABOUT


def test_like_picks_a_part_and_casts(saved, variables):
    mean = jax.ShapeDtypeStruct((64,), jnp.bfloat16)
    like = {"batch_stats": {"backbone": {"bn1": {"mean": mean}}}}
    got = load_variables(saved, like)
    assert jax.tree.structure(got) == jax.tree.structure(like)
    leaf = got["batch_stats"]["backbone"]["bn1"]["mean"]
    assert leaf.dtype == jnp.bfloat16
    want = variables["batch_stats"]["backbone"]["bn1"]["mean"]
    np.testing.assert_allclose(leaf.astype(jnp.float32), want, rtol=2**-8)


def test_like_of_another_network_is_one_line(saved):
    leaf = jax.ShapeDtypeStruct((64,), jnp.float32)
    with pytest.raises(DataError, match=r"it has no params/tail/bias"):
        load_variables(saved, {"params": {"tail": {"bias": leaf}}})
    with pytest.raises(DataError, match=r"params/head/bias is \(3, 3, 4, 64\), not"):
        load_variables(saved, {"params": {"head": {"bias": leaf}}})


def test_saving_again_replaces(saved):
    save_variables(saved, {"params": {"one": np.ones(2)}}, {"date": "today"})
    assert list(load_variables(saved)) == ["params"]
    assert read_about(saved) == {"date": "today"}


def test_a_folder_with_something_else_is_not_replaced(tmp_path, variables):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(DataError, match="is no checkpoint, so not replaced"):
        save_variables(tmp_path, variables, ABOUT)
    assert (tmp_path / "thesis.tex").exists()


def test_a_missing_checkpoint_names_the_remedy(tmp_path):
    for read in (load_variables, read_about):
        with pytest.raises(DataError, match=r"nowhere: no checkpoint; .* convert"):
            read(tmp_path / "nowhere")


def test_an_empty_workdir_says_how_to_train(tmp_path):
    (tmp_path / "checkpoints" / "5.orbax-checkpoint-tmp" / "variables").mkdir(
        parents=True
    )
    for read in (load_variables, read_about):
        with pytest.raises(DataError, match=r"no checkpoint; .* train fit CONFIG --w"):
            read(tmp_path)


@pytest.mark.parametrize("run", ["", "checkpoints"])
def test_a_workdir_reads_as_its_newest_step(tmp_path, variables, run):
    for step in (9, 10):
        about = {**ABOUT, "step": step}
        save_variables(tmp_path / "checkpoints" / str(step), variables, about)
    assert read_about(tmp_path / run)["step"] == 10
    got = load_variables(tmp_path / run)
    jax.tree.map(np.testing.assert_array_equal, got, variables)
    assert read_about(tmp_path / "checkpoints" / "9")["step"] == 9


def test_a_run_is_not_replaced_by_a_checkpoint(tmp_path, variables):
    save_variables(tmp_path / "checkpoints" / "9", variables, ABOUT)
    with pytest.raises(DataError, match="is no checkpoint, so not replaced"):
        save_variables(tmp_path, variables, ABOUT)


def test_damage_beside_the_variables_does_not_matter(tmp_path, variables):
    save_variables(tmp_path / "9", variables, ABOUT)
    (tmp_path / "9" / "state").mkdir()
    (tmp_path / "9" / "state" / "a").write_text("much")
    write_sizes(tmp_path / "9")
    (tmp_path / "9" / "state" / "a").write_text("")
    load_variables(tmp_path)
    with pytest.raises(DataError, match=r"state/a has 0 of 4 bytes"):
        check_sizes(tmp_path / "9", "state")


@pytest.mark.parametrize("how", ["empty", "half", "gone"])
def test_a_damaged_checkpoint_is_one_line(saved, how):
    files = [p for p in (saved / "variables").rglob("*") if p.is_file()]
    largest = max(files, key=lambda p: p.stat().st_size)
    content = largest.read_bytes()
    largest.unlink()
    if how != "gone":
        largest.write_bytes(content[: len(content) // 2] if how == "half" else b"")
    with pytest.raises(DataError, match="damaged checkpoint") as error:
        load_variables(saved)
    assert largest.name in str(error.value) and "\n" not in str(error.value)


def test_damage_that_no_size_betrays_is_one_line(saved):
    (saved / "sizes.json").unlink()
    (saved / "variables" / "_METADATA").write_text("{")
    with pytest.raises(DataError, match="damaged checkpoint") as error:
        load_variables(saved)
    assert "\n" not in str(error.value)


def test_a_damaged_record_is_one_line(saved):
    (saved / "about" / "metadata").write_text('{"architecture": ')
    with pytest.raises(DataError, match="damaged checkpoint"):
        read_about(saved)


def test_nothing_is_printed(tmp_path, variables, caplog, capfd):
    save_variables(tmp_path / "net", variables, ABOUT)
    load_variables(tmp_path / "net")
    read_about(tmp_path / "net")
    assert not caplog.records
    assert not any(capfd.readouterr())
