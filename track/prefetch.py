"""Work ahead in a thread, with a bounded queue between the two sides."""

import queue
import threading
import time
from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar("T")

# How long a consumer that stops early waits for an item in the making. A camera that
# hangs must not hang the program with it; the thread is a daemon and dies with it.
PATIENCE = 5.0


def prefetch(items: Iterable[T], depth: int = 2) -> Generator[T]:
    """Yields ``items``, made in a thread up to ``depth`` ahead of the consumer.

    At most ``depth + 2`` items are alive: the queue, one in the making, one in use. An
    exception of ``items`` surfaces here after everything made before it. The thread
    starts with the first item asked for and ends with the generator, however that ends.
    """
    made: queue.Queue = queue.Queue(maxsize=depth)
    stop = threading.Event()

    def work():
        failure = None
        try:
            for item in items:
                made.put((item, False, None))
                if stop.is_set():
                    break
        except BaseException as error:  # everything belongs to the consumer
            failure = error
        made.put((None, True, failure))

    thread = threading.Thread(target=work, name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item, last, failure = made.get()
            if failure is not None:
                raise failure
            if last:
                return
            yield item
            del item  # or it would live until the next one is ready
    finally:
        stop.set()
        _drain(made, thread)


def _drain(made: queue.Queue, thread: threading.Thread) -> None:
    """Empties the queue until the thread, perhaps blocked on it, has ended."""
    deadline = time.monotonic() + PATIENCE
    while thread.is_alive() and time.monotonic() < deadline:
        try:
            made.get_nowait()
        except queue.Empty:
            thread.join(timeout=0.01)
