"""The recurrent layers compute what their papers say, carry their state whole, and start as they should."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from foretype.runtime.errors import ConfigError
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.layers import GatedLayer, State, make_layer
from foretype.train.neural.model.model_config import ModelConfig

torch.set_num_threads(1)

Array = NDArray[np.floating[Any]]
Step = Callable[[dict[str, Array], Array, list[Array]], list[Array]]

CONFIGS = {
    "window": ModelConfig(20, 5, 7, architecture="window", window=4),
    "rnn": ModelConfig(20, 5, 7, architecture="rnn"),
    "gru": ModelConfig(20, 5, 7, architecture="gru"),
    "lstm": ModelConfig(20, 5, 7, architecture="lstm"),
    "lstm projected": ModelConfig(20, 5, 4, architecture="lstm", cell_size=9),
    "cifg": ModelConfig(20, 5, 7, architecture="cifg"),
    "cifg projected": ModelConfig(20, 5, 4, architecture="cifg", cell_size=9),
    "peephole": ModelConfig(20, 5, 7, architecture="peephole"),
    "peephole projected": ModelConfig(20, 5, 4, architecture="peephole", cell_size=9),
    "mogrifier": ModelConfig(20, 5, 7, architecture="mogrifier", mogrifier_rank=3),
    "mogrifier projected": ModelConfig(20, 5, 4, architecture="mogrifier", cell_size=9, mogrifier_rounds=4),
    "mingru": ModelConfig(20, 5, 7, architecture="mingru"),
}


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def sums(w: dict[str, Array], x: Array, h: Array) -> Array:
    return w["weight_ih_l0"] @ x + w["bias_ih_l0"] + w["weight_hh_l0"] @ h + w.get("bias_hh_l0", 0)


def window_step(w: dict[str, Array], x: Array, state: list[Array]) -> list[Array]:
    """Bengio et al. 2003, eq. 1 without direct connections: tanh(d + H x), x the embeddings side by side."""
    seen = np.concatenate([state[0], x])
    return [np.tanh(w["hidden.weight"] @ seen + w["hidden.bias"]), seen[len(x) :]]


def rnn_step(w: dict[str, Array], x: Array, state: list[Array]) -> list[Array]:
    """Elman 1990: h = tanh(W x + U h + b)."""
    h = np.tanh(sums(w, x, state[0]))
    return [h, h]


def gru_step(w: dict[str, Array], x: Array, state: list[Array]) -> list[Array]:
    """Cho et al. 2014, eqs. 5 to 8, in the form of PyTorch: r acts after the product with U."""
    (h,) = state
    x_r, x_z, x_n = np.split(w["weight_ih_l0"] @ x + w["bias_ih_l0"], 3)
    h_r, h_z, h_n = np.split(w["weight_hh_l0"] @ h + w["bias_hh_l0"], 3)
    z = sigmoid(x_z + h_z)
    h = z * h + (1 - z) * np.tanh(x_n + sigmoid(x_r + h_r) * h_n)
    return [h, h]


def gated_step(w: dict[str, Array], x: Array, state: list[Array], coupled: bool = False) -> list[Array]:
    """Greff et al. 2017, section II-B, with the terms a layer has: peepholes p, projection P, i = 1 - f if coupled."""
    h, c = state
    p_i, p_f, p_o = w.get("peephole", np.zeros((3, len(c))))
    *z_i, z_f, z_g, z_o = np.split(sums(w, x, h), 3 if coupled else 4)
    f = sigmoid(z_f + p_f * c)
    i = 1 - f if coupled else sigmoid(z_i[0] + p_i * c)
    c = i * np.tanh(z_g) + f * c
    h = sigmoid(z_o + p_o * c) * np.tanh(c)
    h = w["recurrent_projection.weight"] @ h if "recurrent_projection.weight" in w else h
    return [h, h, c]


def cifg_step(w: dict[str, Array], x: Array, state: list[Array]) -> list[Array]:
    return gated_step(w, x, state, coupled=True)


def mogrifier_step(w: dict[str, Array], x: Array, state: list[Array]) -> list[Array]:
    """Melis et al. 2020, eqs. 1 and 2: x and h gate each other in turn, before the LSTM reads them."""
    h, c = state
    for r in range(1, 17):
        if f"widen.{r - 1}" not in w:
            break
        matrix = w[f"widen.{r - 1}"] @ w[f"narrow.{r - 1}"]
        if r % 2:
            x = 2 * sigmoid(matrix @ h) * x
        else:
            h = 2 * sigmoid(matrix @ x) * h
    return gated_step(w, x, [h, c])


def mingru_step(w: dict[str, Array], x: Array, state: list[Array]) -> list[Array]:
    """Feng et al. 2024, section 3.1.3, with the gate that keeps: h = f h + (1 - f) (W x + b)."""
    f, g = np.split(w["weight_ih_l0"] @ x + w["bias_ih_l0"], 2)
    h = sigmoid(f) * state[0] + (1 - sigmoid(f)) * g
    return [h, h]


STEPS: dict[str, Step] = {
    "window": window_step,
    "rnn": rnn_step,
    "gru": gru_step,
    "lstm": gated_step,
    "cifg": cifg_step,
    "peephole": gated_step,
    "mogrifier": mogrifier_step,
    "mingru": mingru_step,
}


def random_layer(config: ModelConfig) -> torch.nn.Module:
    """A layer in which every parameter matters."""
    torch.manual_seed(0)
    layer = make_layer(config, 0)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return layer


def random_state(config: ModelConfig, batch: int) -> State:
    return tuple(torch.randn(1, batch, size) for size in config.state_sizes.values())


def run(layer: torch.nn.Module, inputs: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
    """Call a layer as the model does: PyTorch's own take a bare tensor where there is no cell."""
    bare = isinstance(layer, torch.nn.RNN | torch.nn.GRU)
    outputs, after = layer(inputs, state[0] if bare else state)
    return outputs, (after,) if bare else tuple(after)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_layer_computes_its_equations(config: ModelConfig) -> None:
    """Outputs and state after several steps are those of the equations, written out step by step in numpy."""
    layer, state = random_layer(config), random_state(config, batch=1)
    inputs = torch.randn(6, 1, config.embedding_size)
    with torch.no_grad():
        outputs, after = run(layer, inputs, state)
    weights = {name: parameter.detach().numpy() for name, parameter in layer.named_parameters()}
    values = [part[0, 0].numpy() for part in state]
    for x, output in zip(inputs[:, 0].numpy(), outputs[:, 0].numpy(), strict=True):
        expected, *values = STEPS[config.architecture](weights, x, values)
        np.testing.assert_allclose(output, expected, atol=1e-5)
    for part, value in zip(after, values, strict=True):
        np.testing.assert_allclose(part[0, 0], value, atol=1e-5)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_text_may_be_cut_anywhere_and_rows_do_not_mix(config: ModelConfig) -> None:
    """Steps fed at once and one at a time agree, and a row of a batch is what it would be alone."""
    layer, state = random_layer(config), random_state(config, batch=3)
    inputs = torch.randn(5, 3, config.embedding_size)
    with torch.no_grad():
        at_once, after = run(layer, inputs, state)
        stepped, now = [], state
        for step in inputs.split(1):
            output, now = run(layer, step, now)
            stepped.append(output)
        alone, _ = run(layer, inputs[:, 1:2], tuple(part[:, 1:2].contiguous() for part in state))
    torch.testing.assert_close(torch.cat(stepped), at_once, atol=1e-5, rtol=0)
    for part, expected in zip(now, after, strict=True):
        torch.testing.assert_close(part, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(alone, at_once[:, 1:2], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "name",
    [
        "window",
        "lstm projected",
        "cifg",
        "cifg projected",
        "peephole",
        "peephole projected",
        "mogrifier",
        "mogrifier projected",
        "mingru",
    ],
)
def test_gradients_are_the_slopes(name: str) -> None:
    """Every parameter of our own layers gets a gradient through several steps, and it is the slope of the output."""
    config = CONFIGS[name]
    layer, state = random_layer(config), random_state(config, batch=2)
    inputs = torch.randn(4, 2, config.embedding_size)

    def value() -> torch.Tensor:
        outputs, after = run(layer, inputs, state)
        return outputs.square().sum() + sum(part.sin().sum() for part in after)

    value().backward()
    step = 1e-2  # in float32 a smaller one would measure its rounding
    for parameter in layer.parameters():
        assert parameter.grad is not None
        place = int(parameter.grad.abs().argmax())
        flat = parameter.data.view(-1)
        before = flat[place].item()
        ends = []
        with torch.no_grad():
            for end in (before - step, before + step):
                flat[place] = end
                ends.append(value().item())
            flat[place] = before
        assert parameter.grad.view(-1)[place].item() == pytest.approx((ends[1] - ends[0]) / (2 * step), rel=2e-2)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_layers_start_so_that_they_can_learn(config: ModelConfig) -> None:
    """Biases are zero, but 1 where the gate that keeps the state is; recurrent weights are orthogonal gate by gate;
    peepholes see nothing yet."""
    layer = make_layer(config, 0)
    size = config.state_sizes.get("cell", config.hidden_size)
    keeping = {"gru": 1, "lstm": 1, "peephole": 1, "mogrifier": 1, "cifg": 0, "mingru": 0}.get(config.architecture)
    for name, parameter in layer.named_parameters():
        if "weight_hh" in name:
            for gate in parameter.split(size):
                short = gate if gate.shape[0] <= gate.shape[1] else gate.t()
                torch.testing.assert_close(short @ short.t(), torch.eye(len(short)), atol=1e-5, rtol=0)
        elif name == "peephole":
            assert not parameter.any()
        elif parameter.dim() == 1:
            expected = torch.zeros_like(parameter)
            if "bias_ih" in name and keeping is not None:
                expected[keeping * size : (keeping + 1) * size] = 1
            torch.testing.assert_close(parameter.data, expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mogrifier_rounds": 0}, "mogrifier_rounds is 0; must be 1 to 16"),
        ({"mogrifier_rank": 0}, "mogrifier_rank is 0; must be at least 1"),
        ({"architecture": "mingru", "cell_size": 8}, "cell_size is 8 with architecture 'mingru'"),
    ],
)
def test_sizes_that_cannot_be_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ModelConfig(20, 5, 7, **changes)


