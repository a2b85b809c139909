"""A baseline: a plain word-level LSTM of PyTorch (`pip install torch`), trained and asked as its tutorial shows.

One layer, embeddings shared with the output (Press and Wolf 2017). The best weights on the end of the text are kept.
"""

from __future__ import annotations

import bisect
import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

END, UNKNOWN, SIZE, MOST_WORDS, PASSES, BATCH, STEPS = "</s>", "<unk>", 192, 20_000, 20, 16, 32
WORD = re.compile(rf"{END}|[\w'\u2019-]+|[^\w\s]")
torch.set_num_threads(1)  # several threads wait for each other where other programs run


class Network(nn.Module):
    """Embedding, LSTM and shared output layer for `words` words."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, SIZE)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        self.lstm = nn.LSTM(SIZE, SIZE, batch_first=True)
        self.dropout, self.bias = nn.Dropout(0.3), nn.Parameter(torch.zeros(words))

    def forward(self, ids: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Logits of the next word after each of `ids` (batch, steps), and the state."""
        hidden, state = self.lstm(self.dropout(self.embedding(ids)), state)
        return self.dropout(hidden) @ self.embedding.weight.T + self.bias, state


def load(model: str, options: list[str]) -> Callable[[str, int], list[str]]:
    """Load what `train` wrote. The words of one place in the text are ranked once, and filtered by each letter."""
    weights = load_file(model)
    words = bytes(weights.pop("words").tolist()).decode().split("\n")
    ids, network = {word: number for number, word in enumerate(words)}, Network(len(words)).eval()
    network.load_state_dict(weights)
    ordered = sorted((word.lower(), number) for word, number in ids.items() if word[0].isalpha())

    @lru_cache(maxsize=1)
    @torch.inference_mode()
    def scores(line: str) -> Tensor:
        read = [ids[END], *(ids.get(word, ids[UNKNOWN]) for word in WORD.findall(line))]
        return network.forward(torch.tensor([read]), None)[0][0, -1]

    def suggest(text: str, k: int) -> list[str]:
        line = text.rpartition("\n")[2]
        typed = re.findall(r"[\w'\u2019-]*$", line)[0]
        start, end = bisect.bisect(ordered, (typed.lower(),)), bisect.bisect(ordered, (typed.lower() + "\U0010ffff",))
        fitting = torch.tensor([number for _, number in ordered[start:end]], dtype=torch.long)
        best = fitting[scores(line[: len(line) - len(typed)])[fitting].topk(min(k, len(fitting))).indices]
        return [words[number] for number in best]

    return suggest


def train(text: str, model: str) -> None:
    """Train on the words and punctuation of a text."""
    torch.manual_seed(1)
    tokens = WORD.findall(Path(text).read_text(encoding="utf-8").replace("\n", f" {END} "))
    words = [UNKNOWN, *(word for word, count in Counter(tokens).most_common(MOST_WORDS) if count > 1)]
    ids, network = {word: number for number, word in enumerate(words)}, Network(len(words))
    numbers = [ids.get(word, 0) for word in tokens]
    read, held_out = numbers[: -len(numbers) // 20], numbers[-len(numbers) // 20 :]
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    best, weights = float("inf"), network.state_dict()
    for _ in range(PASSES):
        run(network, read, optimizer)
        if (loss := run(network, held_out, None)) >= best:
            break
        best, weights = loss, {name: value.clone() for name, value in network.state_dict().items()}
    save_file(weights | {"words": torch.tensor(list("\n".join(words).encode()), dtype=torch.uint8)}, model)


def run(network: Network, read: list[int], optimizer: torch.optim.Optimizer | None) -> float:
    """Mean loss over the words; with an optimizer, they are trained on too."""
    network.train(optimizer is not None)
    rows = torch.tensor(read[: len(read) // BATCH * BATCH]).view(BATCH, -1)
    state, losses = None, []
    for inputs, targets in zip(rows[:, :-1].split(STEPS, 1), rows[:, 1:].split(STEPS, 1), strict=True):
        with torch.set_grad_enabled(optimizer is not None):
            logits, (hidden, cell) = network(inputs, state)
            losses.append(cross_entropy(logits.flatten(0, 1), targets.flatten()))
        state = hidden.detach(), cell.detach()
        if optimizer:
            optimizer.zero_grad()
            losses[-1].backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
    return float(torch.stack(losses).detach().mean())
