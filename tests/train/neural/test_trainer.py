"""Training the neural model: it learns, remembers across windows, and no interruption changes where it ends."""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from killing import finish_despite_kills
from safetensors.torch import save_file
from training import CONFIG, MODEL, RARELY, STEPS, TEXT, VALID, VOCAB, assert_same_end, tensors, train, train_here

from foretype.runtime.errors import CheckpointError, ConfigError
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.checkpoint import checkpoints, load_for_inference, load_model
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Report, Trainer, can_use_bf16, perplexity
from foretype.train.neural.training.windows import Windows
from foretype.train.studies.training_speed import measure


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    """Leave the number of threads to others as it was."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run."""
    run = tmp_path_factory.mktemp("finished")
    train(run)
    return run


def test_the_loss_falls_and_validation_perplexity_with_it(tmp_path: Path) -> None:
    config = replace(RARELY, tokens=4 * 8 * 300)
    trainer = Trainer(tmp_path, MODEL, config, TEXT, VALID)
    before = trainer.validate()
    reports = list(trainer.fit(every=30))
    assert before is not None
    assert before == pytest.approx(VOCAB, rel=0.3)
    assert reports[-1].loss < 0.6 * reports[0].loss
    assert reports[-1].validation_perplexity is not None
    assert reports[-1].validation_perplexity < 0.5 * before
    assert [report.step for report in reports] == list(range(30, 301, 30))
    assert reports[-1].tokens == config.tokens
    assert trainer.history == [reports[-1].__dict__]


def test_perplexity_is_that_of_the_whole_softmax() -> None:
    torch.manual_seed(0)
    model = LanguageModel(MODEL)
    ids = torch.from_numpy(VALID.astype(np.int64))
    with torch.no_grad():
        features, _ = model(ids[:-1, None], model.zero_state(1))
        loss = torch.nn.functional.cross_entropy(model.logits(features).squeeze(1), ids[1:])
    assert perplexity(model, VALID, rows=1) == pytest.approx(float(loss.exp()), rel=1e-5)
    model.output_bias.data.fill_(math.nan)
    assert perplexity(model, VALID) == math.inf


def test_a_memory_longer_than_a_window_is_learnt(tmp_path: Path) -> None:
    # From four equal tokens alone it cannot be told where in the cycle of eight they stand.
    stream = np.array([5, 5, 5, 5, 5, 5, 5, 6] * 100, np.uint16)
    config = replace(RARELY, tokens=8 * 4 * 400, batch=8, steps=4, samples=0)
    losses = []
    for forget in (0.0, 1.0):
        trainer = Trainer(tmp_path / str(forget), MODEL, replace(config, forget=forget), stream)
        losses.append(list(trainer.fit())[-1].loss)
    assert losses[0] < 0.2
    assert losses[1] > 0.3


def test_a_window_starts_from_the_state_that_the_one_before_left(tmp_path: Path) -> None:
    trainer = Trainer(tmp_path, MODEL, replace(RARELY, forget=0.0), TEXT)
    before = [parameter.detach().clone() for parameter in trainer.model.parameters()]
    trainer.train_step()
    with torch.no_grad():
        for parameter, old in zip(trainer.model.parameters(), before, strict=True):
            parameter.copy_(old)
        window = torch.from_numpy(trainer.windows[0])
        _, expected = trainer.model(window[:-1], trainer.model.zero_state(CONFIG.batch))
    for state, other in zip(trainer.state, expected, strict=True):
        torch.testing.assert_close(state, other)
        assert not state.requires_grad
    forgetful = Trainer(tmp_path / "other", MODEL, replace(RARELY, forget=1.0), TEXT)
    assert not any(state.any() for state in forgetful._forget(trainer.state, torch.Generator()))


