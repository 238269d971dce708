"""What objects look like, warm and in colour; look-alikes take after the target."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.data.synthetic import kinds
from tirjax.data.synthetic.plan import choose, mix, usual
from tirjax.data.synthetic.rigs import Rig, normalised
from tirjax.data.synthetic.settings import Settings
from tirjax.typing import Array, Bool, Float, Int, Key

# Paint, cloth, skin, dark, glass, lamp: usual colour, and how far it may be from that.
_USUAL = np.array(
    [[0.45] * 3, [0.3] * 3, [0.62, 0.48, 0.4], [0.07] * 3, [0.2, 0.24, 0.28], [1] * 3],
    np.float32,
)
_VIVID = np.array([[0.7], [0.5], [0.15], [0.05], [0.1], [0.0]], np.float32)


class Look(NamedTuple):
    """What objects are made of and look like; leaves lead with ``[n]``.

    Attributes:
      kind: index into ``kinds.KINDS``.
      rig: parts, centred and of unit area.
      shape: ``[n, 2]`` (w, h) of the box at unit area.
      palette: ``[n, slots, 3]`` colours as lit.
      warmth: contrast of a part of unit heat, degrees.
      tuning: ``[n, p]`` factor on the heat of each part.
      waves: ``[n, 7, 3]`` texture, see ``shapes.Grain``.
    """

    kind: Int[Array, " n"]
    rig: Rig
    shape: Float[Array, "n 2"]
    palette: Float[Array, "n slots 3"]
    warmth: Float[Array, " n"]
    tuning: Float[Array, "n p"]
    waves: Float[Array, "n 7 3"]


def draw_kinds(
    key: Key[Array, ""], view: Int[Array, ""], bends: Bool[Array, ""], count: int
) -> Int[Array, " n"]:
    """Kind of the target, articulated as asked, and of the others: never the same."""
    chance = jnp.asarray(kinds.CHANCE)[view]
    draws = jax.random.uniform(key, (count,))
    fits = chance * (jnp.asarray(kinds.BENDS) == bends)
    target = choose(fits, draws[0])
    others = choose(chance.at[target].multiply(1e-3), draws[1:])
    return jnp.concatenate([target[None], others])


def draw_look(
    key: Key[Array, ""],
    kind: Int[Array, " n"],
    twin: Bool[Array, " n"],
    settings: Settings,
    sun: Float[Array, ""],
) -> Look:
    """Draws the looks; twins take the target's, slightly changed."""
    n = len(kind)
    keys = jax.random.split(key)
    kind = jnp.where(twin, kind[0], kind)
    table = jax.tree.map(lambda leaf: jnp.asarray(leaf)[kind], kinds.RIGS)
    rig, shape = jax.vmap(normalised)(table)

    alike = lambda own, share: jnp.where(
        twin.reshape(-1, *[1] * (own.ndim - 1)), mix(own[:1], own, share), own
    )
    draws = jax.random.uniform(keys[0], (n, 3 + 3 * kinds.SLOTS))
    hue = draws[:, 3:].reshape(n, kinds.SLOTS, 3)
    grey = hue.mean(-1, keepdims=True) * 1.5 - 0.15
    palette = alike(
        jnp.asarray(_USUAL) + jnp.asarray(_VIVID) * (mix(grey, hue, 0.4) - 0.5), 0.15
    )
    lit = jnp.clip(palette, 0.02, 1.0) * (sun + 0.12 * (1.0 - sun))
    lit = lit.at[:, kinds.LAMP].set(mix(1.6, 0.8, sun))

    heat = usual(draws[:, :3], settings.typical)
    strong = mix(9.0, 16.0, heat[:, 0]) - 5.0 * settings.severity * heat[:, 1]
    cool = heat[:, 2] < 0.1
    warmth = jnp.where(cool, -0.6 * strong, strong)
    # Passers-by that are no look-alikes glow less than the target.
    dim = jnp.where(jnp.arange(n) == 0, 1.0, mix(0.55, 1.0, settings.typical))
    bells = jax.random.normal(keys[1], (n, kinds.PARTS + 21))
    tuning = 1.0 + 0.18 * (1.0 - settings.typical) * bells[:, : kinds.PARTS]
    waves = bells[:, kinds.PARTS :].reshape(n, 7, 3) * jnp.array([8.0, 8.0, 6.0])
    return Look(
        kind=kind,
        rig=rig,
        shape=shape,
        palette=lit,
        warmth=alike(jnp.where(twin, strong * jnp.sign(warmth[0]), warmth * dim), 0.25),
        tuning=alike(tuning, 0.5),
        waves=alike(waves, 0.3),
    )
