"""ECO on learned features: the published settings, and ECO-stir with its parts.

Source: Danelljan et al., ECO, CVPR 2017; Zhang et al., Synthetic data generation for
end-to-end thermal infrared tracking, TIP 2019 (ECO-stir), and their published settings.
"""

import dataclasses

from tirjax.trackers.eco.config import Block, Config

_DEEP = Config(
    min_area=200.0**2,
    max_area=250.0**2,
    label_sigma=1 / 12,
    memory=50,
    train_always=1,
    forgetting=75.0,
    scales=5,
    scale_filter=None,
)

# VGG-M and gradients.
OTB_DEEP = dataclasses.replace(
    _DEEP,
    blocks=(
        Block("deep", 4, 16, "norm1"),
        Block("deep", 16, 64, "relu5"),
        Block("hog", 4, 10),
    ),
    search_scale=4.5,
    projection_ridge=5e-8,
    precondition=(0.3, 0.015, 35.0),
)
VOT2016_DEEP = dataclasses.replace(
    _DEEP,
    blocks=(*OTB_DEEP.blocks, Block("intensity", 4, 3)),
    rate=0.012,
    projection_ridge=2e-7,
    first_cg_steps=200,
    precondition=(0.7, 0.1, 30.0),
    window_threshold=0.12,
    scales=7,
    scale_step=1.01,
)

MOTION = Block("motion", 4, 1, weight=55.0)


def stir(
    layer: str = "pool2",
    cell: int = 4,
    *,
    deep: bool = True,
    motion: bool = True,
    hog: bool = False,
    intensity: bool = False,
) -> Config:
    """ECO-stir: features trained for thermal pictures, uncompressed, and motion.

    Args:
      layer: of the network.
      cell: of its map.
      deep: whether to use the network.
      motion: whether to use what differs from the frame last trained on.
      hog: whether to add ECO's gradients.
      intensity: whether to add its soft histogram of grey levels.

    Raises:
      ValueError: no features are left.
    """
    chosen = (
        (deep, Block("deep", cell, None, layer)),
        (motion, MOTION),
        (hog, Block("hog", 4, 10)),
        (intensity, Block("intensity", 4, 3)),
    )
    blocks = tuple(block for used, block in chosen if used)
    if not blocks:
        raise ValueError("a tracker without features; use one kind at least")
    return dataclasses.replace(OTB_DEEP, blocks=blocks, rate=0.003)


ECO_STIR = stir()

# The rows of the ablation, for one network; which data trained it is another matter.
ABLATION: dict[str, Config] = {
    "deep": stir(motion=False),
    "deep+motion": ECO_STIR,
    "deep+hog": stir(motion=False, hog=True),
    "deep+hog+motion": stir(hog=True),
    "hog": stir(deep=False, motion=False, hog=True),
    "hog+motion": stir(deep=False, hog=True),
}