@pytest.mark.parametrize("at", [1, 11, 23])
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path: Path, finished: Path, at: int) -> None:
    trainer = Trainer(tmp_path, MODEL, CONFIG, TEXT, VALID)
    for report in trainer.fit():
        if report.step == at:
            break
    train(tmp_path, resume=True)
    assert_same_end(tmp_path, finished)
    history = json.loads((checkpoints(tmp_path)[-1] / "progress.json").read_text(encoding="utf-8"))["history"]
    assert [entry["step"] for entry in history] == list(range(1, STEPS + 1))


def test_neither_checkpoints_nor_validation_change_the_training(tmp_path: Path, finished: Path) -> None:
    for _ in Trainer(tmp_path, MODEL, RARELY, TEXT).fit(every=7):
        pass
    assert_same_end(tmp_path, finished)


def test_killed_at_any_moment_a_run_ends_where_an_uninterrupted_one_does(tmp_path: Path, finished: Path) -> None:
    struck = finish_despite_kills(train_here, tmp_path / "run", within=1.2, seed=5, kills=6)
    assert struck
    assert_same_end(tmp_path / "run", finished)
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"best-00000024", "step-00000023", "step-00000024"}


def test_a_half_written_checkpoint_is_ignored_and_cleared_away(tmp_path: Path, finished: Path) -> None:
    for report in Trainer(tmp_path, MODEL, CONFIG, TEXT, VALID).fit():
        if report.step == 15:
            break
    half = tmp_path / ".step-00000016.part"
    half.mkdir()
    (half / "model.safetensors").write_bytes(b"half")
    assert load_model(tmp_path).config == MODEL
    train(tmp_path, resume=True)
    assert_same_end(tmp_path, finished)
    assert not half.exists()


def test_two_checkpoints_are_kept(finished: Path) -> None:
    assert [path.name for path in checkpoints(finished)] == ["step-00000023", "step-00000024"]


def test_a_finished_run_resumed_stays_as_it_is_and_may_be_made_longer(tmp_path: Path, finished: Path) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    assert train(run, resume=True).step == STEPS
    assert_same_end(run, finished)
    assert train(run, replace(CONFIG, tokens=4 * 8 * 26), resume=True).step == 26


@pytest.mark.parametrize("name", ["model.safetensors", "training.safetensors", "config.json", "progress.json"])
@pytest.mark.parametrize("damage", ["missing", "truncated", "other"])
def test_a_damaged_checkpoint_is_refused_by_name(tmp_path: Path, finished: Path, name: str, damage: str) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    file = checkpoints(run)[-1] / name
    if damage == "missing":
        file.unlink()
    elif damage == "truncated":
        file.write_bytes(file.read_bytes()[:-5])
    elif file.suffix == ".json":
        file.write_text("[1, 2]", encoding="utf-8")
    else:
        save_file({"nothing": torch.zeros(2)}, file)
    with pytest.raises(CheckpointError) as caught:
        Trainer(run, MODEL, CONFIG, TEXT, resume=True)
    assert name in str(caught.value)
    assert str(run) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_configuration_out_of_range_in_a_checkpoint_is_refused_by_name(tmp_path: Path, finished: Path) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    (checkpoints(run)[-1] / "config.json").write_text('{"vocab_size": 40, "layers": 0}', encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"config\.json do not fit \(layers is 0"):
        load_model(run)


def test_a_folder_without_checkpoints_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint here"):
        load_for_inference(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 2}, "training seed 1, not 2"),
        ({"batch": 5}, "training batch 4, not 5"),
        ({"model": ModelConfig(VOCAB, 12, 17)}, "model hidden_size 16, not 17"),
        ({"stream": TEXT[:-1]}, "text 3000, not 2999"),
    ],
)
def test_a_run_is_not_continued_with_other_settings(finished: Path, changes: dict[str, Any], message: str) -> None:
    settings = {name: value for name, value in changes.items() if name not in ("model", "stream")}
    with pytest.raises(CheckpointError, match=f"was started with {message}"):
        train(finished, replace(CONFIG, **settings), resume=True, **changes)


