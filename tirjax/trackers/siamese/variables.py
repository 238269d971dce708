"""A Siamese network where others expect one of images and boxes."""

import jax.numpy as jnp
from flax import linen as nn

from tirjax.heads.siamese import Siamese


class PairVariables(nn.Module):
    """Has the variables of a Siamese network under the same names.

    Whatever reads a checkpoint makes a network's variables from images and boxes of any
    size; these networks take pairs of crops, of which filters set the least size.

    Attributes:
      net: network.
      exemplar: side of its exemplars, pixels.
      search: side of its search regions, pixels.
    """

    net: Siamese
    exemplar: int = 255
    search: int = 255

    def setup(self):
        nn.share_scope(self, self.net)

    def __call__(self, *unread):
        """Responses of a blank pair; what it is called with is not read."""
        del unread
        z, x = (jnp.zeros((1, s, s, 1)) for s in (self.exemplar, self.search))
        return self.net(z, x)
