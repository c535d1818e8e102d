"""Checks of house.md and style.md that the import linter cannot make: each a pure function of a `House`.

A check answers sentences ``path:line: what is wrong``; none means that the house keeps the rule.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from statistics import median
from typing import Final

from tests.architecture.house import CODE, Function, House, Source

FILE_LINES: Final = 400
FUNCTION_LINES: Final = 60
FUNCTION_MEDIAN: Final = 10
MAIN_LINES: Final = 30
CARD_LINES: Final = 4
CARD_WORDS: Final = ("in", "out", "state", "failure")
SHAPE: Final = (
    "__init__.py",
    "__main__.py",
    "settings.py",
    "wiring.py",
    "edge/__init__.py",
    "core/__init__.py",
)
TOP: Final = frozenset({"services", "shared", "infra", "tests", "docs"})
FORBIDDEN_NAMES: Final = frozenset({"util", "utils", "helper", "helpers", "common", "misc"})

IMPURE_MODULES: Final = frozenset(
    "aiofiles aiohttp aiokafka asyncio deltalake duckdb faust hiredis http httpx jgo kafka logging mode "
    "multiprocessing os pathlib prometheus_client psutil random redis requests rich secrets select shutil "
    "signal socket sqlalchemy sqlite3 ssl structlog subprocess tempfile threading time typer urllib uuid "
    "uvloop".split()
)
IMPURE_CALLS: Final = frozenset(
    {"open", "io.open", "print", "input", "breakpoint", "exec", "eval", "__import__"}
)
IMPURE_ENDS: Final = (".now", ".utcnow", ".today", ".read_text", ".write_text", ".read_bytes", ".write_bytes")
SEEDED: Final = frozenset({"default_rng", "Generator", "SeedSequence", "PCG64", "Philox"})

UNSAFE_MODULES: Final = frozenset({"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"})
UNSAFE_CALLS: Final = frozenset({"eval", "exec", "yaml.load", "yaml.unsafe_load", "yaml.full_load"})

DATA_SET: Final = re.compile(r"(?i)handbook|sparkov|worldline|TX_FRAUD|TX_DATETIME")
DATA_SETS_ALLOWED: Final[dict[str, str]] = {
    "services/cli/edge/commands/evaluate.py": "`--protocol` is named after its book, whose figures it shows",
}
"""Path of a file that may name one, and the reason why."""

_OWN_CODE: Final = (
    "faults.md F19: our code failed on a batch; its records are tried alone, then dead-lettered"
)
BROAD_ALLOWED: Final[dict[str, str]] = {
    "services/trainer/edge/agent.py:_handle": "Faust acks what raised: three tries, then dead letters",
    "services/scorer/edge/pump.py:_begin": _OWN_CODE,
    "services/scorer/edge/pump.py:_finish": _OWN_CODE,
    "services/scorer/edge/pump.py:_revoked": "the client swallows what it raises, so the loop does",
    "services/scorer/edge/pump.py:_alone": "faults.md F19: its caller counts, retries, dead-letters",
}
"""``path:function`` of a broad except that does not raise again, and the reason why it may stand."""

REASONED: Final = frozenset({"Dead", "Drop", "DecodeError", "ModelRefused"})


def top_level(house: House) -> list[str]:
    """Only the folders of house.md stand at the top."""
    made = {"build", "dist"}
    names = {path.name for path in house.root.iterdir() if path.is_dir()}
    ours = {n for n in names if not n.startswith((".", "__")) and not n.endswith(".egg-info")}
    return [f"{name}/: no room of the house" for name in sorted(ours - TOP - made)]


def names(house: House) -> list[str]:
    """No room for things without a name."""
    return [
        f"{source.path}: '{part}' says nothing about what is in it"
        for source in house.sources
        for part in source.parts
        if part in FORBIDDEN_NAMES
    ]


def file_length(house: House) -> list[str]:
    """A file above the ceiling splits."""
    return [f"{s.path}: {s.lines} lines" for s in house.sources if s.lines > FILE_LINES]


def function_length(house: House) -> list[str]:
    """A function stays below the ceiling."""
    return [
        f"{source.path}:{function.lineno}: {function.name} has {_lines(function)} lines"
        for source in house.sources
        for function in source.functions()
        if _lines(function) > FUNCTION_LINES
    ]


def function_median(house: House) -> list[str]:
    """Half of our functions have at most ten lines, their docstrings apart."""
    lengths = [_lines(f) - _doc_lines(f) for source in house.below(*CODE) for f in source.functions()]
    middle = median(lengths) if lengths else 0
    return [f"median function: {middle} lines"] if middle > FUNCTION_MEDIAN else []


def pure_imports(house: House) -> list[str]:
    """A pure room imports nothing that reads, writes, waits or draws."""
    return [
        f"{source.path}:{line}: a pure room imports {name}"
        for source in house.pure()
        for line, name in source.imports()
        if name.split(".")[0] in IMPURE_MODULES
    ]


def pure_calls(house: House) -> list[str]:
    """A pure room opens, prints, asks the clock or draws without a seed nowhere."""
    return [
        f"{source.path}:{call.lineno}: a pure room calls {name}()"
        for source in house.pure()
        for call, name in source.calls()
        if name in IMPURE_CALLS or name.endswith(IMPURE_ENDS) or _draws(call, name)
    ]


def unsafe(house: House) -> list[str]:
    """Nothing that runs what it reads, and no codec that names pickle."""
    found = []
    for source in house.below(*CODE):
        found += [
            f"{source.path}:{n}: imports {m}" for n, m in source.imports() if _root(m) in UNSAFE_MODULES
        ]
        found += [f"{source.path}:{c.lineno}: {m}()" for c, m in source.calls() if m in UNSAFE_CALLS]
        found += [
            f"{source.path}:{node.lineno}: names the codec 'pickle'"
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Constant) and node.value == "pickle"
        ]
    return found


def data_sets(house: House) -> list[str]:
    """Code that runs names no data set: a population is its portfolio file. Docstrings may cite and show."""
    found = []
    for source in house.below("services", "shared"):
        if source.path in DATA_SETS_ALLOWED:
            continue
        said = [*((1, part) for part in source.parts), *_said(source)]
        found += [f"{source.path}:{line}: names the data set '{w}'" for line, w in said if DATA_SET.search(w)]
    return found


def broad_except(house: House) -> list[str]:
    """No `except Exception` that swallows; what may stand is listed with its reason."""
    return [
        f"{source.path}:{line}: broad except in {name} does not raise"
        for source, name, line in swallowing(house)
        if f"{source.path}:{name}" not in BROAD_ALLOWED
    ]


def swallowing(house: House) -> list[tuple[Source, str, int]]:
    """File, function and line of every broad except that does not raise again."""
    return [
        (source, getattr(owner, "name", "<module>"), handler.lineno)
        for source in house.below(*CODE)
        for owner in [source.tree, *source.functions()]
        for handler in _own_handlers(owner)
        if _is_broad(handler) and not _raises(handler)
    ]


def reason_codes(house: House) -> list[str]:
    """Every code that an outcome or a refusal names is declared in `shared/contracts/reasons.py`."""
    declared = _declared_reasons(house)
    return [
        f"{source.path}:{call.lineno}: reason '{code}' is not declared"
        for source in house.below("services", "shared")
        for call, name in source.calls()
        if name.split(".")[-1] in REASONED
        for code in _first_text(call)
        if code not in declared
    ]


def service_shape(house: House) -> list[str]:
    """Every service has the five parts, a card that says enough, and a short `__main__`."""
    found = []
    for folder in house.services():
        path = f"services/{folder.name}"
        found += [f"{path}: lacks {part}" for part in SHAPE if not (folder / part).exists()]
        card = house.source(f"{path}/__init__.py")
        text = ((ast.get_docstring(card.tree) if card else None) or "").lower()
        missing = [word for word in CARD_WORDS if word not in text]
        if len(text.splitlines()) < CARD_LINES or missing:
            found.append(
                f"{path}/__init__.py: the card names topics in and out, state and failure in 4 lines"
            )
        main = house.source(f"{path}/__main__.py")
        if main and main.lines > MAIN_LINES:
            found.append(f"{path}/__main__.py: {main.lines} lines, at most {MAIN_LINES}")
    return found


def system_tests(house: House) -> list[str]:
    """Tests of the whole system know it only from outside."""
    return [
        f"{source.path}:{line}: a system test imports {name}"
        for source in house.below("tests")
        if source.parts[1] == "system"
        for line, name in source.imports()
        if _root(name) in CODE
    ]


CHECKS: Final[dict[str, Callable[[House], list[str]]]] = {
    check.__name__: check
    for check in (
        top_level,
        names,
        file_length,
        function_length,
        function_median,
        pure_imports,
        pure_calls,
        unsafe,
        data_sets,
        broad_except,
        reason_codes,
        service_shape,
        system_tests,
    )
}


def _root(module: str) -> str:
    return module.split(".")[0]


def _said(source: Source) -> list[tuple[int, str]]:
    """Line and text of every name and constant that is no docstring."""
    nodes = list(ast.walk(source.tree))
    prose = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    found = []
    for node in nodes:
        line = getattr(node, "lineno", 1)
        words = [getattr(node, name, None) for name in ("id", "attr", "arg", "name")]
        if isinstance(node, ast.Constant) and id(node) not in prose:
            words.append(node.value)
        found += [(line, word) for word in words if isinstance(word, str)]
    return found


def _lines(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _doc_lines(function: Function) -> int:
    first = function.body[0]
    if ast.get_docstring(function) is None:
        return 0
    return (first.end_lineno or first.lineno) - first.lineno + 1


def _draws(call: ast.Call, name: str) -> bool:
    """Whether a call draws from numpy's global generator, or from one that nobody seeded."""
    owner, _, last = name.rpartition(".")
    if last == "default_rng" and not call.args and not call.keywords:
        return True
    return owner in {"np.random", "numpy.random"} and last not in SEEDED


def _own_handlers(owner: ast.Module | Function) -> list[ast.ExceptHandler]:
    """Handlers in ``owner`` itself, not those of functions inside it."""
    found: list[ast.ExceptHandler] = []
    rest: list[ast.AST] = list(ast.iter_child_nodes(owner))
    while rest:
        node = rest.pop()
        if isinstance(node, Function):
            continue
        if isinstance(node, ast.ExceptHandler):
            found.append(node)
        rest += ast.iter_child_nodes(node)
    return found


def _is_broad(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(k, ast.Name) and k.id in {"Exception", "BaseException"} for k in kinds)


def _raises(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) for node in ast.walk(handler))


def _first_text(call: ast.Call) -> list[str]:
    """The reason code in a call, where it is written out."""
    named = [k.value for k in call.keywords if k.arg in {"reason", "code"}]
    values = [*call.args[:1], *named]
    return [v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str)]


def _declared_reasons(house: House) -> set[str]:
    table: Source | None = house.source("shared/contracts/reasons.py")
    if table is None:
        return set()
    keys = [k for node in ast.walk(table.tree) if isinstance(node, ast.Dict) for k in node.keys]
    return {k.value for k in keys if isinstance(k, ast.Constant) and isinstance(k.value, str)}
