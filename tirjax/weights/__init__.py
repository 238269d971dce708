"""Networks that we trained and that come with the package, by tracker.

Each folder is a checkpoint like any other, with a card that says what it was trained
on, under which licences, how well it does and what it cannot.
"""

from pathlib import Path

SHIPPED: dict[str, Path] = {
    name: Path(__file__).parent / name for name in ("dimp_squeezenet", "dimp10")
}
