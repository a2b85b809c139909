"""The regularisation of the AWD-LSTM (Merity et al. 2017): dropout for recurrent layers, and penalties."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Regularisation:
    """Settings that reduce overfitting; 0 switches each off. Section numbers refer to Merity et al. 2017.

    embedding_dropout: share of the vocabulary that is read as zeros throughout a window (4.3).
    input_dropout: variational dropout on the embeddings: the same columns are zero in all steps of a window (4.2).
    layer_dropout: variational dropout on the input of each layer above the first.
    output_dropout: variational dropout on the output of the last layer.
    weight_drop: share of the entries of the recurrent matrices that are zero in a window (DropConnect, section 2).
    activation_penalty: alpha of activation regularisation, a factor of the mean square of the last layer's output after
        dropout (4.6; the paper has a norm, its authors' program this mean).
    temporal_penalty: beta of temporal activation regularisation, a factor of the mean square of the difference between
        the last layer's outputs of neighbouring steps, before dropout (4.6).
    """

    embedding_dropout: float = 0.0
    input_dropout: float = 0.0
    layer_dropout: float = 0.0
    output_dropout: float = 0.0
    weight_drop: float = 0.0
    activation_penalty: float = 0.0
    temporal_penalty: float = 0.0


class Noise:
    """The dropout of one training step. Without arguments there is none, as in evaluation.

    generator: the source of all masks. batch: streams of the step. columns: the streams that this process reads. Masks
    are drawn for all streams, so that several processes together compute what one would.

    After the model has run, `penalty` is what activation regularisation adds to the loss.
    """

    def __init__(
        self,
        rates: Regularisation | None = None,
        generator: torch.Generator | None = None,
        batch: int = 0,
        columns: slice | None = None,
    ) -> None:
        self.rates = rates or Regularisation()
        self.penalty: Tensor | None = None
        self._generator, self._batch, self._columns = generator, batch, columns or slice(None)

    def _mask(self, shape: tuple[int, ...], rate: float, like: Tensor) -> Tensor:
        """Draw a mask: 0 with probability `rate`, else 1 / (1 - rate), so that a product keeps its expectation."""
        draws = torch.rand(shape, generator=self._generator, device=like.device)
        return (draws >= rate).to(like.dtype) / (1 - rate)

    def _locked(self, values: Tensor, rate: float) -> Tensor:
        """Variational dropout (Gal and Ghahramani 2016) of `values` [steps, batch, width]: one mask for all steps."""
        if not rate:
            return values
        return values * self._mask((1, self._batch, values.shape[2]), rate, values)[:, self._columns]

    def embeddings(self, values: Tensor, ids: Tensor, vocab_size: int) -> Tensor:
        """Embedding dropout of `values` [steps, batch, width], the rows of the words `ids` [steps, batch]."""
        if not self.rates.embedding_dropout:
            return values
        return values * self._mask((vocab_size, 1), self.rates.embedding_dropout, values)[ids]

    def inputs(self, values: Tensor, layer: int) -> Tensor:
        """Variational dropout of the input of `layer`, [steps, batch, width]."""
        return self._locked(values, self.rates.layer_dropout if layer else self.rates.input_dropout)

    def weights(self, layer: nn.Module) -> dict[str, Tensor]:
        """Return the parameters of a recurrent layer that this step replaces: its recurrent matrix, after dropout."""
        weight, rate = getattr(layer, "weight_hh_l0", None), self.rates.weight_drop
        return {"weight_hh_l0": weight * self._mask(weight.shape, rate, weight)} if rate and weight is not None else {}

    def outputs(self, values: Tensor) -> Tensor:
        """Variational dropout of the output of the last layer, [steps, batch, width]; sets `penalty`."""
        rates = self.rates
        dropped = self._locked(values, rates.output_dropout)
        penalties = []
        if rates.activation_penalty:
            penalties.append(rates.activation_penalty * dropped.float().square().mean())
        if rates.temporal_penalty and len(values) > 1:
            penalties.append(rates.temporal_penalty * values.float().diff(dim=0).square().mean())
        self.penalty = torch.stack(penalties).sum() if penalties else None
        return dropped
