"""``train extract``: the network out of a run, without what only training needs."""

import jax

from tirjax.checkpoints import load_variables, read_about, save_variables

from .options import Extract


def extract(options: Extract) -> None:
    """Copies variables and record of a checkpoint; prints how large they are.

    Args:
      options: the command line.

    Raises:
      DataError: no checkpoint there, a damaged one, or ``out`` is something else.
    """
    variables = jax.device_get(load_variables(options.run))
    about = read_about(options.run)
    save_variables(options.out, variables, about)
    numbers = sum(leaf.size for leaf in jax.tree.leaves(variables))
    files = (file for file in options.out.rglob("*") if file.is_file())
    size = sum(file.stat().st_size for file in files)
    print(f"{numbers:,} numbers of step {about.get('step', '?')}, {size / 1e6:.1f} MB")
    print(f"written to {options.out}")
