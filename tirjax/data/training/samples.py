"""What a feed hands over: frames as they are, then the crops that tasks learn from.

Both are of one sequence; a batch has one leading axis more.
"""

from typing import NamedTuple

from tirjax.typing import Array, Float, Int, Num


class Sample(NamedTuple):
    """Frames of one sequence: those to learn the target from, then those to find it in.

    Attributes:
      pixels: ``[n, rows, cols, c]`` uint8, 0..255, perhaps larger than the images.
      sizes: ``[n, 2]`` int32, true ``(rows, cols)``.
      boxes: ``[n, 4]`` float32, target in the image, pixels.
    """

    pixels: Num[Array, "n rows cols c"]
    sizes: Int[Array, "n 2"]
    boxes: Float[Array, "n 4"]


class Examples(NamedTuple):
    """Crops of one sequence with everything a loss compares them to.

    Attributes:
      train: ``[n, s, s, c]`` crops to learn the target from, 0..255.
      train_boxes: ``[n, 4]``, crop pixels.
      test: ``[m, s, s, c]`` crops to find it in, 0..255.
      test_boxes: ``[m, 4]``, crop pixels.
      labels: ``[m, f, f]`` desired scores, 0..1.
      proposals: ``[m, p, 4]`` boxes around the target, crop pixels.
      overlaps: ``[m, p]`` their intersection over union with it, 0..1.
      log_density: ``[m, p]`` logarithm of the density they were drawn from; 0 for
        perturbed boxes.
      target_density: ``[m, p]`` density of the label at each; 0 for perturbed boxes.
    """

    train: Float[Array, "n s s c"]
    train_boxes: Float[Array, "n 4"]
    test: Float[Array, "m s s c"]
    test_boxes: Float[Array, "m 4"]
    labels: Float[Array, "m f f"]
    proposals: Float[Array, "m p 4"]
    overlaps: Float[Array, "m p"]
    log_density: Float[Array, "m p"]
    target_density: Float[Array, "m p"]
