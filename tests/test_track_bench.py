"""``track bench``: what is measured, written, skipped, and kept when interrupted."""

import json
import sys

import cv2
import jax
import numpy as np
import pytest
from tirjax_track import bench_goals, bench_ours, bench_peers, bench_report
from tirjax_track.__main__ import main

from tirjax.trackers import TRACKERS
from tirjax.typing import Frame

BOX = np.array([14.0, 16, 16, 16])

PEER = """
import json, sys
import numpy as np
print(json.dumps({"version": "7"}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    frames = np.load(asked["frames"])
    assert frames.shape == (5, 48, 48, 3) and asked["box"] == [14, 16, 16, 16]
    count = len(frames)
    reply = {"boxes": [asked["box"]] * count, "seconds": [0.5] * (count - 1)}
    print(json.dumps(reply | {"first": 0.25}), flush=True)
"""


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """No cache of the user's, and ceilings that cost nothing."""
    monkeypatch.setattr("tirjax_shell.session.cache", lambda common: None)
    best = {"matmul": lambda: 1e9, "copy": lambda: 1e9}
    monkeypatch.setattr(bench_ours, "ceilings", lambda: best)


@pytest.fixture
def clip(tmp_path, rng):
    """A folder of five pictures of a warm disc."""
    y, x = np.mgrid[:48, :48] + 0.5
    (tmp_path / "clip").mkdir()
    for i in range(5):
        disc = 150 * np.exp(-((x - 22 - i) ** 2 + (y - 24) ** 2) / 40)
        picture = (40 + disc + rng.normal(size=disc.shape)).clip(0, 255)
        cv2.imwrite(str(tmp_path / f"clip/{i:04d}.png"), picture.astype(np.uint8))
    return tmp_path / "clip"


def program(clip, *arguments):
    """Status of a bench of the clip; starts are left out."""
    box = ",".join(f"{v:g}" for v in BOX)
    shown = "--source", clip, "--init", box, "--frames", 4, "--repeats", 3
    out = "--no-start", "--out", clip.parent / "out"
    return main(["bench", *map(str, (*shown, *out, *arguments))])


def read(clip):
    return json.loads((clip.parent / "out/speed_cpu.json").read_text())


def test_trackers_and_peers_take_turns_and_leave_numbers_tables_and_a_picture(
    clip, tmp_path, capsys
):
    (tmp_path / "peer.py").write_text(PEER)
    peer = f"other={sys.executable} {tmp_path / 'peer.py'}"
    chosen = "--tracker", "mosse,dcfnet", "--batch", "1,2", "--peer", peer
    same = "--peer", peer.replace("other", "theirs:mosse")
    assert program(clip, *chosen, *same) == 0
    record = read(clip)
    assert record["complete"] and list(record["trackers"]) == ["mosse"]
    mosse = record["trackers"]["mosse"]
    assert mosse["weights"] == "needs none"
    assert {k: len(v) for k, v in mosse["frames_per_second"].items()} == {
        "1": 3,
        "2": 3,
    }
    assert min(min(v) for v in mosse["frames_per_second"].values()) > 0
    assert mosse["flops"] > 0 and mosse["bytes"] > 0
    assert record["peers"]["other"]["frames_per_second"] == {"1": [2.0] * 3}
    assert record["peers"]["other"]["first_frame_ms"] == {"1": [250.0] * 3}
    assert "same_as" not in record["peers"]["other"]
    theirs = record["peers"]["theirs mosse"]
    assert theirs["same_as"] == "mosse" and theirs["frames_per_second"]["1"]
    assert len(theirs["overlap"]) == 4 and all(0 < v < 1 for v in theirs["overlap"])
    assert "--random-weights" in record["skipped"]["dcfnet"]
    about = record["conditions"]
    assert about["frames of"] == "48 x 48 pixels, 1 channels"
    assert about["version (other)"] == "7" and about["jax"] == jax.__version__
    said = capsys.readouterr().out
    text = (tmp_path / "out/speed_cpu.md").read_text()
    parts = "2 in a batch", "Ratio to peers", "Skipped:", "* dcfnet: it has a"
    for part in (*parts, "The same tracker elsewhere"):
        assert part in said and part in text
    assert "Interrupted" not in text
    assert cv2.imread(str(tmp_path / "out/speed_cpu.png")).shape[2] == 3


