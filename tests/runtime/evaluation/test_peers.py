"""The comparison with other systems: counted by hand for a tiny one, tried with each real one that is installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from jsonschema import Draft202012Validator

from foretype.runtime import load
from foretype.runtime.errors import ConfigError, EngineError
from foretype.runtime.evaluation.keystrokes import Mode, evaluate_keystrokes
from foretype.runtime.evaluation.peers import system as starting
from foretype.runtime.evaluation.peers.comparison import CONDITIONS, compare
from foretype.runtime.evaluation.peers.known import HERE, KNOWN, Peer, check_models, choose
from foretype.runtime.evaluation.peers.paired import interval, resampled, verdict
from foretype.runtime.evaluation.peers.perfect_user import Typed, type_document
from foretype.runtime.evaluation.peers.report import markdown, summary
from foretype.runtime.evaluation.peers.results import Report, make_schema
from foretype.runtime.evaluation.peers.system import Running, System
from foretype.tui.cli import run

TINY = """
import json, sys
WORDS = sys.argv[1].split(",")
for line in sys.stdin:
    request = json.loads(line)
    result = {"field": 1}
    if request["method"] == "suggest":
        text = request["params"]["text"]
        typed = text.split(" ")[-1] if text else ""
        found = [word for word in WORDS if word.startswith(typed)][: request["params"]["k"]]
        result = {"suggestions": [{"text": word} for word in found]}
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
"""
LINES = ["the cat sees the dog", "a dog", "the end", "see the cat", "Cats, dogs"]


def tiny(name: str, words: str, source: str = TINY) -> System:
    return System(name, (sys.executable, "-c", source, words))


def test_the_keystrokes_of_a_tiny_peer_are_those_counted_by_hand() -> None:
    typed = Typed()
    with Running(tiny("tiny", "the,dog")) as running:
        type_document(running.suggest, ["The dog, the cat"], "text", 1, typed)
        type_document(running.suggest, ["The dog, the cat"], "plain", 1, typed)
    # As written: "The " is typed in full (4), "dog" after d (2), ", " (2), "the " at once (1), "cat" in full (3).
    # Letters only: "the " at once (1), "dog " after d (2), "the " (1), "cat" (3).
    assert typed.keystrokes == [12, 7]
    assert typed.characters == [16, 15]
    assert typed.saved() == [4, 8]
    assert (typed.words, typed.right1) == ([4, 4], [1, 2])


def test_a_line_meets_the_lines_before_it_only_in_running_text() -> None:
    asked = []

    def suggest(text: str, k: int) -> list[str]:
        asked.append(text)
        return []

    type_document(suggest, ["a", "b"], "text", 3, Typed())
    assert asked == ["", "a\n"]


@pytest.mark.parametrize("mode", ["plain", "text"])
def test_foretype_over_its_protocol_saves_what_its_own_evaluation_says(mode: Mode, tiny_bundle: Path) -> None:
    document = ["I think that you love the garden.", "We see the film, don't you think?", "Xylophone zzz"]
    own = evaluate_keystrokes(load(tiny_bundle), [document], mode)
    typed = Typed()
    command = (sys.executable, "-m", "foretype.tui.cli", "serve", "--bundle", str(tiny_bundle))
    with Running(System("foretype", command, (tiny_bundle,))) as running:
        type_document(running.suggest, document, mode, 3, typed)
        assert running.load > 0
        memory = running.memory()
    assert sum(typed.characters) == own.characters[0]
    assert sum(typed.keystrokes) == own.keystrokes[0][1]
    assert memory is None or 1 < memory[0] <= memory[1]


def test_a_comparison_ranks_says_ties_and_fits_its_schema() -> None:
    systems = [tiny("knows", "the,dog,cat,sees"), tiny("same", "the,dog,cat,sees"), tiny("none", "zzz")]
    report = compare(systems, {"text": [LINES], "more": [LINES[::-1]]}, CONDITIONS, 3, "this machine")
    verdicts = {(item.first, item.second): item.verdict for item in report.differences if item.mode == "plain"}
    assert verdicts == {("knows", "same"): "tie", ("knows", "none"): "ahead", ("same", "none"): "ahead"}
    for measured in report.systems:
        for figures in measured.conditions:
            assert figures.low <= figures.savings <= figures.high
    Draft202012Validator(make_schema()).validate(msgspec.to_builtins(report))
    assert msgspec.convert(msgspec.to_builtins(report), Report) == report
    table = markdown(report)
    assert "| same | " in table
    assert "tie: +0.0" in table
    assert "knows ahead: -" in table
    # Where another is ahead of the reference, the table says so.
    assert "**knows ahead**" in markdown(compare(systems[::-1], {"text": [LINES]}, CONDITIONS[:1], 3, ""))


def test_too_few_lines_give_no_verdict() -> None:
    report = compare([tiny("a", "the"), tiny("b", "zzz")], {"text": [LINES[:3]]}, CONDITIONS[:1], 3, "")
    assert [item.verdict for item in report.differences] == ["unknown"]


def test_the_published_schema_is_made_from_the_code() -> None:
    assert json.loads((HERE / "schema.json").read_text(encoding="utf-8")) == make_schema()


def test_the_bootstrap_is_paired_and_finds_a_small_difference_that_separate_intervals_hide() -> None:
    generator = np.random.default_rng(1)
    characters = [100] * 50
    saved = [int(value) for value in generator.integers(0, 100, 50)]
    value, drawn = resampled([(saved, characters)])
    more, drawn_more = resampled([([one + 1 for one in saved], characters)])
    assert value == pytest.approx(sum(saved) / 50)
    assert more - value == pytest.approx(1)
    low, high = interval(drawn)
    assert low < more < high
    assert verdict(*interval(drawn_more - drawn)) == "ahead"
    noise = [one + int(step) for one, step in zip(saved, generator.integers(-9, 10, 50), strict=True)]
    assert verdict(*interval(resampled([(noise, characters)])[1] - drawn)) == "tie"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import sys; sys.exit('no model here')", "bad: it ended with status 1: no model here"),
        ("print('hello', flush=True); input()", "bad: hello: not a reply: b'hello"),
        ('input(); print(\'{"error": {"message": "no"}}\', flush=True); input()', "bad: hello: no"),
        ("import time; time.sleep(60)", "bad: no answer in 0.5 s"),
    ],
)
def test_a_peer_that_fails_is_skipped_with_its_reason(
    source: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "PATIENCE", 0.5 if "sleep" in source else 60.0)
    with pytest.raises(EngineError) as caught:
        Running(System("bad", (sys.executable, "-c", source)))
    assert str(caught.value).startswith(message)
    report = compare([System("bad", ("/no/such/command",))], {"text": [LINES]}, CONDITIONS[:1], 3, "")
    assert [one.reason for one in report.skipped] == ["cannot start /no/such/command: No such file or directory"]
    assert "Skipped:\n\n- bad: cannot start" in markdown(report)


@pytest.mark.parametrize("peer", KNOWN, ids=lambda peer: peer.name)
def test_each_real_peer_that_is_installed_completes_words(
    peer: Peer, corpus: tuple[Path, Path], tmp_path: Path
) -> None:
    if reason := peer.missing(corpus[0], None):
        pytest.skip(reason)
    own = tmp_path / "own"
    own.mkdir()
    text = tmp_path / "text.txt"
    lines = corpus[0].read_text(encoding="utf-8").splitlines(keepends=True)
    text.write_text(
        "".join(lines[:400] if "module:torch" in (*peer.needs, *peer.to_train) else lines), encoding="utf-8"
    )
    system = peer.prepare(text, None, own)
    assert (system.trained is not None) == peer.trained
    assert (system.size() or 0) > 0
    with Running(system) as running:
        offered = running.suggest("I think that you lov", 3)
        assert "love" in [word.lower() for word in offered]
        assert len(running.suggest("I think tha", 1)) == 1
        if peer.trained:
            assert running.suggest("I think ", 3)


def test_a_peer_that_is_not_installed_says_how_to_install_it() -> None:
    peer = Peer("other", "other", ("program:no-such-program",), "Debian: sudo apt install other")
    assert peer.missing(None, None) == "no no-such-program here; Debian: sudo apt install other"


def test_wrong_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'presag': no such peer; choose from presage, presage-repeating"):
        choose(["presag"])
    with pytest.raises(ConfigError, match="'onboard': no peer that is trained"):
        check_models({"onboard": tmp_path})
    with pytest.raises(ConfigError, match="no such file"):
        check_models({"kenlm": tmp_path / "none"})


def test_the_command_compares_any_system_that_answers_the_protocol(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="the extra `plots` is not installed")
    text, peer = tmp_path / "text.txt", tmp_path / "tiny_peer.py"
    text.write_text("\n".join(LINES), encoding="utf-8")
    peer.write_text(TINY, encoding="utf-8")
    table, figures, picture = (tmp_path / name for name in ("table.md", "figures.json", "plot.png"))
    options = ["--peer", "kenlm", "--mode", "plain", "--context", "lines", "--bundle", str(tiny_bundle)]
    page, place = (
        tmp_path / "page.md",
        "# Page\n<!-- summary of comparison -->\n{}<!-- end of summary of comparison -->\nEnd\n",
    )
    page.write_text(place.format("old\n"), encoding="utf-8")
    files = ["--into", str(page), "--out", str(table), "--json-out", str(figures), "--plot", str(picture)]
    command = f"tiny={sys.executable} {peer} the,dog"
    assert run(["compare", str(text), "--system", command, *options, *files, "--json"]) == 0
    printed = capsys.readouterr()
    report = msgspec.json.decode(printed.out, type=Report)
    assert [one.name for one in report.systems] == ["foretype tiny", "tiny"]
    assert json.loads(figures.read_text(encoding="utf-8")) == json.loads(printed.out)
    assert table.read_text(encoding="utf-8") == markdown(report)
    assert page.read_text(encoding="utf-8") == place.format(f"\n{summary(report)}\n")
    assert picture.stat().st_size > 1000
    assert printed.err.startswith("foretype: skipped kenlm: ")
    assert run(["compare", str(text), "--into", str(table)]) == 1
    assert "no place for the report" in capsys.readouterr().err
    assert run(["compare", str(text), "--mode", "letters"]) == 2