def test_a_run_from_before_a_setting_existed_continues(tmp_path: Path, finished: Path) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    path = checkpoints(run)[-1] / "progress.json"
    value = json.loads(path.read_text(encoding="utf-8"))
    del value["settings"]["model"]["mogrifier_rank"]
    del value["settings"]["training"]["loss"]
    path.write_text(json.dumps(value), encoding="utf-8")
    assert train(run, resume=True).step == STEPS
    with pytest.raises(CheckpointError, match="was started with training loss softmax, not nce"):
        train(run, replace(CONFIG, loss="nce"), resume=True)


def test_a_run_is_not_overwritten(finished: Path) -> None:
    with pytest.raises(CheckpointError, match="already holds a run; add --resume"):
        train(finished)


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    trainer = Trainer(tmp_path, MODEL, CONFIG, TEXT, VALID)
    reports = trainer.fit()
    for _ in range(3):
        next(reports)
    trainer.model.output_bias.data[7] = math.nan
    with pytest.raises(CheckpointError, match=r"not finite at step 4\. The last checkpoint is kept"):
        next(reports)
    assert checkpoints(tmp_path)[-1].name == "step-00000003"
    assert all(value.isfinite().all() for value in tensors(tmp_path).values())
    assert train(tmp_path, resume=True).step == STEPS


def test_a_gradient_that_is_no_number_stops_the_run_although_its_loss_is_one(tmp_path: Path) -> None:
    # The loss of a step comes before its update: were it all that is looked at, the ruined weights would be kept.
    trainer = Trainer(tmp_path, MODEL, CONFIG, TEXT)
    projection = trainer.model.projection
    assert projection is not None
    projection.register_full_backward_hook(lambda *_: (torch.full((8, 4, 16), math.nan),))
    with pytest.raises(CheckpointError, match="not finite at step 1"):
        next(trainer.fit())
    assert not checkpoints(tmp_path)


@pytest.mark.parametrize(("optimizer", "rate"), [("adamw", 0.9), ("sgd", 99.0)])
def test_an_absurd_learning_rate_stops_the_run_and_keeps_what_was_good(
    tmp_path: Path, optimizer: str, rate: float
) -> None:
    train(tmp_path / "good", RARELY)
    start = str(tmp_path / "good")
    config = replace(CONFIG, optimizer=optimizer, learning_rate=rate, warmup=20, clip=1e9, start_from=start)
    run = tmp_path / "run"
    with pytest.raises(CheckpointError, match=r"the loss had risen to \d+\.\d\d \(a uniform guess has 3\.69\) at step"):
        train(run, replace(config, tokens=4 * 8 * 300))
    assert perplexity(load_for_inference(run), VALID) < VOCAB**2


def test_a_loss_three_times_what_it_was_and_worse_than_guessing_is_refused(tmp_path: Path) -> None:
    trainer = Trainer(tmp_path, MODEL, replace(CONFIG, samples=0), TEXT, VALID)
    reports = trainer.fit()
    next(reports)
    assert trainer.history[0]["loss"] < 3.9
    trainer.history[0] = {**trainer.history[0], "loss": 1.5}
    trainer.model.output_bias.data[9] += 5.5
    with pytest.raises(CheckpointError, match=r"the loss had risen to [4-6]\."):
        next(reports)


def test_a_checkpoint_says_what_it_was_written_with(finished: Path) -> None:
    versions = json.loads((checkpoints(finished)[-1] / "progress.json").read_text(encoding="utf-8"))["versions"]
    assert versions.keys() == {"python", "foretype", "torch", "numpy"}
    assert versions["torch"] == torch.__version__


