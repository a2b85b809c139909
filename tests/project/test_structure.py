"""The shape of the project: what imports what, what is packaged, and what the public interface is."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from paths import ROOT

import foretype.runtime as runtime
from foretype.runtime import errors

ROOMS = ("runtime", "train", "export", "tui")
ALLOWED = {
    "runtime": {"runtime"},
    "train": {"train", "runtime"},
    "export": {"export", "train", "runtime"},
    "tui": set(ROOMS),
}


MOST_MODULES = 14


def module_name(path: Path) -> str:
    """The name that a source file is imported by."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("foretype", *(part for part in parts if part != "__init__")))


def sources(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imported(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.append(node.module or "")
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_what_lies_below_them_and_never_bare(room: str) -> None:
    for path in sources(room):
        for name in imported(path):
            assert name.split(".")[0] not in ROOMS, f"{path} imports {name} without foretype."
            if name.startswith("foretype."):
                assert name.split(".")[1] in ALLOWED[room], f"{path} imports {name}"


def test_every_folder_with_code_is_a_small_package() -> None:
    for folder in {path.parent for room in ROOMS for path in sources(room)}:
        modules = {path.name for path in folder.glob("*.py")}
        assert "__init__.py" in modules, folder
        assert len(modules - {"__init__.py"}) <= MOST_MODULES, folder


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Neither at import nor later, in a function or for a type."""
    paths = {module_name(path): path for room in ROOMS for path in sources(room)}
    graph = {name: {found for found in imported(path) if found in paths} for name, path in paths.items()}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import foretype.runtime", ["torch", "onnx", "onnxruntime", "textual", "typer", "safetensors", "pygls"]),
        (
            "from foretype.tui.cli import run; run(['info', '--json'])",
            ["torch", "onnx", "textual", "safetensors"],
        ),
        (
            "from foretype.tui.cli import run; run(['generate', '--tokens', '3'])",
            ["torch", "onnx", "textual", "safetensors"],
        ),
    ],
)
def test_light_uses_do_not_import_heavy_packages(statement: str, absent: list[str]) -> None:
    code = f"{statement}\nimport sys\nprint(sorted(set({absent!r}) & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("engine", "imported"),
    [("ngram", "numpy rapidfuzz tokenizers"), ("blend", "numpy onnxruntime rapidfuzz tokenizers")],
)
def test_a_suggestion_imports_no_package_but_these(engine: str, imported: str) -> None:
    """What is imported is most of the time and memory of a cold start."""
    code = f"""
import sys
before = set(sys.modules)
from foretype.runtime import load
load(engine={engine!r}).session().suggest("I would lik")
names = {{name.partition(".")[0] for name in set(sys.modules) - before}} - set(sys.stdlib_module_names) - {{"foretype"}}
names = {{name for name in names if "cython" not in name}}  # what Cython keeps for its modules
heavy = {{"asyncio", "concurrent", "email", "http", "multiprocessing", "socket", "sqlite3", "ssl", "unittest", "xml"}}
print(*sorted(names | heavy & set(sys.modules)))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == imported.split()


def test_every_public_name_is_there_and_every_error_is_in_the_tree() -> None:
    for name in runtime.__all__:
        assert hasattr(runtime, name)
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert all(issubclass(kind, errors.ForetypeError) for kind in kinds)
    for kind in kinds:
        assert kind.__name__ in (errors.__doc__ or "")
        assert kind.__name__ in runtime.__all__


def test_nothing_is_unpickled() -> None:
    for room in ROOMS:
        for path in sources(room):
            text = path.read_text(encoding="utf-8")
            assert "pickle" not in text, path
            assert "torch.load" not in text, path


# --- Inside the rooms

MOST_MODULES = 14
RUNTIME_ORDER = [
    {"errors"},
    {"arguments", "lazy", "lru", "spacing"},
    {"suggestion"},
    {"text"},
    {"files"},
    {"filters", "typos"},
    {"engines"},
    {"personal"},
    {"suggesting"},
    {"options", "text_session", "characters"},
    {"session"},
    {"model"},
    {"mixture", "generate"},
    {"evaluation", "bench", "serving", "lsp"},
    {"doctor"},
]
"""The parts of runtime/: each imports only from those before it, and from itself."""


def test_no_folder_is_too_full() -> None:
    for room in ROOMS:
        for folder in {path.parent for path in sources(room)}:
            modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
            assert len(modules) <= MOST_MODULES, f"{folder} holds {len(modules)} modules"


def test_the_parts_of_the_runtime_import_downhill() -> None:
    rank = {part: number for number, parts in enumerate(RUNTIME_ORDER) for part in parts}
    for path in sources("runtime"):
        part = path.relative_to(ROOT / "runtime").with_suffix("").parts[0]
        for name in imported(path):
            other = name.removeprefix("foretype.runtime.").split(".")[0]
            if name.startswith("foretype.runtime.") and other != part and part != "__init__" and other in rank:
                assert rank[other] < rank[part], f"{path.relative_to(ROOT)} imports {name}"


def test_there_is_no_import_cycle() -> None:
    """Between modules of any room, imports for type checking included."""
    modules = {
        "foretype." + ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for room in ROOMS
        for path in sources(room)
    }
    graph = {
        name: {other for other in imported(path) if other in modules and other != name}
        for name, path in modules.items()
        if path.name != "__init__.py"
    }
    while graph:
        ends = [name for name, others in graph.items() if not others & graph.keys()]
        assert ends, f"a cycle among {sorted(graph)}"
        for name in ends:
            del graph[name]
