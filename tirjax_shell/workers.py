"""Processes that answer in JSON: a request a line in, a reply a line out.

A peer runs under an interpreter of its own, and what starts up or needs memory for
itself in a process of its own.
"""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class Worker:
    """A running process.

    Args:
      command: program and arguments.

    Attributes:
      about: the first line, which it writes unasked.

    Raises:
      ChildProcessError: it ended before; also from ``reply`` and ``ask``.
    """

    def __init__(self, command: Sequence[str | Path]):
        self._name = next((Path(c).name for c in command[1:2]), str(command[0]))
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
            )
        except OSError:
            self._errors.close()
            raise
        try:
            self.about = self.reply()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def reply(self) -> dict[str, Any]:
        """The next line."""
        assert self._process.stdout  # is a pipe
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        self._process.wait()
        self._errors.seek(0)
        said = [text for text in self._errors.read().splitlines() if text.strip()]
        raise ChildProcessError(f"{self._name} ended: {said[-1] if said else 'silent'}")

    def ask(self, **request: Any) -> dict[str, Any]:
        """One request, one reply."""
        assert self._process.stdin  # is a pipe
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended; the reply says why
        return self.reply()

    def close(self) -> None:
        """Ends it: its input closes; what does not end then is killed."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()
