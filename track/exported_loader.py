"""Tracks with what `track export` wrote: needs jax, numpy, flatbuffers, and no tirjax.

from loader import load                 # this file, in the exported folder

init, step = load()                     # or load(FOLDER), load(FOLDER, OTHER_WEIGHTS)
state = init(frames[0], (x, y, w, h))   # pixels; the first one covers 0 to 1
for frame in frames[1:]:                # [rows, columns, channels]
    state, found = step(state, frame)   # learns, and uses up the state before
    print(found["box"], found["score"], found["status"], found["overlap"])
"""

import hashlib
import json
from pathlib import Path

import jax.export
import numpy as np


def _weight(stored, name):
    """As float32: bfloat16, kept as uint16, is its upper half; bytes have a scale."""
    x, scale = stored[name], stored.get(f"{name}:scale", 1)
    return (x.astype("u4") << 16).view("f4") if x.dtype == "u2" else x * scale


def load(folder=Path(__file__).parent, weights="weights.npz"):
    """`init(frame, box, seed=0) -> state`, `step(state, frame) -> (state, found)`."""
    about = json.loads(Path(folder, "manifest.json").read_text())
    shape, dtype = tuple(about["frame"]["shape"]), about["frame"]["dtype"]
    content = {name: Path(folder, name).read_bytes() for name in about["files"]}
    for name, data in content.items():
        if hashlib.sha256(data).hexdigest() != about["files"][name]["sha256"]:
            raise ValueError(f"{folder}/{name} is damaged; copy or export it again")
    call = lambda name: jax.export.deserialize(bytearray(content[name])).call
    first = jax.jit(call("init.jaxexport"))
    later = jax.jit(call("step.jaxexport"), donate_argnums=1)
    with np.load(Path(folder, weights)) as stored:
        given = jax.device_put([_weight(stored, x["name"]) for x in about["weights"]])

    def picture(frame):
        room = [b - a for a, b in zip(frame.shape, shape, strict=False)]
        fits = frame.ndim == len(shape) and frame.dtype == dtype and min(room) >= 0
        if not fits or any(room[:-3] + room[-1:]):
            what = f"a frame is {frame.dtype} {frame.shape}, exported for {dtype}"
            raise ValueError(f"{what} {shape} or fewer rows and columns")
        size = np.broadcast_to(np.int32(frame.shape[-3:-1]), (*shape[:-3], 2))
        return np.pad(frame, [(0, n) for n in room]), size

    def init(frame, box, seed=0):
        key = np.broadcast_to(np.array([0, seed], np.uint32), (*shape[:-3], 2))
        return first(given, *picture(frame), np.asarray(box, np.float32), key)

    def step(state, frame):
        state, found = later(given, state, *picture(frame))
        return state, dict(zip([x["name"] for x in about["found"]], found, strict=True))

    return init, step
