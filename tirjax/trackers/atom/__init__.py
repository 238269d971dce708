"""ATOM: a classifier learned online, and boxes refined by predicted overlap."""

from tirjax.trackers.atom.config import ATOM, Config
from tirjax.trackers.atom.tracker import State, atom

__all__ = ["ATOM", "Config", "State", "atom"]
