"""How an unlabelled pair becomes a training example: who sees which half, and where.

One frame gives the target, the reference, and one asks for it, the test frame. Both are
of the same moment; what sets them apart is the half of the pair they show and the
jitter of their crops. Thermal pictures get three equal channels. Mirroring of both
crops is one decision, which the released code makes anew for the test frame.

Source: Sun et al., Unsupervised Cross-Modal Distillation for Thermal Infrared Tracking,
ACM MM 2021, section 3.3, and the authors' released code.
"""

import dataclasses
from typing import Literal

import jax
import jax.numpy as jnp

from tirjax.data.sequence import DataError
from tirjax.data.training.processing import SUPER_DIMP, Processing, process
from tirjax.data.training.pseudo_boxes import Boxes, Scene, centre_area
from tirjax.data.training.samples import Examples, Sample
from tirjax.typing import Array, Float, Int, Key, Num

Half = Literal["rgb", "tir", "mixed"]
Mix = Literal["batch", "spatial"]
Place = Literal["half", "seam", "literal"]
BoxSource = Literal["own", "test"]

# What the released code means by y, x, h, w and reads as x, y, w, h.
LITERAL = (206.0, 540.0, 100.0, 200.0)
CENTRE = centre_area()
ONE_FRAME = dataclasses.replace(SUPER_DIMP, train_frames=1)


@dataclasses.dataclass(frozen=True)
class Pairing:
    """What the two frames show.

    Attributes:
      reference: half that gives the target: ``'rgb'``, ``'tir'`` or ``'mixed'``.
      test: half that is asked for it; mixed if and only if the reference is.
      boxes: where pseudo boxes come from, in pixels of one picture.
      processing: of the two frames; with one train frame.
      mix: how frames are mixed. ``'batch'``: examples of even number go from visible to
        thermal, the others back. ``'spatial'``: both frames show both pictures side by
        side, thermal on the right in the reference and on the left in the test frame;
        a crop may hold some of each.
      place: where the box goes on pictures side by side. ``'half'``: into one of them,
        by chance, so the frames show the same point in opposite halves. ``'seam'``:
        astride the border between them, where the frames show different things.
        ``'literal'``: the box that the released code names, whatever ``boxes`` says;
        it lies below a picture of 512 rows, whose border is all that is seen. The last
        two are there to repeat published runs.
      box_source: whose crop's box the reference is given: its ``'own'``, or that of the
        ``'test'`` crop, which is wrong wherever jitter differs, as in the released
        code.

    Raises:
      DataError: an unknown word, only one mixed half, or another number of train
        frames.
    """

    reference: Half = "mixed"
    test: Half = "mixed"
    boxes: Boxes = CENTRE
    processing: Processing = ONE_FRAME
    mix: Mix = "batch"
    place: Place = "half"
    box_source: BoxSource = "own"

    def __post_init__(self):
        known = {
            "reference": ("rgb", "tir", "mixed"),
            "test": ("rgb", "tir", "mixed"),
            "mix": ("batch", "spatial"),
            "place": ("half", "seam", "literal"),
            "box_source": ("own", "test"),
        }
        for name, words in known.items():
            if (word := getattr(self, name)) not in words:
                raise DataError(f"{name} is {word!r}; take one of {', '.join(words)}")
        if (self.reference == "mixed") != (self.test == "mixed"):
            raise DataError(
                f"reference {self.reference!r} with test {self.test!r}; "
                "mix both or neither"
            )
        if self.processing.train_frames != 1:
            raise DataError(
                f"{self.processing.train_frames} train frames; a pair has one, "
                "set train_frames=1"
            )


def pair_examples(
    scene: Scene, key: Key[Array, ""], number: Int[Array, ""], pairing: Pairing
) -> Examples:
    """A reference crop and a test crop of one pair, with their pseudo boxes.

    Args:
      scene: the pair.
      key: randomness; the same key gives the same example.
      number: of the example in the run, at least 0; decides which half is which where
        they are mixed in a batch.
      pairing: static.
    """
    for_box, for_place, for_process = jax.random.split(key, 3)
    box = pairing.boxes(for_box, scene)
    if pairing.reference == "mixed" and pairing.mix == "spatial":
        sample = _side_by_side(scene, _on_canvas(box, scene, for_place, pairing.place))
    else:
        sample = _sample(_frames(scene, number, pairing), scene.size, box)
    made = process(sample, for_process, pairing.processing)
    if pairing.box_source == "test":
        made = made._replace(train_boxes=made.test_boxes)
    return made


def _halves(scene: Scene) -> dict[str, Num[Array, "rows cols 3"]]:
    return {"rgb": scene.visible, "tir": jnp.repeat(scene.thermal, 3, axis=-1)}


def _sample(pixels, size, box) -> Sample:
    """The same place in both frames."""
    twice = lambda x: jnp.stack([x, x])
    return Sample(pixels, twice(size), twice(box))


def _frames(
    scene: Scene, number: Int[Array, ""], pairing: Pairing
) -> Num[Array, "2 rows cols 3"]:
    """Reference and test frame, each of one half."""
    halves = _halves(scene)
    if pairing.reference != "mixed":
        return jnp.stack([halves[pairing.reference], halves[pairing.test]])
    frames = jnp.stack([halves["rgb"], halves["tir"]])
    return jnp.where(number % 2 == 0, frames, frames[::-1])


def _beside(
    left: Num[Array, "rows cols 3"],
    right: Num[Array, "rows cols 3"],
    width: Int[Array, ""],
) -> Num[Array, "rows cols2 3"]:
    """Two pictures of a true width, on a canvas twice as wide; the rest is padding."""
    room = jnp.pad(left, ((0, 0), (0, left.shape[1]), (0, 0)))
    return jax.lax.dynamic_update_slice_in_dim(room, right, width, axis=1)


def _side_by_side(scene: Scene, box: Float[Array, "4"]) -> Sample:
    halves, width = _halves(scene), scene.size[1]
    pixels = jnp.stack(
        [
            _beside(halves["rgb"], halves["tir"], width),
            _beside(halves["tir"], halves["rgb"], width),
        ]
    )
    return _sample(pixels, scene.size * jnp.array([1, 2]), box)


def _on_canvas(box, scene: Scene, key, place: Place) -> Float[Array, "4"]:
    """The box of one picture on two side by side."""
    width = scene.size[1].astype(jnp.float32)
    if place == "literal":
        return jnp.array(LITERAL)
    if place == "seam":
        return box.at[0].set(width - box[2] / 2)
    return box.at[0].add(width * jax.random.bernoulli(key))
