"""The house as syntax trees: what `checks` look at, loaded once per tree of files."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CODE = ("services", "shared", "infra")
PYTHON = (*CODE, "tests")
PURE_SHARED = ("contracts", "features", "scoring", "evaluation")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file: its path below the root, its text and its tree."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.path.removesuffix(".py").split("/"))

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    def imports(self) -> list[tuple[int, str]]:
        """Line and dotted name of every import, functions' own ones included."""
        found: list[tuple[int, str]] = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [(node.lineno, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.append((node.lineno, node.module or ""))
        return found

    def functions(self) -> list[Function]:
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]

    def calls(self) -> list[tuple[ast.Call, str]]:
        """Every call with the dotted name of what is called, "" where that is no plain name."""
        nodes = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        return [(node, dotted(node.func)) for node in nodes]


@dataclass(frozen=True)
class House:
    """All Python files and folders below ``root`` that are ours."""

    root: Path
    sources: tuple[Source, ...]

    def below(self, *tops: str) -> list[Source]:
        return [source for source in self.sources if source.parts[0] in tops]

    def pure(self) -> list[Source]:
        return [source for source in self.sources if is_pure(source)]

    def services(self) -> list[Path]:
        folder = self.root / "services"
        return sorted(path for path in folder.iterdir() if path.is_dir() and path.name != "__pycache__")

    def source(self, path: str) -> Source | None:
        return next((source for source in self.sources if source.path == path), None)


def is_pure(source: Source) -> bool:
    """Whether the file lies in a pure room: one of shared's four, or a service's core."""
    top, room, *rest = (*source.parts, "", "")
    return (top == "shared" and room in PURE_SHARED) or (top == "services" and rest[0] == "core")


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of a plain name; ``.c`` of an attribute of something else; "" otherwise."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}"
    return ""


def load(root: Path) -> House:
    """Reads every Python file of ours below ``root``."""
    paths = [path for top in PYTHON for path in sorted((root / top).rglob("*.py"))]
    return House(
        root, tuple(Source(str(path.relative_to(root)), path.read_text(encoding="utf-8")) for path in paths)
    )
