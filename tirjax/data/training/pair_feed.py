"""Batches of unlabelled pairs: from disk, or from the synthetic world."""

import collections
import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import cv2
import jax
import jax.numpy as jnp
import numpy as np

from tirjax.data.pairs import Pair, PairList
from tirjax.data.sequence import DataError
from tirjax.data.synthetic import Settings, render_frames, sample_scene
from tirjax.data.training.detection_files import DetectionFiles
from tirjax.data.training.numbered import Numbered, keys_of
from tirjax.data.training.on_disk import OnDisk
from tirjax.data.training.pairing import Pairing, pair_examples
from tirjax.data.training.pseudo_boxes import Scene, reads_detections
from tirjax.data.training.samples import Examples
from tirjax.typing import Array, Int, Key, Num

# (visible, thermal) -> [n, 5] rows x, y, w, h, score in their pixels.
Detector = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class PairFeed(OnDisk[Scene]):
    """A feed of pairs from disk.

    Attributes:
      pairs: drawn uniformly, again and again.
      canvas_size: ``(rows, cols)`` of the arrays; a larger picture is shrunk.
      pairing: how a pair becomes an example.
      batch: examples of a step, over all devices.
      seed: another seed is another run; at least 0.
      detections: files of boxes found before; needed, or a detector, exactly if
        ``pairing.boxes`` draws from them.
      detector: finds boxes in a pair as it is read.
      slots: boxes kept of a pair, the most confident ones.
      on_error: what a pair that cannot be read does: ``'skip'`` draws again and notes
        the problem, ``'stop'`` raises.

    Raises:
      DataError: settings that do not fit, or pictures of one name, whose detections
        could not be told apart.
    """

    pairs: PairList
    canvas_size: tuple[int, int]
    pairing: Pairing
    batch: int = 8
    seed: int = 0
    detections: DetectionFiles | None = None
    detector: Detector | None = None
    slots: int = 5
    on_error: Literal["skip", "stop"] = "skip"

    def __post_init__(self):
        self.check()
        if min(self.slots, *self.canvas_size) < 1:
            raise DataError(
                f"slots {self.slots}, canvas {self.canvas_size}: at least 1"
            )
        if not len(self.pairs):
            raise DataError(f"{self.pairs.dataset} has no pairs; check its folder")
        sources = (self.detections is not None) + (self.detector is not None)
        if sources != reads_detections(self.pairing.boxes):
            raise DataError(
                f"{sources} sources of detections; give one if the boxes of the "
                "pairing are detected(), and else none"
            )
        if self.detections is not None:
            _check_files(self.pairs, self.detections)

    def make(self, raw: tuple[Array, Scene], key: Key[Array, ""]) -> Examples:
        """Crops and labels.

        Args:
          raw: numbers and pairs of examples.
          key: of the whole run.
        """
        one = lambda number, scene: pair_examples(
            scene, jax.random.fold_in(key, number), number, self.pairing
        )
        return jax.vmap(one)(*raw)

    def describe(self) -> dict[str, Any]:
        """What it is made of, for the record of a run."""
        names = "\n".join(self.pairs.names).encode()
        return super().describe() | {
            "pairs": {
                "name": self.pairs.dataset,
                "pairs": len(self.pairs),
                "sha256": hashlib.sha256(names).hexdigest(),
            }
        }

    def draw(self, number: int, rng: np.random.Generator) -> Callable[[], Scene]:
        """A pair and its boxes."""
        del number

        def one():
            index = int(rng.integers(len(self.pairs)))
            pair = self.pairs[index]
            boxes = self._detect(pair, self.pairs.files(index))
            return on_canvas(pair, boxes, self.canvas_size)

        return one

    def _detect(self, pair: Pair, files: tuple[Path, Path]) -> np.ndarray:
        """``[slots, 5]`` boxes inside the picture with scores, 0 where there is none.

        Without a source there are no slots.
        """
        rows, cols = pair.thermal.shape[:2]
        if self.detections is not None:
            boxes = self.detections.read(files, (rows, cols))
        elif self.detector is not None:
            boxes = np.asarray(self.detector(*pair), np.float64).reshape(-1, 5)
        else:
            return np.zeros((0, 5))
        low = np.clip(boxes[:, :2], 0, [cols, rows])
        high = np.clip(boxes[:, :2] + boxes[:, 2:4], 0, [cols, rows])
        inside = np.c_[low, high - low, boxes[:, 4]]
        inside = inside[(inside[:, 2:4] >= 1).all(1) & (inside[:, 4] > 0)]
        best = inside[np.argsort(-inside[:, 4], kind="stable")][: self.slots]
        return np.pad(best, ((0, self.slots - len(best)), (0, 0)))


