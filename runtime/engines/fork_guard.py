"""What a fork leaves usable: ONNX Runtime's locks and threads do not know that the process was copied.

The child has the memory of its parent, and of its threads only the one that forked. A lock that another thread held, or
a pool of threads that is not there, would leave a call waiting for ever. So calls into ONNX Runtime are counted, and a
child that was made in the middle of one leaves ONNX Runtime alone.

Python's own import locks are another such trap: a child of a fork that happens while another thread imports a module
waits for ever when it imports it too. So whatever a suggestion needs is imported when a model is loaded or a session is
made, never at a keystroke.
"""

from __future__ import annotations

import os
import threading
from types import TracebackType


class Fork:
    """Which fork of the original process this is, and what of ONNX Runtime came through it. One for the process.

        with FORK:              # around every call into ONNX Runtime
            session.run(...)

    generation: forks between the original process and this one.
    torn: whether another thread was inside such a call at a fork; ONNX Runtime may then never answer again.
    lock: guards the change from one engine to the next; free again in a child.
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
        """Called in a child as soon as it exists."""
        self.generation += 1
        self.torn = self.torn or self._calls > 0
        self._calls = 0
        self._new_locks()


FORK = Fork()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=FORK.enter_child)
