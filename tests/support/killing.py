"""Ends a process with SIGKILL at random moments and starts it again, until it gets to its end."""

from __future__ import annotations

import multiprocessing
import random
import signal
from collections.abc import Callable
from pathlib import Path

SERVER = multiprocessing.get_context("forkserver")
"""Processes are forked from one that has done the slow imports, so that most are killed at work, not before it."""
SERVER.set_forkserver_preload(["foretype.train.pipeline", "torch._dynamo", "torch.utils.tensorboard"])


def finish_despite_kills(target: Callable[[Path], None], folder: Path, *, within: float, seed: int, kills: int) -> int:
    """Run `target(folder)` in a process, again and again; the first `kills` times, kill it within so many seconds.

    The first times sooner than the later ones, for machines on which it takes but an instant. Returns how many times
    it was killed before its end.
    """
    draw = random.Random(seed)
    for struck in range(kills):
        process = SERVER.Process(target=target, args=(folder,))
        process.start()
        process.join(timeout=draw.uniform(0, within * (struck + 1) / kills))
        process.kill()
        process.join()
        if process.exitcode != -signal.SIGKILL:
            assert process.exitcode == 0
            return struck
    process = SERVER.Process(target=target, args=(folder,))
    process.start()
    process.join()
    assert process.exitcode == 0
    return kills