def test_a_run_may_begin_with_the_weights_of_another(tmp_path: Path, finished: Path) -> None:
    config = replace(CONFIG, start_from=str(finished))
    trainer = Trainer(tmp_path / "run", MODEL, config, TEXT, VALID)
    expected = load_model(finished).state_dict()
    assert all(torch.equal(weight, expected[name]) for name, weight in trainer.model.state_dict().items())
    assert trainer.step == 0
    trainer.train_step()
    trainer.save()
    assert Trainer(tmp_path / "run", MODEL, config, TEXT, VALID, resume=True).step == 1


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (ModelConfig(VOCAB, 12, 17), r"has layers\.0\.weight_ih_l0 \[64, 12\], this one \[68, 12\]"),
        (ModelConfig(VOCAB, 12, 16, layers=2), r"has layers\.1\.weight_ih_l0 absent, this one \[64, 16\]"),
    ],
)
def test_a_start_from_weights_of_another_shape_is_refused(
    tmp_path: Path, finished: Path, model: ModelConfig, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Trainer(tmp_path / "run", model, replace(CONFIG, start_from=str(finished)), TEXT)
    assert str(caught.value).startswith(f"start_from is {finished}: ")
    with pytest.raises(CheckpointError, match="no checkpoint here"):
        Trainer(tmp_path / "run", model, replace(CONFIG, start_from=str(tmp_path)), TEXT)


@pytest.mark.skipif(not can_use_bf16(), reason="PyTorch cannot use bfloat16 on this CPU")
def test_bfloat16_learns_as_well_as_float32(tmp_path: Path) -> None:
    reached = []
    for precision in ("fp32", "bf16"):
        config = replace(RARELY, tokens=4 * 8 * 200, precision=precision)
        trainer = train(tmp_path / precision, config)
        assert all(parameter.dtype == torch.float32 for parameter in trainer.model.parameters())
        assert all(state.dtype == torch.float32 for state in trainer.state)
        reached.append(trainer.history[-1]["validation_perplexity"])
    assert reached[1] == pytest.approx(reached[0], rel=0.05)
    assert reached[0] != reached[1], "bf16 was not used"


def test_bfloat16_on_a_cpu_without_it_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foretype.train.neural.training.trainer.can_use_bf16", lambda: False)
    with pytest.raises(ConfigError, match="precision is 'bf16'; PyTorch needs AVX-512"):
        Trainer(tmp_path, MODEL, replace(CONFIG, precision="bf16", device="cpu"), TEXT)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_on_cuda_it_learns_and_goes_on_after_a_break(tmp_path: Path, precision: str) -> None:
    config = replace(CONFIG, device="cuda", precision=precision, tokens=4 * 8 * 200)
    for report in Trainer(tmp_path, MODEL, config, TEXT, VALID).fit():
        if report.step == 100:
            break
    trainer = train(tmp_path, config, resume=True)
    assert trainer.model.output_bias.is_cuda
    assert trainer.step == 200
    assert trainer.history[-1]["validation_perplexity"] < 0.5 * trainer.history[0]["validation_perplexity"]
    assert train(tmp_path, replace(config, device="cpu"), resume=True).step == 200


def test_threads_are_set(tmp_path: Path) -> None:
    Trainer(tmp_path, MODEL, replace(CONFIG, threads=2), TEXT)
    assert torch.get_num_threads() == 2
    Trainer(tmp_path, MODEL, replace(CONFIG, threads=0), TEXT)
    assert 1 <= torch.get_num_threads() <= 2, "0 takes the free cores"


def test_a_gradient_longer_than_the_limit_is_cut_to_it(tmp_path: Path) -> None:
    """A step of plain SGD is the gradient times the rate: as long as the limit where the gradient is longer, as long as
    the gradient where it is not. The norm that is reported is that before the cut."""
    lengths, norms = [], []
    for clip in (0.01, 1e6):
        config = replace(RARELY, optimizer="sgd", learning_rate=0.5, weight_decay=0.0, warmup=0, clip=clip)
        trainer = Trainer(tmp_path / str(clip), MODEL, config, TEXT)
        before = [parameter.detach().clone() for parameter in trainer.model.parameters()]
        norms.append(trainer.train_step()[1].item())
        steps = [new.detach() - old for new, old in zip(trainer.model.parameters(), before, strict=True)]
        lengths.append(torch.cat([step.flatten() for step in steps]).norm().item() / config.rate(0))
    assert norms[0] == norms[1] > 0.1
    assert lengths == pytest.approx([0.01, norms[1]], rel=1e-3)


def test_several_layers_are_trained(tmp_path: Path) -> None:
    trainer = train(tmp_path, RARELY, model=ModelConfig(VOCAB, 12, 16, layers=2))
    assert trainer.state[0].shape == (2, 4, 16)
    assert load_for_inference(tmp_path).config.layers == 2


def test_warm_up_rises_in_a_line_and_a_cosine_falls_to_a_twentieth() -> None:
    config = TrainConfig(tokens=1000 * 128 * 32, warmup=100, learning_rate=0.01)
    assert config.total_steps == 1000
    assert config.rate(0) == pytest.approx(0.0001)
    assert config.rate(49) == pytest.approx(0.005)
    assert config.rate(99) == config.rate(100) == pytest.approx(0.01)
    assert config.rate(550) == pytest.approx(0.01 * (0.05 + 0.95 / 2))
    assert config.rate(1000) == pytest.approx(0.0005)
    assert config.rate(5000) == pytest.approx(0.0005)
    assert replace(config, schedule="constant").rate(49) == pytest.approx(0.005)
    assert replace(config, schedule="constant").rate(550) == 0.01
    short = replace(config, tokens=100 * 128 * 32)
    assert short.rate(9) == pytest.approx(0.01), "a warm-up takes at most a tenth of the run"


@pytest.mark.parametrize("jitter", [0.0, 2.0, 1e6])
def test_windows_cover_the_text_once_in_each_pass(jitter: float) -> None:
    stream = np.arange(1000, dtype=np.uint16)
    windows = Windows(stream, batch=6, steps=8, seed=1, jitter=jitter)
    for number in range(3):
        steps = [windows[number * windows.per_pass + i] for i in range(windows.per_pass)]
        inputs = Counter(np.concatenate([step[:-1] for step in steps]).ravel().tolist())
        assert set(inputs.values()) == {1}
        assert len(inputs) > 1000 - 6 * 8 - 6
        for step in steps:
            assert (step[1:] == (step[:-1] + 1) % 1000).all(), "targets are the next tokens"
        for step, after in pairwise(steps):
            assert (step[-1] == after[0]).all(), "a window begins where the one before ended"
        lengths = {len(step) - 1 for step in steps}
        assert (lengths == {8}) if jitter == 0 else (len(lengths) > 3 and min(lengths) > 0 and max(lengths) < 16)
    assert windows[0][0, 0] == 0
    assert windows[windows.per_pass][0, 0] != 0, "each pass cuts the text elsewhere"
    assert (windows[50] == Windows(stream, 6, 8, seed=1, jitter=jitter)[50]).all()
    assert windows[50][0, 0] != Windows(stream, 6, 8, seed=2)[50][0, 0]
    with pytest.raises(ConfigError, match="the text has 40 tokens, too few for 6 streams of 8"):
        Windows(stream[:40], 6, 8, seed=1)


def test_a_share_of_the_words_seen_once_is_read_as_unknown_and_another_in_each_pass() -> None:
    stream = np.array([1, *range(5, 405), *[405] * 200, 2], np.uint16)
    windows = Windows(stream, batch=4, steps=10, seed=1, unknown=0.5)
    plain = Windows(stream, batch=4, steps=10, seed=1)
    hidden = []
    for number in range(2):
        steps = range(number * windows.per_pass, (number + 1) * windows.per_pass)
        read, wanted = (np.concatenate([view[step] for step in steps]) for view in (windows, plain))
        changed = read != wanted
        assert (read[changed] == 0).all()
        assert (wanted[changed] < 405).all(), "a word seen twice stays"
        assert (wanted[changed] > 4).all(), "marks stay"
        assert 0.4 < changed.sum() / ((wanted > 4) & (wanted < 405)).sum() < 0.6
        hidden.append(set(wanted[changed].tolist()))
    assert hidden[0] != hidden[1]
    assert (windows[3] == Windows(stream, 4, 10, seed=1, unknown=0.5)[3]).all()


def test_words_outside_the_vocabulary_are_expected_from_a_text_without_any(tmp_path: Path) -> None:
    stream = np.array([5, 6, 7, *range(8, VOCAB)] + [5, 6, 7] * 200, np.uint16)
    for unknown, expected in ((0.0, 1 / (len(stream) + VOCAB)), (0.5, 17 / (len(stream) + VOCAB))):
        trainer = Trainer(tmp_path / str(unknown), MODEL, replace(RARELY, unknown=unknown), stream)
        assert trainer.model.output_bias[0].exp().item() == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"device": "tpu"}, "device is 'tpu'; choose from auto, cpu, cuda"),
        ({"precision": "fp16"}, "precision is 'fp16'; choose from auto, bf16, fp32"),
        ({"optimizer": "adam"}, "optimizer is 'adam'; choose from adamw, sgd, asgd"),
        ({"schedule": "step"}, "schedule is 'step'; choose from cosine, constant"),
        ({"jitter": -1.0}, "jitter is -1.0; must be 0 or more"),
        ({"optimizer": "sgd", "learning_rate": 200.0}, "learning_rate is 200.0; must be above 0 and below 100"),
        ({"tokens": 0}, "tokens is 0; must be 1 or more"),
        ({"samples": -1}, "samples is -1; must be 0 or more"),
        ({"forget": 1.5}, "forget is 1.5; must be 0 to 1"),
        ({"seed": -1}, "seed is -1; must be 0 to 4294967295"),
        ({"learning_rate": math.nan}, "learning_rate is nan; must be above 0 and below 1"),
        ({"clip": 0.0}, "clip is 0.0; must be above 0"),
    ],
)
def test_settings_that_are_not_legal_are_refused(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**setting)
    assert str(caught.value) == message


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_cuda_device_is_said() -> None:
    with pytest.raises(ConfigError, match="PyTorch finds no CUDA device; choose from auto, cpu"):
        TrainConfig(device="cuda")


