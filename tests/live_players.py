"""Stand-ins for live runs: a tracker that compiles at once, a source, a window."""

import json

import jax
import jax.numpy as jnp
import numpy as np
from tirjax_track.sources import Source

from tirjax.trackers import Prediction, Tracker


def _init(params, frame, box, key):
    return box, key


def _step(params, state, frame):
    box, key = state
    box = box + jnp.array([1.0, 0, 0, 0])
    score = frame.pixels[0, 0, 0].astype(jnp.float32) / 100
    return (box, jax.random.split(key)[0]), Prediction(box, score, jnp.int32(0))


def _stay(params, state, frame):
    return state, Prediction(state[0], jnp.float32(jnp.nan), jnp.int32(2))


# One moves its box a pixel a frame, its score is the corner's pixel; the other waits.
DRIFTER, WAITER = Tracker(_init, _step), Tracker(_init, _stay)


def frames(count, size=(48, 64), kind=np.uint8):
    """Pictures that begin with their own number."""
    pictures = np.zeros((count, *size), kind)
    pictures[:, 0, 0] = np.arange(count)
    return pictures


def source(open, latency="queue", reconnect=0.0):
    return Source("camera 0", open, latency, reconnect)


def every(live, most=1000):
    """Frames until the end."""
    shots = []
    for _ in range(most):
        shot = live.poll(1.0)
        if shot is not None:
            shots.append(shot)
        elif live.ended:
            return shots
    raise AssertionError("no end")


def lines(text):
    """Lines of JSON; NaN and Infinity are none."""
    strict = lambda constant: (_ for _ in ()).throw(ValueError(constant))
    return [json.loads(line, parse_constant=strict) for line in text.splitlines()]


class Screen:
    """A window: keys by the number of pictures shown, and boxes that are dragged."""

    def __init__(self, keys=None, boxes=(), close_at=None):
        self._keys, self._boxes, self._close_at = (
            dict(keys or {}),
            list(boxes),
            close_at,
        )
        self.closed, self.pictures, self.asked = False, [], []

    def __call__(self, title):
        self.title = title
        return self

    def show(self, picture):
        self.pictures.append(picture)
        self.closed = len(self.pictures) == self._close_at

    def wait(self, seconds):
        pass

    def keys(self):
        return self._keys.pop(len(self.pictures), [])

    def select(self, picture, stopped):
        self.asked.append(picture)
        return self._boxes.pop(0)

    def close(self):
        self.closed = True
