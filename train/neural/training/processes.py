"""Training in several processes started by `torchrun`, on one machine or more: ranks and communication."""

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
"""Long waits are normal: one process reads the text for all. If a process dies, torchrun ends the others."""


@dataclass(frozen=True)
class Processes:
    """The processes that train together, as seen by one of them. By default there is only one.

    rank: number of this process. count: number of processes. local_rank: number of this process on its machine, and of
    its CUDA device.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process writes the files and the output."""
        return self.rank == 0

    def columns(self, batch: int) -> slice:
        """The streams of a batch that this process reads. Raises ConfigError if they cannot be divided evenly."""
        if batch % self.count:
            raise ConfigError(f"batch is {batch}; must be a multiple of {self.count} for {self.count} processes")
        share = batch // self.count
        return slice(self.rank * share, (self.rank + 1) * share)

    def device(self, wanted: str) -> torch.device:
        """The device for the setting `wanted`: "cpu", "cuda", or "auto" for CUDA if available."""
        if wanted == "cpu" or not torch.cuda.is_available():
            return torch.device("cpu")
        return torch.device("cuda", self.local_rank) if self.count > 1 else torch.device("cuda")

    def parallel(self, module: nn.Module) -> nn.Module:
        """Wrap `module` so that a backward pass averages the gradients over all processes."""
        return module if self.count == 1 else DistributedDataParallel(module)

    def wait(self) -> None:
        """Wait until all processes have reached this point."""
        self.agree(0.0)

    def agree(self, value: float) -> float:
        """Return the leader's `value`. For values that depend on the clock or on rounding, but must be the same."""
        if self.count == 1:
            return value
        shared = torch.tensor(value, dtype=torch.float64)
        dist.all_reduce(shared if self.leads else shared.zero_())
        return float(shared)

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean of `values` over the processes."""
        if self.count > 1:
            dist.all_reduce(values)
        return values / self.count

    def gather(self, part: Tensor) -> Tensor:
        """Join a tensor [layers, batch, width] of which each process holds its columns; on the CPU."""
        part = part.cpu().contiguous()
        if self.count == 1:
            return part
        parts = [torch.empty_like(part) for _ in range(self.count)]
        dist.all_gather(parts, part)
        return torch.cat(parts, dim=1)

    @contextmanager
    def leader_first(self) -> Iterator[None]:
        """Run the block in the leader first, then in the others, which can use the leader's files."""
        self.wait()
        if self.leads:
            yield
            self.wait()
        else:
            self.wait()
            yield


def free_cores() -> int:
    """Return how many cores no other program uses at the moment; at least 1, at most PyTorch's number of threads."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1, min(torch.get_num_threads(), round((os.cpu_count() or 1) - load)))


def join() -> Processes:
    """Join the processes of `torchrun`, which describes them in the environment, or use this process alone.

    Raises ConfigError if they cannot connect.
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
            raise ConfigError(f"the processes that torchrun started cannot connect to each other ({reason})") from error
        atexit.register(dist.destroy_process_group)
    return Processes(dist.get_rank(), dist.get_world_size(), local_rank)
