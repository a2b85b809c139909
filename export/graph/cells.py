"""One step of each recurrent cell, as the body of a loop (ONNX Scan).

A body reads the state before the step, `h` [1, batch, hidden_size] and for LSTMs `c` [1, batch, cell_size], and
`from_inputs` [batch, gates * size], the contribution of inputs and biases to the gates. It defines the state after the
step, `h_next` and `c_next`. Below, z is `from_inputs` plus the contribution of the hidden state; gates are in the order
of `weights.GATES`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from foretype.export.graph.builder import Builder

Product = Callable[[str], str]
"""Adds a product with a stored matrix to the body: [1, batch, width] -> [1, batch, rows]."""


def rnn_step(body: Builder, from_hidden: Product) -> None:
    """The simple recurrent network (Elman 1990): h' = tanh(z)."""
    body.add("Add", "from_inputs", from_hidden("h"), outputs="z")
    body.add("Tanh", "z", outputs="h_next")


def gru_step(body: Builder, from_hidden: Product, size: int) -> None:
    """The gated recurrent unit (Cho et al. 2014), with the reset gate after the product, as in PyTorch.

    u = sigmoid(z_u);  r = sigmoid(z_r);  n = tanh(x_n + r (W_n h + b_n));  h' = (1 - u) n + u h

    x_n: the third part of `from_inputs`; `from_hidden` adds the bias b.
    """
    body.constant("gate_sizes", np.array([2 * size, size]))
    body.add("Split", "from_inputs", "gate_sizes", outputs="inputs_ur inputs_n", axis=-1)
    body.add("Split", from_hidden("h"), "gate_sizes", outputs="hidden_ur hidden_n", axis=-1)
    body.add("Add", "inputs_ur", "hidden_ur", outputs="ur")
    body.add("Sigmoid", "ur", outputs="open")
    body.add("Split", "open", outputs="open_u open_r", axis=-1, num_outputs=2)
    body.add("Mul", "open_r", "hidden_n", outputs="remembered")
    body.add("Add", "inputs_n", "remembered", outputs="n")
    body.add("Tanh", "n", outputs="candidate")
    body.add("Sub", "h", "candidate", outputs="difference")
    body.add("Mul", "open_u", "difference", outputs="kept")
    body.add("Add", "candidate", "kept", outputs="h_next")


def linear_step(body: Builder) -> None:
    """The minGRU (Feng et al. 2024): h' = sigmoid(z_f) h + (1 - sigmoid(z_f)) z_g, with z = `from_inputs`."""
    body.add("Split", "from_inputs", outputs="z_f z_g", axis=-1, num_outputs=2)
    body.add("Sigmoid", "z_f", outputs="open_f")
    body.add("Sub", "h", "z_g", outputs="difference")
    body.add("Mul", "open_f", "difference", outputs="kept")
    body.add("Add", "kept", "z_g", outputs="h_next")


def mogrifier_step(
    body: Builder,
    rounds: list[Product],
    from_inputs: Product,
    from_hidden: Product,
    projection: Product | None,
    size: int,
) -> None:
    """The Mogrifier LSTM (Melis et al. 2020): the LSTM, after the input `x` [batch, width] and h gate each other.

    Odd rounds compute x' = 2 sigmoid(Q h) x, even rounds h' = 2 sigmoid(R x) h. `from_inputs` adds the biases.

    rounds: multiplies by the matrix of each round.
    """
    x, h = "x", "h"
    body.constant("two", np.array(2, np.float32))
    for number, product in enumerate(rounds):
        changed, other = (h, x) if number % 2 else (x, h)
        body.add("Sigmoid", product(other), outputs=f"open_{number}")
        body.add("Mul", f"open_{number}", "two", outputs=f"gate_{number}")
        body.add("Mul", f"gate_{number}", changed, outputs=f"mogrified_{number}")
        x, h = (x, f"mogrified_{number}") if number % 2 else (f"mogrified_{number}", h)
    body.add("Identity", from_inputs(x), outputs="from_inputs")
    lstm_step(body, lambda _: from_hidden(h), projection, size, coupled=False)


def lstm_step(body: Builder, from_hidden: Product, projection: Product | None, size: int, coupled: bool) -> None:
    """The LSTM (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000).

    c' = sigmoid(z_f) c + i tanh(z_g);  h' = P (sigmoid(z_o) tanh(c'));  i = sigmoid(z_i)

    coupled: i is 1 - sigmoid(z_f), without z_i (Greff et al. 2017).
    projection: multiplies by P (Sak et al. 2014); None for no projection.
    """
    sigmoids = ("o", "f") if coupled else ("i", "o", "f")
    body.constant("gate_sizes", np.array([len(sigmoids) * size, size]))
    body.add("Add", "from_inputs", from_hidden("h"), outputs="z")
    body.add("Split", "z", "gate_sizes", outputs="z_sigmoids z_g", axis=-1)
    body.add("Sigmoid", "z_sigmoids", outputs="open")
    parts = " ".join(f"open_{gate}" for gate in sigmoids)
    body.add("Split", "open", outputs=parts, axis=-1, num_outputs=len(sigmoids))
    _write(body, coupled)
    _read(body, projection)


def peephole_step(body: Builder, from_hidden: Product, projection: Product | None, peepholes: list[str]) -> None:
    """The LSTM with peepholes (Gers and Schmidhuber 2000). The output gate sees the new cell.

    c' = sigmoid(z_f + p_f c) c + sigmoid(z_i + p_i c) tanh(z_g);  h' = P (sigmoid(z_o + p_o c') tanh(c'))

    peepholes: the names of p_i, p_o and p_f, each [cell_size].
    """
    see_i, see_o, see_f = peepholes
    body.add("Add", "from_inputs", from_hidden("h"), outputs="z")
    body.add("Split", "z", outputs="z_i z_o z_f z_g", axis=-1, num_outputs=4)

    def gate(name: str, peephole: str, cell: str) -> None:
        body.add("Mul", peephole, cell, outputs=f"seen_{name}")
        body.add("Add", f"z_{name}", f"seen_{name}", outputs=f"sum_{name}")
        body.add("Sigmoid", f"sum_{name}", outputs=f"open_{name}")

    gate("i", see_i, "c")
    gate("f", see_f, "c")
    _write(body, coupled=False)
    gate("o", see_o, "c_next")
    _read(body, projection)


def _write(body: Builder, coupled: bool) -> None:
    """Compute the new cell. With coupled gates, f c + (1 - f) g is g + f (c - g)."""
    body.add("Tanh", "z_g", outputs="candidate")
    if coupled:
        body.add("Sub", "c", "candidate", outputs="difference")
        body.add("Mul", "open_f", "difference", outputs="kept")
        body.add("Add", "kept", "candidate", outputs="c_next")
    else:
        body.add("Mul", "open_f", "c", outputs="kept")
        body.add("Mul", "open_i", "candidate", outputs="written")
        body.add("Add", "kept", "written", outputs="c_next")


def _read(body: Builder, projection: Product | None) -> None:
    """Compute the new hidden state from the new cell."""
    body.add("Tanh", "c_next", outputs="c_squashed")
    hidden = body.add("Mul", "open_o", "c_squashed", outputs="cell_output" if projection else "h_next")
    if projection:
        body.add("Identity", projection(hidden), outputs="h_next")