def test_throughput_is_measured_by_turns_against_plain_loops() -> None:
    said: list[str] = []
    figures = measure(
        model={"vocab_size": 500, "embedding_size": 8, "hidden_size": 12},
        training={"batch": 4, "steps": 8, "samples": 50, "threads": 1},
        trials=3,
        progress=said.append,
    )
    assert {name: len(speeds) for name, speeds in figures["tokens_per_second"].items()} == {
        "foretype": 3,
        "plain": 3,
        "plain_narrow": 3,
    }
    ours, theirs = (figures["tokens_per_second"][name] for name in ("foretype", "plain"))
    ratios = sorted(mine / other for mine, other in zip(ours, theirs, strict=True))
    assert list(figures["ratio"]["plain"].values()) == [ratios[1], ratios[0], ratios[2]]
    assert figures["threads"] == 1
    assert [line.split(":")[0] for line in said[:6]] == ["foretype", "plain", "plain_narrow"] * 2


def test_reports_say_how_fast_it_goes(tmp_path: Path) -> None:
    report = next(Trainer(tmp_path, MODEL, CONFIG, TEXT, VALID).fit())
    assert isinstance(report, Report)
    assert report.tokens_per_second == pytest.approx(32 / report.seconds)
    assert report.learning_rate == CONFIG.rate(0)
    assert report.perplexity == pytest.approx(math.exp(report.loss))