@pytest.mark.filterwarnings("ignore:LSTM with projections")  # It is slow on a CPU, where only this test calls it.
@pytest.mark.parametrize("cells", [7, 9])
def test_the_one_call_for_gpus_computes_what_the_loop_does(cells: int) -> None:
    config = ModelConfig(20, 5, 7, cell_size=cells)
    layer = make_layer(config, 0)
    assert isinstance(layer, GatedLayer)
    inputs, state = torch.randn(6, 3, 5), (torch.randn(1, 3, 7), torch.randn(1, 3, cells))
    results = []
    for call in (layer.forward, layer.forward_in_one_call):
        layer.zero_grad()
        output, after = call(inputs, state)
        (output.square().sum() + sum(part.sum() for part in after)).backward()
        results.append(
            [output, *after, *(weight.grad.clone() for weight in layer.parameters() if weight.grad is not None)]
        )
    for loop, one in zip(*results, strict=True):
        torch.testing.assert_close(loop, one)


def test_a_mogrifier_starts_near_an_lstm() -> None:
    """With no weights in its rounds, every gate is 2 sigmoid(0) = 1: what is left is the LSTM."""
    ours = random_layer(CONFIGS["mogrifier"])
    with torch.no_grad():
        for name, parameter in ours.named_parameters():
            if name.startswith("widen"):
                parameter.zero_()
    lstm = GatedLayer(ModelConfig(20, 5, 7, cell_size=7), 0)
    lstm.load_state_dict({name: value for name, value in ours.state_dict().items() if "." not in name})
    inputs, state = torch.randn(6, 2, 5), (torch.randn(1, 2, 7), torch.randn(1, 2, 7))
    torch.testing.assert_close(ours(inputs, state), lstm(inputs, state), atol=1e-5, rtol=0)


