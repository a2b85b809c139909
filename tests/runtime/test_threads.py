"""Embedding: one model in many threads, in an event loop, and in the children of a fork."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from paths import ROOT

from foretype.runtime import Model, load
from foretype.runtime.engines.fork_guard import Fork

WORDS = ["I", "love", "the", "cat", "see", "garden", "Tom", "and", "music"]


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


def typed_texts(seed: int) -> list[str]:
    """A text as it grows, letter by letter, with a word taken back now and then."""
    draw = random.Random(seed)
    text, found = "", []
    for _ in range(40):
        word = draw.choice(WORDS) + " "
        found += [text + word[:end] for end in range(len(word))]
        text = text[: text[:-1].rfind(" ") + 1] if draw.random() < 0.2 else text + word
    return found


def test_threads_with_a_session_each_share_a_model(model: Model) -> None:
    def follow(seed: int) -> list[object]:
        session = model.session()
        return [session.suggest(text) for text in typed_texts(seed)]

    expected = [follow(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(follow, range(8))) == expected


def test_a_session_may_go_from_thread_to_thread(model: Model) -> None:
    session, texts = model.session(), typed_texts(1)
    expected = [model.session().suggest(text) for text in texts]
    found = []
    for text in texts:
        with ThreadPoolExecutor(1) as pool:
            found.append(pool.submit(session.suggest, text).result())
    assert found == expected


def examples() -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("number", range(len(examples())))
def test_the_examples_of_the_documentation_run(number: int, tiny_bundle: Path, tmp_path: Path) -> None:
    """Each as a program of its own, with warnings as errors."""
    code = examples()[number].replace("load(", f"load({str(tiny_bundle)!r}, ").replace(", )", ")")
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout


CHILD = """
import os, signal, sys, threading
from foretype.runtime import load
from foretype.runtime.engines.fork_guard import FORK

model = load(sys.argv[1], threads=int(sys.argv[2]))
session = model.session()
texts = ["I love the ", "I love the garden. We see mus"]
expected = session.suggest(texts[0])
if sys.argv[3] == "torn":  # as if another thread were inside ONNX Runtime
    threading.Thread(target=lambda: (FORK.__enter__(), threading.Event().wait(60)), daemon=True).start()
    while not FORK._calls:
        pass
child = os.fork()
if child == 0:
    signal.alarm(30)  # a child that hangs is killed, and the test fails
    for each in (session, model.session()):
        for text in texts:
            print(each.suggest(text).engine, end=" ", flush=True)
    print(session.suggest(texts[0]) == expected, model.notice, flush=True)
    grandchild = os.fork()
    if grandchild == 0:
        print(model.session().suggest(texts[1]).engine, flush=True)
        os._exit(0)
    os._exit(os.waitpid(grandchild, 0)[1])
status = os.waitpid(child, 0)[1]
print(session.suggest(texts[1]).engine, model.notice, flush=True)
os._exit(status != 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(
    ("threads", "how", "child", "grandchild"),
    [
        (1, "clean", "blend blend blend blend True None", "blend"),
        (
            2,
            "clean",
            r"blend ngram ngram ngram False n-gram model only: .*load the model in the child process",
            "ngram",
        ),
        (1, "torn", r"blend ngram ngram ngram False n-gram model only: .*load the model in the child process", "ngram"),
    ],
)
def test_a_model_loaded_before_a_fork(tiny_bundle: Path, threads: int, how: str, child: str, grandchild: str) -> None:
    """With one thread it works in the child; otherwise the n-gram model answers there, with a notice. No hanging."""
    result = subprocess.run(
        [sys.executable, "-c", CHILD, str(tiny_bundle), str(threads), how], capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert re.fullmatch(child, lines[0])
    assert lines[1:] == [grandchild, "blend None"]


BUSY = """
import os, signal, sys, threading
from foretype.runtime import load

model = load(sys.argv[1])
stop = threading.Event()

def work(number):
    while not stop.is_set():  # a session of its own each time, misspelt words, new words
        session = model.session()
        for text in ("I love the gardn ", "we sse", "I lvoe mus", "dont you thimk"):
            for end in range(len(text) + 1):
                session.suggest(text[:end])

threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(3)]
for thread in threads:
    thread.start()
failed = 0
for _ in range(int(sys.argv[2])):
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # kills a child that hangs
        session = model.session()
        for text in ("I lov", "I love the gardn", "we sse", "I love "):
            session.suggest(text)
        os._exit(0)
    failed += os.waitpid(child, 0)[1] != 0
stop.set()
print(failed, flush=True)
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("forks", [100, pytest.param(5000, marks=pytest.mark.soak)])
def test_no_child_of_a_busy_process_hangs(tiny_bundle: Path, forks: int) -> None:
    """Threads suggest from the first moment on, while the process forks again and again."""
    result = subprocess.run(
        [sys.executable, "-c", BUSY, str(tiny_bundle), str(forks)], capture_output=True, text=True, timeout=1200
    )
    assert result.stdout == "0\n", result.stderr


def test_a_keystroke_imports_nothing(tiny_bundle: Path) -> None:
    """An import in one thread at the moment of a fork would leave the child waiting for its lock."""
    code = f"""
import sys
from pathlib import Path
from foretype.runtime import load
from foretype.runtime.personal.store import Store
session = load({str(tiny_bundle)!r}).session(store=Store(Path("store.sqlite3")))
before = set(sys.modules)
for text in ("I lov", "I love the gardn", "I love the gardn ", "dont you ", "xqzt"):
    session.suggest(text)
    session.commit(text)
    session.corrections(text)
    session.phrase(text, confidence=0.0)
print(sorted(set(sys.modules) - before))
"""
    folder = tiny_bundle.parent
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=True)
    assert result.stdout == "[]\n"


def test_a_lock_held_at_the_fork_is_free_in_the_child() -> None:
    fork = Fork()
    fork.lock.acquire()
    with fork:
        thread = threading.Thread(target=fork.enter_child)
        thread.start()
        thread.join()
    assert fork.torn
    assert fork.generation == 1
    assert fork.lock.acquire(timeout=1)
