"""``track run``: targets through a video, pictures or a live source, drawn and scored."""

import contextlib
import dataclasses
import logging
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tirjax.data import DataError, Frames, Window, open_frames
from tirjax.data.discover import find_reader, open_sequence

from . import catalogue, scoring, session, sources, view, weights
from .interactive import Interactive
from .jsonl import Lines
from .live import Fit, Live
from .options import Run
from .outputs import Clip, Moment, Outputs
from .plan import plan
from .runner import check_box, follow_all
from .stopping import Stop
from .window import Window as Screen

log = logging.getLogger(__name__)

FPS = 25.0  # of the written video where the source does not say
