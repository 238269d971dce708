"""The command line itself: help, exit status, cache, log and progress."""

import subprocess
import sys

import jax
import pytest
from tirjax_track import catalogue, session
from tirjax_track.__main__ import COMMANDS, main
from tirjax_track.options import Common

from tirjax.data import DataError, FixedWindow, FrameWindow, SequenceWindow
from tirjax.trackers import TRACKERS
from tirjax_shell import session as shell


def test_help_lists_the_commands_without_importing_jax():
    code = (
        "import sys; sys.argv = ['track', '--help']\n"
        "from tirjax_track.__main__ import main\n"
        "try: main()\n"
        "finally: print('jax' in sys.modules, 'cv2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
    assert all(name in done.stdout for name in COMMANDS)
    assert done.stdout.splitlines()[-1] == "False False"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert f"python -m track {command}" in text
    assert "For example:" in text


@pytest.mark.parametrize("argv", [[], ["evaluate"], ["run"], ["eval", "otb", "--bach"]])
def test_a_command_line_that_makes_no_sense_ends_with_2(argv, capsys):
    with pytest.raises(SystemExit) as end:
        main(argv)
    assert end.value.code == 2


def test_an_error_of_the_program_itself_keeps_its_traceback(monkeypatch, tmp_path):
    monkeypatch.setattr(shell, "start", lambda *_: None)
    monkeypatch.setattr("tirjax_track.report.report", lambda options: int("a bug"))
    with pytest.raises(ValueError, match="a bug"):
        main(["report", str(tmp_path)])


def test_an_interrupt_ends_with_130(monkeypatch, tmp_path, capsys):
    def stop(options):
        raise KeyboardInterrupt("repeat it")

    monkeypatch.setattr(shell, "start", lambda *_: None)
    monkeypatch.setattr("tirjax_track.report.report", stop)
    assert main(["report", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "interrupted: repeat it\n"


@pytest.fixture
def jax_settings():
    """Gives JAX its cache settings back."""
    names = "jax_enable_compilation_cache", "jax_compilation_cache_dir"
    before = {name: getattr(jax.config, name) for name in names}
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def test_the_cache_is_in_the_users_folder_unless_told(
    jax_settings, tmp_path, monkeypatch
):
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: tmp_path / name)
    shell.cache(Common())
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "tirjax" / "jax")
    shell.cache(Common(cache_dir=tmp_path / "mine"))
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "mine")
    assert jax.config.jax_enable_compilation_cache
    shell.cache(Common(no_cache=True))
    assert not jax.config.jax_enable_compilation_cache


def test_no_place_for_the_cache_is_a_warning_unless_it_was_asked_for(
    jax_settings, tmp_path, monkeypatch, caplog
):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: tmp_path / "file")
    shell.cache(Common())
    assert "no compilation cache at" in caplog.text
    with pytest.raises(OSError, match="file"):
        shell.cache(Common(cache_dir=tmp_path / "file" / "mine"))


def test_progress_without_a_terminal_is_a_line_now_and_then(monkeypatch, caplog):
    monkeypatch.setattr(session, "PLAIN_EVERY", 0.0)
    caplog.set_level("INFO", "tirjax_track")
    with session.Meter() as meter:
        meter.begin("birds", 20)
        meter.advance(5)
        meter.advance(5)
    assert caplog.messages == ["birds: 5/20 frames", "birds: 10/20 frames"]


def test_tracker_names_come_with_commas_or_one_by_one():
    names = list(TRACKERS)
    assert catalogue.tracker_names([",".join(names), names[0]]) == names
    with pytest.raises(DataError, match="did you mean mosse"):
        catalogue.tracker_names(["mose"])


def test_texts_become_boxes_and_windows():
    assert catalogue.box("1, 2.5,-3 ,4").tolist() == [1, 2.5, -3, 4]
    assert catalogue.window("29000,31000") == FixedWindow(29000, 31000)
    assert catalogue.window("frame") == FrameWindow()
    assert catalogue.window("sequence") == SequenceWindow()
    assert catalogue.window(None) is None


def test_a_sequences_key_depends_on_its_name_and_the_seed_alone():
    data = lambda *a: jax.random.key_data(catalogue.key_for(*a)).tolist()
    assert data(0, "birds") == data(0, "birds")
    assert data(0, "birds") != data(1, "birds") != data(1, "car")


def test_settings_of_a_tracker_are_found():
    tracker = TRACKERS["mosse"]((20.0, 20.0))
    assert catalogue.settings(tracker).startswith("Config(size=64")
