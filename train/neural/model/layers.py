"""The recurrent layers, with one interface: inputs and state in, outputs and state out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from foretype.train.neural.model.model_config import ModelConfig

State = tuple[Tensor, ...]
"""The hidden state and, for LSTMs, the cell state, each float32 [layers, batch, width]."""


class WindowLayer(nn.Module):
    """A tanh layer over the embeddings of the last `window` words (Bengio et al. 2003, without direct connections)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.window, self.width = config.window, config.embedding_size
        self.hidden = nn.Linear(config.input_size(0), config.hidden_size)

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """`inputs` [steps, batch, embedding_size]; state: the embeddings before, [1, batch, (window - 1) * width]."""
        steps, batch, _ = inputs.shape
        before = state[0][0].view(batch, self.window - 1, self.width).transpose(0, 1).to(inputs.dtype)
        words = torch.cat((before, inputs))
        seen = torch.cat([words[place : place + steps] for place in range(self.window)], dim=-1)
        last = words[-(self.window - 1) :].transpose(0, 1).reshape(1, batch, -1)
        return torch.tanh(self.hidden(seen)), (last,)


class GatedLayer(nn.Module):
    """The LSTM variants that PyTorch lacks: coupled gates, peepholes, and a recurrent projection.

    z is the sum of `weight_ih` x, `weight_hh` h and `bias`, stacked as i, f, g, o (without i if gates are coupled), and
    p are the peephole weights:

        i = sigmoid(z_i + p_i c)   or 1 - f if coupled
        f = sigmoid(z_f + p_f c)
        c' = f c + i tanh(z_g)
        h' = P (sigmoid(z_o + p_o c') tanh(c'))
    """

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.cell_size = config.state_sizes["cell"]
        self.coupled = config.architecture == "cifg"
        gates = (3 if self.coupled else 4) * self.cell_size
        self.weight_ih_l0 = nn.Parameter(torch.empty(gates, config.input_size(layer)))
        self.weight_hh_l0 = nn.Parameter(torch.empty(gates, config.hidden_size))
        self.bias_ih_l0 = nn.Parameter(torch.empty(gates))
        peephole = config.architecture == "peephole"
        self.peephole = nn.Parameter(torch.zeros(3, self.cell_size)) if peephole else None
        narrow = self.cell_size != config.hidden_size
        self.recurrent_projection = nn.Linear(self.cell_size, config.hidden_size, bias=False) if narrow else None

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """`inputs` [steps, batch, width]; state: hidden [1, batch, hidden_size] and cell [1, batch, cell_size]."""
        if inputs.is_cuda and not self.coupled and self.peephole is None:
            return self.forward_in_one_call(inputs, state)
        from_inputs = nn.functional.linear(inputs, self.weight_ih_l0, self.bias_ih_l0)
        weight = self.weight_hh_l0.t().to(from_inputs.dtype)
        hidden, cell = state[0][0].to(from_inputs.dtype), state[1][0].float()
        outputs: list[Tensor] = []
        for z in from_inputs.unbind(0):
            hidden, cell = self._step(torch.addmm(z, hidden, weight).float(), cell)
            outputs.append(hidden := hidden.to(from_inputs.dtype))
        return torch.stack(outputs), (hidden[None], cell[None])

    def forward_in_one_call(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """As `forward`, for gates that PyTorch has; on a GPU, one call is faster than a loop over the steps."""
        bias = self.bias_ih_l0
        weights = [self.weight_ih_l0, self.weight_hh_l0, bias, torch.zeros_like(bias)]
        if self.recurrent_projection is not None:
            weights.append(self.recurrent_projection.weight)
        output, hidden, cell = torch.lstm(inputs, state, weights, True, 1, 0.0, self.training, False, False)
        return output, (hidden, cell)

    def _step(self, z: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        *i, f, g, o = z.chunk(3 if self.coupled else 4, dim=1)
        if self.peephole is not None:
            i, f = [i[0] + self.peephole[0] * cell], f + self.peephole[1] * cell
        forget = torch.sigmoid(f)
        write = 1 - forget if self.coupled else torch.sigmoid(i[0])
        cell = forget * cell + write * torch.tanh(g)
        if self.peephole is not None:
            o = o + self.peephole[2] * cell
        hidden = torch.sigmoid(o) * torch.tanh(cell)
        return hidden if self.recurrent_projection is None else self.recurrent_projection(hidden), cell


class MogrifierLayer(GatedLayer):
    """The Mogrifier LSTM (Melis et al. 2020, eqs. 1 and 2): an LSTM whose input and hidden state first gate each other.

    Round r = 1, 3, .. multiplies x by 2 sigmoid(Q_r h), round r = 2, 4, .. multiplies h by 2 sigmoid(R_r x), each with
    the x and h of the round before. Q_r and R_r are products `widen[r - 1]` `narrow[r - 1]` of low rank (their section
    2).
    """

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__(config, layer)
        sizes = (config.input_size(layer), config.hidden_size)
        rounds, rank = range(config.mogrifier_rounds), config.mogrifier_rank
        self.narrow = nn.ParameterList(torch.empty(rank, sizes[1 - number % 2]) for number in rounds)
        self.widen = nn.ParameterList(torch.empty(sizes[number % 2], rank) for number in rounds)

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """As `GatedLayer.forward`."""
        weight = torch.cat((self.weight_ih_l0, self.weight_hh_l0), 1)
        hidden, cell = state[0][0].to(inputs.dtype), state[1][0].float()
        outputs: list[Tensor] = []
        for x in inputs.unbind(0):
            seen = torch.cat(self._mogrified(x, hidden), 1)
            z = nn.functional.linear(seen, weight, self.bias_ih_l0)
            hidden, cell = self._step(z.float(), cell)
            outputs.append(hidden := hidden.to(z.dtype))
        return torch.stack(outputs), (hidden[None], cell[None])

    def _mogrified(self, x: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        linear = nn.functional.linear
        for number, (narrow, widen) in enumerate(zip(self.narrow, self.widen, strict=True)):
            if number % 2:
                hidden = 2 * torch.sigmoid(linear(linear(x, narrow), widen)) * hidden
            else:
                x = 2 * torch.sigmoid(linear(linear(hidden, narrow), widen)) * x
        return x, hidden


class LinearLayer(nn.Module):
    """A linear recurrence whose gate sees the input only: the minGRU of Feng et al. 2024 (their section 3.1.3).

    f, g = `weight_ih` x + `bias_ih`
    h' = sigmoid(f) h + (1 - sigmoid(f)) g
    """

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.weight_ih_l0 = nn.Parameter(torch.empty(2 * config.hidden_size, config.input_size(layer)))
        self.bias_ih_l0 = nn.Parameter(torch.empty(2 * config.hidden_size))

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """`inputs` [steps, batch, width]; state: hidden [1, batch, hidden_size]."""
        f, g = nn.functional.linear(inputs, self.weight_ih_l0, self.bias_ih_l0).float().chunk(2, dim=2)
        forget = torch.sigmoid(f)
        hidden = state[0][0].float()
        outputs = [
            hidden := torch.addcmul(add, keep, hidden) for keep, add in zip(forget, (1 - forget) * g, strict=True)
        ]
        return torch.stack(outputs).to(inputs.dtype), (hidden[None],)


def make_layer(config: ModelConfig, layer: int) -> nn.Module:
    """Make and initialise layer number `layer` of a model."""
    if config.architecture == "window":
        module: nn.Module = WindowLayer(config)
    elif config.architecture == "lstm" and not config.cell_size:
        module = nn.LSTM(config.input_size(layer), config.hidden_size)
    elif config.architecture == "mogrifier":
        module = MogrifierLayer(config, layer)
    elif config.architecture == "mingru":
        module = LinearLayer(config, layer)
    elif config.has_cell:
        module = GatedLayer(config, layer)
    elif config.architecture == "gru":
        module = nn.GRU(config.input_size(layer), config.hidden_size)
    else:
        module = nn.RNN(config.input_size(layer), config.hidden_size)
    _initialise(module, config)
    return module


@torch.no_grad()
def _initialise(module: nn.Module, config: ModelConfig) -> None:
    """Initialise a layer: recurrent weights orthogonal per gate (Saxe et al. 2014), other weights Xavier, biases 0.

    The biases of forget gates are 1 (Jozefowicz et al. 2015), as are those of a GRU's update gate, which keeps the
    state when it is open.
    """
    size = config.state_sizes.get("cell", config.hidden_size)
    keeping = {"lstm": 1, "peephole": 1, "cifg": 0, "gru": 1, "mogrifier": 1, "mingru": 0}.get(config.architecture)
    for name, weight in module.named_parameters():
        if name == "peephole":
            continue
        if "weight_hh" in name:
            for gate in torch.split(weight, size):
                nn.init.orthogonal_(gate)
        elif weight.dim() > 1:
            nn.init.xavier_uniform_(weight)
        else:
            nn.init.zeros_(weight)
            if "bias_ih" in name and keeping is not None:
                weight[keeping * size : (keeping + 1) * size] = 1.0
