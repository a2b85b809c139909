"""Fine-tunes a neural model on one writer's text, rehearses general text with it, and stops early.

The general text is sampled from the model itself before it changes (pseudo-rehearsal, Robins 1995), because the text
that it was trained on is not on the user's machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from foretype.runtime.text.vocabulary import DOCUMENT_START_ID, UNKNOWN_ID
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.regularisation import Noise, Regularisation
from foretype.train.neural.training.objective import Objective
from foretype.train.neural.training.trainer import perplexity
from foretype.train.neural.training.windows import Windows

Stream = NDArray[np.unsignedinteger]


@dataclass(frozen=True)
class FineTuning:
    """How a model is fine-tuned.

    learning_rate: of AdamW, constant after `warmup` steps. weight_decay: of AdamW.
    batch: streams of the writer's text read in parallel. steps: length of a back-propagation window in tokens.
    rehearsed: streams of general text in each step, beside them.
    samples: average number of words in the softmax sample.
    dropout: on embeddings and on the last layer's output.
    passes: most passes over the text. patience: passes without a better perplexity on held-out text before it stops.
    seed: fixes order, samples and dropout.
    """

    learning_rate: float = 3e-3
    weight_decay: float = 0.0
    warmup: int = 30
    batch: int = 16
    steps: int = 32
    rehearsed: int = 8
    samples: int = 4096
    dropout: float = 0.2
    passes: int = 3
    patience: int = 2
    seed: int = 1


@torch.no_grad()
def sample_text(model: LanguageModel, tokens: int, allowed: NDArray[np.bool_], seed: int, rows: int = 64) -> Stream:
    """Sample about `tokens` tokens of documents from `model`, as one stream.

    allowed: the tokens that may be drawn [vocab]; `<s>` and `<unk>` never are. rows: documents.
    """
    generator = torch.Generator().manual_seed(seed)
    barred = torch.from_numpy(~allowed).clone()
    barred[[UNKNOWN_ID, DOCUMENT_START_ID]] = True
    state = model.zero_state(rows)
    ids = torch.full((1, rows), DOCUMENT_START_ID)
    drawn = [ids]
    for _ in range(tokens // rows):
        with torch.autocast("cpu", torch.bfloat16, enabled=_computes_bf16()):
            features, state = model(ids, state)
            scores = model.logits(features[0])
        reached = scores.float().masked_fill_(barred, -torch.inf).softmax(-1).cumsum(-1)
        draws = torch.rand((rows, 1), generator=generator) * reached[:, -1:]
        ids = torch.searchsorted(reached, draws).clamp_(max=len(barred) - 1).T
        drawn.append(ids)
    stream: Stream = torch.cat(drawn).T.reshape(-1).numpy().astype(np.uint32)
    return stream


def fine_tune(
    model: LanguageModel,
    own: Stream,
    general: Stream,
    held_out: Stream,
    config: FineTuning,
    seconds: float,
    done: Callable[[int, float], None] = lambda *_: None,
) -> list[float]:
    """Fine-tune `model` in place; leave it with the weights that predict `held_out` best.

    own: the writer's text. general: the text to rehearse. held_out: of the writer, not in `own`. seconds: no pass
    begins that would end later. done: called with the number of passes and the perplexity of `held_out` after each.

    Returns the perplexity per token of `held_out` before, and after each pass.
    """
    torch.manual_seed(config.seed)
    start, found = time.monotonic(), [perplexity(model, held_out)]
    best = {name: weight.clone() for name, weight in model.state_dict().items()}
    steps = min(config.steps, max(4, (len(own) - 1) // config.batch))
    reads = Windows(own, config.batch, steps, config.seed)
    rehearses = Windows(general, config.rehearsed, steps, config.seed)
    counts = torch.from_numpy(np.bincount(np.concatenate((own, general)), minlength=model.config.vocab_size)).float()
    objective = Objective(model, counts, min(config.samples, model.config.vocab_size))
    optimiser = torch.optim.AdamW(
        model.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    rates = Regularisation(input_dropout=config.dropout, output_dropout=config.dropout)
    width = config.batch + config.rehearsed
    state = model.zero_state(width)
    for step in range(config.passes * reads.per_pass):
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        tokens = torch.from_numpy(np.concatenate((reads[step], rehearses[step]), axis=1))
        with torch.autocast("cpu", torch.bfloat16, enabled=_computes_bf16()):
            features, after = model(tokens[:-1], state, Noise(rates, generator, width))
            loss = objective(features, tokens, generator)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.param_groups[0]["lr"] = config.learning_rate * min(1.0, (step + 1) / config.warmup)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        state = tuple(part.detach() for part in after)
        if (step + 1) % reads.per_pass:
            continue
        found.append(perplexity(model, held_out))
        passes = len(found) - 1
        done(passes, found[-1])
        if found[-1] <= min(found):
            best = {name: weight.clone() for name, weight in model.state_dict().items()}
        spent = time.monotonic() - start
        if passes - int(np.argmin(found)) >= config.patience or spent * (passes + 1) / passes > seconds:
            break
    model.load_state_dict(best)
    return found


def _computes_bf16() -> bool:
    return bool(torch.cpu._is_avx512_bf16_supported())