def test_an_interrupt_keeps_what_was_measured(clip, tmp_path, monkeypatch):
    calls = []

    def turn(tracker, params, shot, batch):
        calls.append(batch)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return bench_ours.Turn(4 * batch, 0.5, 0.1)

    monkeypatch.setattr(bench_ours, "turn", turn)
    monkeypatch.setattr(bench_ours, "work", lambda *arguments: {})
    assert program(clip, "--tracker", "mosse", "--batch", "1,2") == 130
    assert calls == [1, 2, 1, 2]  # one each to warm up
    record = read(clip)
    assert not record["complete"]
    assert record["trackers"]["mosse"]["frames_per_second"] == {"1": [8.0]}
    assert "**Interrupted" in (tmp_path / "out/speed_cpu.md").read_text()


def test_a_tracker_that_fails_is_named_and_the_others_go_on(clip, monkeypatch):
    def turn(tracker, params, shot, batch):
        if batch == 8:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory\nmore")
        return bench_ours.Turn(4 * batch, 0.5, 0.1)

    monkeypatch.setattr(bench_ours, "turn", turn)
    monkeypatch.setattr(bench_ours, "work", lambda *arguments: {})
    assert program(clip, "--tracker", "mosse", "--peer", "gone=/no/such/thing") == 0
    record = read(clip)
    assert list(record["trackers"]["mosse"]["frames_per_second"]) == ["1"]
    why = record["skipped"]
    assert why["mosse x 8"] == "RESOURCE_EXHAUSTED: out of memory"
    assert "/no/such/thing" in why["gone"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--batch", "1,x"), "'1,x': expected whole numbers"),
        (("--batch", "0"), "'0': expected whole numbers"),
        (("--size", "640"), "expected --size WIDTHxHEIGHT"),
        (("--frames", "1"), "--frames over 1"),
        (("--tracker", "mose"), "did you mean mosse?"),
        (("--peer", "python worker.py"), "expected NAME=COMMAND"),
        (("--peer", "mosse=worker"), "name theirs, as other:mosse=COMMAND"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(clip, capsys, arguments, message):
    if "--tracker" not in arguments:
        arguments += ("--tracker", "dcfnet")  # is skipped: nothing compiles
    assert program(clip, *arguments) == 2
    assert message in capsys.readouterr().err


def test_weights_are_told_apart_by_name():
    texts = ("dcfnet=a", "runs/x", "atom=b")
    assert bench_ours.own("dcfnet", texts) == ["dcfnet=a", "runs/x"]
    assert bench_ours.own("mosse", texts) == []
    here = lambda name: bench_ours.runs_here(name, ("atom=b",))
    assert [here(n) for n in ("mosse", "dimp10", "atom", "dimp18")] == [1, 1, 1, 0]


def test_random_weights_change_the_trackers_that_judge_only():
    plain = bench_ours.build("atom", BOX, False)
    assert plain == TRACKERS["atom"]((16, 16))
    assert bench_ours.build("atom", BOX, True) != plain
    assert bench_ours.build("atom", BOX, True) is bench_ours.build("atom", BOX, True)
    assert bench_ours.build("mosse", BOX, True) is bench_ours.build("mosse", BOX, False)


def test_the_work_of_a_chunk_is_counted_as_that_of_a_frame(rng):
    shot = bench_ours.Shot([rng.integers(0, 9, (48, 48, 1)).astype(np.uint8)], BOX)
    tracker = TRACKERS["mosse"]((16, 16))
    found = bench_ours.work(tracker, (), shot)
    frame = Frame(np.zeros((64, 64, 1), np.uint8), np.int32([48, 48]))
    state = jax.eval_shape(tracker.init, (), frame, BOX, jax.random.key(0))
    once = jax.jit(tracker.step).lower((), state, frame).cost_analysis()
    assert 0.5 * once["flops"] < found["flops"] < 2 * once["flops"]  # a chunk: 16 times


def record(**trackers):
    """What was measured, by tracker: frames a second of one clip."""
    entry = lambda v: {"frames_per_second": {"1": v}}
    return {
        "conditions": {"device": "cpu cpu"},
        "batches": [1],
        "trackers": {name: entry(v) for name, v in trackers.items()},
        "peers": {"opencv csrt": entry([20.0, 10.0]), "opencv nano": {}},
        "ceilings": {},
        "skipped": {},
    }


def test_ratios_are_of_the_same_turn():
    ours, theirs = np.array([10.0, 30.0, 9.0]), np.array([5.0, 15.0])
    assert bench_report.ratio(ours, theirs) == "2.00 (2.00-2.00)"
    table = next(
        s.table
        for s in bench_report.sections(record(eco_hc=[40.0, 30.0]))
        if s.title == "Ratio to peers"
    )
    assert table.headers == ["tracker", "opencv csrt"]
    assert table.rows == [["eco_hc", "2.50 (2.10-2.90)"]]


def test_the_same_tracker_elsewhere_has_a_table_of_its_own_and_replaces_its_record():
    found = record(dimp18=[20.0, 21.0], atom=[9.0, 9.5])
    firsts = {"first_frame_ms": {"1": [600.0, 400.0]}}
    found["trackers"]["dimp18"] |= {"first_frame_ms": {"1": [200.0, 200.0]}}
    same = {"same_as": "dimp18", "frames_per_second": {"1": [10.0, 7.0]}}
    found["peers"]["other dimp18"] = same | firsts | {"overlap": [1.0, 0.5]}
    tables = {s.title: s.table for s in bench_report.sections(found)}
    assert tables["The same tracker elsewhere"].rows == [
        [
            "dimp18",
            "other dimp18",
            "2.50 (2.10-2.90)",
            "2.50 (2.10-2.90)",
            "0.75 (0.55-0.95)",
        ]
    ]
    assert tables["Ratio to peers"].headers == ["tracker", "opencv csrt"]
    goals = {g.what: g.found for g in bench_goals.goals(found)}
    assert goals["dimp18 over other dimp18"] == "2.50 (2.10-2.90)"
    assert "atom over PyTracking's 6.9 to 7.6 frames/s" in goals and len(goals) == 2


def test_goals_are_judged_by_the_worse_end():
    found = record(dimp18=[20.0, 21.0], atom=[9.0, 9.5], eco_hc=[15.0, 20.0])
    found["trackers"]["eco_hc"]["start"] = {"cached": {"seconds": 5.5}}
    goals = {g.what: (g.found, g.verdict) for g in bench_goals.goals(found)}
    assert goals == {
        "dimp18 over PyTracking's 7.2 to 8.4 frames/s": ("2.64 (2.42-2.88)", "met"),
        "atom over PyTracking's 6.9 to 7.6 frames/s": (
            "1.28 (1.20-1.36)",
            "within the spread",
        ),
        "eco_hc over opencv csrt": ("1.38 (0.88-1.88)", "within the spread"),
        "eco_hc over opencv nano": ("not measured", ""),
        "eco_hc, start to first box, cached": ("5.5 s", "missed"),
    }
    found["conditions"]["device"] = "gpu H200"
    assert not [g for g in bench_goals.goals(found) if "PyTracking" in g.what]


def test_nano_needs_its_networks(tmp_path):
    assert bench_peers.there(None) == bench_peers.there(tmp_path) == ("csrt", "kcf")
    for part in ("backbone", "head"):
        (tmp_path / f"nanotrackv2_{part}_sim.onnx").touch()
    assert bench_peers.there(tmp_path) == ("csrt", "kcf", "nano")


@pytest.mark.slow
def test_rendered_frames_random_weights_and_starts_in_processes_of_their_own(tmp_path):
    chosen = "--tracker", "mosse,dcfnet,dimp18", "--weights", f"dimp18={tmp_path}/gone"
    small = "--size", "64x64", "--frames", "2", "--repeats", "1", "--batch", "1"
    more = "--random-weights", "--out", str(tmp_path), *small
    assert main(["bench", *chosen, *more]) == 0
    record = json.loads((tmp_path / "speed_cpu.json").read_text())
    assert list(record["trackers"]) == ["mosse", "dcfnet"]
    assert record["trackers"]["dcfnet"]["weights"] == "random"
    for entry in record["trackers"].values():
        for kind in ("cold", "cached"):
            start = entry["start"][kind]
            assert 0 < start["compile"] < start["seconds"] and start["processor"] > 0
        assert entry["memory"]["resident"] > 50 << 20
    assert "gone" in record["skipped"]["dimp18"]
