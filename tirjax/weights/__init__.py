"""Networks that we trained and that come with the package, by tracker.

Each folder is a checkpoint like any other, with a card that says what it was trained
on, under which licences, how well it does and what it cannot.
"""

from pathlib import Path

SHIPPED: dict[str, Path] = {"dimp10": Path(__file__).parent / "dimp10"}
