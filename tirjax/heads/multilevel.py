"""MLSSNet: structural similarity at ``conv3`` and semantic similarity at ``conv5``.

Attention acts on the exemplar only. The ensemble that the paper derives from relative
entropies is a sum: the mean of two distributions is nearest to both.

Source: Liu et al., Learning Deep Multi-Level Similarity for Thermal Infrared Object
Tracking, TMM 2020.
"""

from tirjax.heads.attention import Preset, SemanticAttention, StructureAttention
from tirjax.heads.siamese import Levels, TwoLevelNet
from tirjax.typing import Array, Float


class MLSSNet(TwoLevelNet):
    """Level 0 is semantic, level 1 structural.

    Attributes:
      preset: how attention starts, and whose derivative its maximum has.
    """

    preset: Preset = "paper"

    def setup(self):
        super().setup()
        self.sa = StructureAttention(self.channels, self.preset)
        self.sc = SemanticAttention(self.channels, self.preset)

    def template(self, exemplar: Levels) -> Levels:
        """Cropped correlation filters of the attended features."""
        conv5, conv3 = exemplar
        return super().template((self.sc(conv5), self.sa(conv3)))


def ensemble(adjusted: Float[Array, "n levels h w"]) -> Float[Array, "n h w"]:
    """Relative-entropy ensemble of the adjusted responses: their sum."""
    return adjusted.sum(1)