def on_canvas(pair: Pair, boxes: np.ndarray, size: tuple[int, int]) -> Scene:
    """A pair at the top left of arrays of one size, shrunk if it is larger.

    Args:
      pair: of any size.
      boxes: ``[k, 5]`` with scores, pixels of the pair; they shrink with it.
      size: ``(rows, cols)`` of the arrays.
    """
    rows, cols = pair.thermal.shape[:2]
    shrink = min(size[0] / rows, size[1] / cols, 1.0)
    new = [max(1, round(length * shrink)) for length in (rows, cols)]

    def placed(picture):
        canvas = np.zeros((*size, picture.shape[2]), np.uint8)
        if shrink < 1:
            area = cv2.INTER_AREA
            picture = cv2.resize(picture, (new[1], new[0]), interpolation=area)
        canvas[: new[0], : new[1]] = picture.reshape(*new, -1)
        return canvas

    scale = np.tile([new[1] / cols, new[0] / rows], 2)
    return Scene._make(
        (
            placed(pair.visible),
            placed(pair.thermal),
            np.array(new, np.int32),
            (boxes[:, :4] * scale).astype(np.float32),
            boxes[:, 4].astype(np.float32),
        )
    )


def _check_files(pairs: PairList, detections: DetectionFiles) -> None:
    files = [pairs.files(i) for i in range(len(pairs))]
    for half in zip(*files, strict=True):
        stems = collections.Counter(Path(file).stem for file in half)
        stem, count = stems.most_common(1)[0]
        if count > 1:
            raise DataError(
                f"{pairs.dataset} has {count} pictures called {stem}, whose detections "
                "cannot be told apart; give each picture a name of its own"
            )
    if not any(detections.paths(of_pair) for of_pair in files):
        raise DataError(
            f"no file in {detections.visible} or {detections.thermal} is called like "
            f"a picture of {pairs.dataset}, as {files[0][0].stem}.txt would be"
        )


@dataclasses.dataclass(frozen=True)
class RenderedPairs(Numbered):
    """A feed without files: one moment of a synthetic scene an example, unlabelled.

    Attributes:
      settings: of the world.
      pairing: how a pair becomes an example.
      batch: examples of a step.
      lanes: scenes rendered at once: 1 suits a CPU, an accelerator more.

    Raises:
      DataError: the boxes of the pairing are detections; there are none.
    """

    settings: Settings
    pairing: Pairing
    batch: int = 8
    lanes: int = 1

    def __post_init__(self):
        if min(self.batch, self.lanes) < 1:
            raise DataError(f"batch {self.batch}, lanes {self.lanes}: at least 1")
        if reads_detections(self.pairing.boxes):
            raise DataError(
                "no detections in rendered pairs; take hot_spots() for the boxes"
            )

    def make(self, raw: Int[Array, " b"], key: Key[Array, ""]) -> Examples:
        """Renders and crops the examples with these numbers.

        Args:
          raw: their numbers.
          key: of the whole run.
        """
        scenes, changes = jax.random.split(key)
        render = lambda k: render_pair(k, self.settings)
        drawn = self.rendered(render, keys_of(scenes, raw))
        size = jnp.array([self.settings.rows, self.settings.cols], jnp.int32)

        def one(visible, thermal, k, number):
            scene = Scene(visible, thermal, size, jnp.zeros((0, 4)), jnp.zeros(0))
            return pair_examples(scene, k, number, self.pairing)

        return jax.vmap(one)(drawn[0], drawn[1], keys_of(changes, raw), raw)


def render_pair(
    key: Key[Array, ""], settings: Settings
) -> tuple[Num[Array, "rows cols 3"], Num[Array, "rows cols 1"]]:
    """The visible and the thermal picture of a random moment of a new scene."""
    for_scene, for_time = jax.random.split(key)
    time = jax.random.randint(for_time, (1,), 0, settings.frames)
    clip = render_frames(sample_scene(for_scene, settings), time, settings)
    return clip.rgb[0], clip.tir[0]
