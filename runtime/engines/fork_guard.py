"""Guard against forks: the locks and threads of ONNX Runtime do not survive a copy of the process.

A child process has the memory of its parent but only one of its threads, the one that forked. A call would wait forever
for a lock that another thread held, or for a thread pool that no longer exists. So calls into ONNX Runtime are counted,
and a child that was forked during such a call does not use ONNX Runtime.

Python's import locks are a similar trap. If a fork happens while another thread imports a module, the child waits
forever when it imports that module. So everything that a suggestion needs is imported when a model is loaded or a
session is created, never at a keystroke.
"""

from __future__ import annotations

import os
import threading
from types import TracebackType


class Fork:
    """Tells which fork of the original process this is, and whether ONNX Runtime survived it. One per process.

        with FORK:              # around every call into ONNX Runtime
            session.run(...)

    generation: number of forks between the original process and this one.
    torn: whether another thread was inside such a call at a fork; ONNX Runtime may then never return.
    lock: guards the change from one engine to the next; replaced by a free lock in a child.
    """

    def __init__(self) -> None:
        self.generation = 0
        self.torn = False
        self._calls = 0
        self._new_locks()

    def _new_locks(self) -> None:
        self.lock = threading.Lock()
        self._counting = threading.Lock()

    def __enter__(self) -> None:
        with self._counting:
            self._calls += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._counting:
            self._calls -= 1

    def enter_child(self) -> None:
        """Update the state in a child process. Called as soon as the child exists."""
        self.generation += 1
        self.torn = self.torn or self._calls > 0
        self._calls = 0
        self._new_locks()


FORK = Fork()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=FORK.enter_child)
