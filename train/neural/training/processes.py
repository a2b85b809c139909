"""Training by several processes that `torchrun` started, on one machine or more: who they are, what they exchange."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from foretype.runtime.errors import ConfigError

_PATIENCE = timedelta(days=1)
"""Waiting is no error: one process reads the text for all; and where one dies, torchrun ends the others."""


@dataclass(frozen=True)
class Processes:
    """The processes that train together, as seen by one of them; alone by default.

    rank: number of this process. count: how many there are. local_rank: number of this process on its machine, which
    is the number of its CUDA device.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files and speaks to people."""
        return self.rank == 0

    def columns(self, batch: int) -> slice:
        """The streams of a batch that this process reads. Raises ConfigError when they cannot be dealt out evenly."""
        if batch % self.count:
            raise ConfigError(f"batch is {batch}; legal for {self.count} processes: a multiple of {self.count}")
        share = batch // self.count
        return slice(self.rank * share, (self.rank + 1) * share)

    def device(self, wanted: str) -> torch.device:
        """The device for the setting `wanted`: "cpu", "cuda", or "auto" for CUDA where there is one."""
        if wanted == "cpu" or not torch.cuda.is_available():
            return torch.device("cpu")
        return torch.device("cuda", self.local_rank) if self.count > 1 else torch.device("cuda")

    def parallel(self, module: nn.Module) -> nn.Module:
        """`module`, so that a backward pass leaves the mean over all processes in the gradients of its parameters."""
        return module if self.count == 1 else DistributedDataParallel(module)

    def wait(self) -> None:
        """Go on when all processes have come here."""
        self.agree(0.0)

    def agree(self, value: float) -> float:
        """The leader's `value`, for what depends on the clock or on rounding and must be the same everywhere."""
        if self.count == 1:
            return value
        shared = torch.tensor(value, dtype=torch.float64)
        dist.all_reduce(shared if self.leads else shared.zero_())
        return float(shared)

    def mean(self, values: Tensor) -> Tensor:
        """The mean of `values` over the processes."""
        if self.count > 1:
            dist.all_reduce(values)
        return values / self.count

    def gather(self, part: Tensor) -> Tensor:
        """The whole of a tensor [layers, batch, width] of which each process holds its columns; on the CPU."""
        part = part.cpu().contiguous()
        if self.count == 1:
            return part
        parts = [torch.empty_like(part) for _ in range(self.count)]
        dist.all_gather(parts, part)
        return torch.cat(parts, dim=1)

    @contextmanager
    def leader_first(self) -> Iterator[None]:
        """Run the block in the leader while the others wait, then in those, which find its files written."""
        self.wait()
        if self.leads:
            yield
            self.wait()
        else:
            self.wait()
            yield


def join() -> Processes:
    """The processes of this run: those of `torchrun`, which says in the environment who they are, or this one alone.

    Raises ConfigError where they cannot reach each other.
    """
    if "RANK" not in os.environ or os.environ.get("WORLD_SIZE", "1") == "1":
        return Processes()
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    if not dist.is_initialized():
        cuda = torch.cuda.is_available()
        if cuda:
            torch.cuda.set_device(local_rank % torch.cuda.device_count())
        try:
            dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=_PATIENCE)
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise ConfigError(f"the processes that torchrun started do not reach each other ({reason})") from error
        atexit.register(dist.destroy_process_group)
    return Processes(dist.get_rank(), dist.get_world_size(), local_rank)