def test_a_highway_starts_by_carrying_most_of_its_input() -> None:
    """A new gate passes on sigmoid(1) = 0.73 of a layer's input and 0.27 of its output, so that a deep
    model can learn (Srivastava et al. 2015, section 2.2)."""
    torch.manual_seed(0)
    model = LanguageModel(ModelConfig(20, 64, 64, layers=2, connections="highway"))
    seen: list[torch.Tensor] = []
    for layer in model.layers:
        layer.register_forward_hook(lambda _module, _inputs, result: seen.append(result[0]))
    with torch.no_grad():
        features, _ = model(torch.randint(20, (50, 8)), model.zero_state(8))
    way_in, way_out = seen
    carried = ((features - way_out) * (way_in - way_out)).sum() / (way_in - way_out).square().sum()
    assert carried.item() == pytest.approx(0.731, abs=0.03)


def test_pytorchs_own_layers_are_used_where_there_are_any() -> None:
    """The fast kernels are not passed by; a cell size given asks for our own layer."""
    kinds = {name: type(make_layer(config, 0)) for name, config in CONFIGS.items()}
    assert (kinds["rnn"], kinds["gru"], kinds["lstm"]) == (torch.nn.RNN, torch.nn.GRU, torch.nn.LSTM)
    assert kinds["lstm projected"] is kinds["cifg"] is kinds["peephole"] is GatedLayer


def test_own_lstm_is_pytorchs() -> None:
    """With the same weights, our LSTM and `nn.LSTM` agree: they differ only in what they can do besides."""
    ours = random_layer(ModelConfig(20, 5, 7, architecture="lstm", cell_size=7))
    theirs = torch.nn.LSTM(5, 7)
    theirs.load_state_dict({**ours.state_dict(), "bias_hh_l0": torch.zeros(28)})
    inputs, state = torch.randn(6, 2, 5), (torch.randn(1, 2, 7), torch.randn(1, 2, 7))
    for part, expected in zip(ours(inputs, state), theirs(inputs, state), strict=True):
        torch.testing.assert_close(part, expected, atol=1e-5, rtol=0)
