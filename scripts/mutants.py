"""The small changes that `mutate.py` makes to a file, found in its syntax tree."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    before: after
    for one, other in (
        *((ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq), (ast.Is, ast.IsNot), (ast.In, ast.NotIn)),
        *((ast.And, ast.Or), (ast.Add, ast.Sub), (ast.Mult, ast.Div)),
    )
    for before, after in ((one, other), (other, one))
}
"""Operators that stand in for each other."""


@dataclass(frozen=True)
class Mutant:
    """One change. module: file below the root. place: function or class. occurrence: among equal changes there.

    line, start, end: where `before` stands, the latter two in bytes. statement: the first line of its statement.
    """

    module: str
    place: str
    kind: str
    before: str
    after: str
    occurrence: int
    line: int
    statement: int
    start: int
    end: int
    in_function: bool

    @property
    def key(self) -> tuple[str, str, str, str, str, int]:
        """What stays the same when other lines of the file change."""
        return self.module, self.place, self.kind, self.before, self.after, self.occurrence


class _Finder(ast.NodeVisitor):
    """Collects the mutants of one file: place, kind, node, after, line of the statement, whether in a function."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str, ast.AST, str, int, bool]] = []
        self._place: list[str] = []
        self._functions = self._statement = 0

    def _add(self, kind: str, node: ast.AST, after: ast.AST | str) -> None:
        text = after if isinstance(after, str) else f"({ast.unparse(after)})"
        self.found.append((".".join(self._place), kind, node, text, self._statement, self._functions > 0))

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            self._statement = node.lineno
        super().visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._enter(node, 0)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            self.visit(default)
        self._enter(node, 1)

    def _enter(self, node: ast.ClassDef | ast.FunctionDef, functions: int) -> None:
        # Decorators and annotations are left out: hardly any change there is one of behaviour.
        self._place.append(node.name)
        self._functions += functions
        for statement in node.body:
            self.visit(statement)
        self._functions -= functions
        self._place.pop()

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Nothing: Python 3.11 gives wrong positions inside."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test) != "TYPE_CHECKING":
            self._add("condition", node.test, ast.UnaryOp(ast.Not(), node.test))
            self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self._add("call removed", node, "pass")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if self._functions and any(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets):
            self._add("assignment removed", node, "pass")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._add("assignment removed", node, "pass")
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value and not (isinstance(node.value, ast.Constant) and node.value.value is None):
            self._add("return value", node.value, "None")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._add("constant", node, repr(not node.value))
        elif isinstance(node.value, int):
            self._add("constant", node, repr(node.value + 1))
        elif isinstance(node.value, float):
            self._add("constant", node, repr(node.value * 2 or 1.0))

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Break | ast.Continue | ast.Raise | ast.Delete):
            self._add("statement removed", node, "pass")
        if isinstance(node, ast.Compare):
            for at, operator in enumerate(node.ops):
                changed = copy.deepcopy(node)
                changed.ops[at] = SWAPPED[type(operator)]()  # type: ignore[call-overload]
                self._add("comparison", node, changed)
        if isinstance(node, ast.BoolOp | ast.BinOp) and type(node.op) in SWAPPED:
            changed_op = copy.deepcopy(node)
            changed_op.op = SWAPPED[type(node.op)]()  # type: ignore[assignment]
            self._add("and, or" if isinstance(node, ast.BoolOp) else "arithmetic", node, changed_op)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self._add("not removed", node, node.operand)
        super().generic_visit(node)


def mutants_of(root: Path, path: Path) -> Iterator[Mutant]:
    """Every mutant of the file `path` below `root`."""
    source = path.read_bytes()
    offsets = [0]
    for line in source.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    finder, seen = _Finder(), Counter[tuple[str, ...]]()
    finder.visit(ast.parse(source))
    for place, kind, node, after, statement, in_function in finder.found:
        assert isinstance(node, ast.expr | ast.stmt)
        start = offsets[node.lineno - 1] + node.col_offset
        end = offsets[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        before = source[start:end].decode()
        change = (place, kind, before, after)
        module = path.relative_to(root).as_posix()
        yield Mutant(module, *change, seen[change], node.lineno, statement, start, end, in_function)
        seen[change] += 1
