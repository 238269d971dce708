"""How the papers train their Siamese networks: factors on rates, strategies, branches.

Source: Bertinetto et al., ECCV 2016 workshops; Valmadre et al., CVPR 2017; Liu et al.,
Learning Deep Multi-Level Similarity, TMM 2020; Liu et al., Multi-Task Driven Feature
Models for Thermal Infrared Tracking, AAAI 2020, section 4 and tables 1 and 2. What the
papers leave out is as in the authors' code.
"""

from collections.abc import Collection
from typing import NamedTuple

import optax

from tirjax.heads.siamese import Siamese, SiamFC
from tirjax.tasks.matconvnet_sgd import Multipliers, log_spaced, matconvnet_sgd
from tirjax.tasks.siamese import is_part
from tirjax.tasks.siamese_losses import MultiTaskWeights

DECAY = 5e-4
BATCH = 8
EPOCH_PAIRS = 47_880  # nine tenths of 53,200; the others are for validation

GATES = ("sa", "sc", "fanet/hc")
# The layers of conv1 to conv3 and the fine-grained branch.
FINE_TUNING = (
    *(f"backbone/{layer}{i}" for i in (1, 2, 3) for layer in ("conv", "bn")),
    "reduce3",
    "fanet",
    "adjust3",
)


class Rates(NamedTuple):
    """Learning rates, logarithmically spaced, and how long.

    Attributes:
      first: of the first epoch.
      last: of epoch number ``fall``, and of all that follow.
      fall: epochs in which the rate falls.
      epochs: how long the training is.
    """

    first: float
    last: float
    fall: int
    epochs: int

    def over(self, epochs: int | None) -> "Rates":
        """The same in another number of epochs, the fall scaled with them."""
        if epochs is None:
            return self
        fall = max(1, round(self.fall * epochs / self.epochs))
        return self._replace(fall=fall, epochs=epochs)

    def times(self, factor: float) -> "Rates":
        """The same, every rate multiplied; a short training needs larger ones."""
        return self._replace(first=factor * self.first, last=factor * self.last)

    def schedule(self, epoch_steps: int) -> optax.Schedule:
        """The rate of every step."""
        return log_spaced(self.first, self.last, self.fall, epoch_steps)


# CFNet and the published code of MLSSNet and MMNet.
RELEASED = Rates(1e-2, 1e-4, 50, 100)
SIAMFC = Rates(1e-2, 1e-5, 50, 50)


class Strategy(NamedTuple):
    """A row of MMNet's table 2.

    Attributes:
      data: ``'vid'``, ``'tir'``, or both as one.
      rates: of the paper.
      starts: whether from the network of ``only_vid``; its classifier is drawn anew,
        because the classes are others.
      frozen: parts that stay as they are.
      classifies: whether the classification loss counts. Not where two sets of classes
        meet: the paper freezes the branch, which from scratch teaches nothing.
    """

    data: tuple[str, ...]
    rates: Rates
    starts: bool = False
    frozen: tuple[str, ...] = ()
    classifies: bool = True


_AGAIN = Rates(1e-3, 1e-5, 30, 30)
STRATEGIES: dict[str, Strategy] = {
    "only_vid": Strategy(("vid",), Rates(1e-2, 1e-5, 60, 60)),
    "only_tir": Strategy(("tir",), Rates(1e-2, 1e-5, 60, 60)),
    "re_training": Strategy(("tir",), _AGAIN, starts=True),
    "fine_tuning": Strategy(("tir",), _AGAIN, starts=True, frozen=FINE_TUNING),
    "mix_training": Strategy(
        ("vid", "tir"), Rates(1e-2, 1e-5, 70, 70), classifies=False
    ),
}


class Branches(NamedTuple):
    """A row of MMNet's table 1.

    Attributes:
      weights: of the losses.
      silent: halves of the fine-grained network that are not there.
    """

    weights: MultiTaskWeights = MultiTaskWeights()
    silent: tuple[str, ...] = ()


BRANCHES: dict[str, Branches] = {
    "dis": Branches(MultiTaskWeights(1.0, 0.0, 0.0), ("pixel", "holistic")),
    "cls": Branches(MultiTaskWeights(1.0, 1.0, 0.0), ("pixel", "holistic")),
    "fine_hc": Branches(silent=("pixel",)),
    "fine_pc": Branches(silent=("holistic",)),
    "all": Branches(),
}


def rate_factors(net: Siamese, frozen: Collection[str] = ()) -> Multipliers:
    """Factors on the learning rate, by path of the parameter.

    Args:
      net: whose parameters they are.
      frozen: parts that stay as they are.
    """

    def factor(path):
        *_, layer, name = path
        if is_part(path, frozen):
            return 0.0
        if layer.startswith("adjust"):
            # SiamFC's gain is a constant that keeps the logistic loss out of its tails.
            gain, bias = (0.0, 1.0) if isinstance(net, SiamFC) else (1.0, 2.0)
            return gain if name == "gain" else bias
        if name == "scale":
            return 1.0 if path[0] == "fanet" else 2.0
        doubled = path[0] == "backbone" and layer.startswith("conv")
        return 2.0 if name == "bias" and (doubled or is_part(path, GATES)) else 1.0

    return factor


def decay_factors(path: tuple[str, ...]) -> float:
    """Factor on the weight decay, by path of the parameter."""
    if is_part(path, GATES):
        return 10.0
    if path[0].startswith("adjust"):
        return 0.0
    return float(path[0] != "backbone" or path[-1] == "kernel")


def published_sgd(
    net: Siamese, schedule: optax.Schedule, frozen: Collection[str] = ()
) -> optax.GradientTransformation:
    """Gradient descent with the factors of the published code.

    Args:
      net: to train.
      schedule: ``step -> learning rate``.
      frozen: parts that stay as they are.
    """
    return matconvnet_sgd(schedule, rate_factors(net, frozen), DECAY, decay_factors)
