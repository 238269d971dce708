"""Signals that ask a run to stop: the frame in hand is finished, the files complete."""

import signal
import threading
from types import FrameType

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class Stop:
    """Whether somebody has asked the run to stop; a context.

    The first signal asks. A second one insists: ``KeyboardInterrupt`` at once. Signals
    that the parent has made the program ignore (nohup, a background job) stay ignored.
    """

    def __init__(self):
        self.asked = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> "Stop":
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name, None) for name in SIGNALS):
                if number and signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
