"""MMNet: discriminative, fine-grained and classification branches on one trunk.

Source: Liu et al., Multi-Task Driven Feature Models for Thermal Infrared Tracking, AAAI
2020, section 3.
"""

from tirjax.heads.attention import FineGrained, Preset, pointwise
from tirjax.heads.siamese import Levels, Responses, TwoLevelNet
from tirjax.typing import Array, Num


class MMNet(TwoLevelNet):
    """Level 0 is discriminative, level 1 fine-grained; exemplars are classified too.

    Attributes:
      preset: what pixel-level correlation is, and how attention starts.
      classes: of the classification branch.
    """

    preset: Preset = "paper"
    classes: int = 30

    def setup(self):
        super().setup()
        self.fanet = FineGrained(self.channels, self.preset, self.backbone.norm)
        self.cls = pointwise(self.classes)

    def levels(self, *images: Num[Array, "n _ _ _"]) -> tuple[Levels, ...]:
        """Of every branch ``conv5`` and the fine-grained features of ``conv3``."""
        conv5, conv3 = zip(*super().levels(*images), strict=True)
        return tuple(zip(conv5, self.fanet(*conv3), strict=True))

    def __call__(self, z: Num[Array, "n h w k"], x: Num[Array, "n h w k"]) -> Responses:
        """Responses of pairs, and the logits of each exemplar's class; for training."""
        exemplar, search = self.levels(z, x)
        pooled = exemplar[0].mean((1, 2), keepdims=True)
        responses = self.responses(self.template(exemplar), search)
        return responses._replace(classes=self.cls(pooled)[:, 0, 0])
