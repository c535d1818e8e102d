"""The lock files as tables: which package is pinned at which version, under which marker, by which hashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@dataclass(frozen=True)
class Pin:
    """One pinned distribution of a lock file."""

    requirement: Requirement
    hashes: frozenset[str]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        (clause,) = self.requirement.specifier
        return clause.version


def read(text: str) -> list[Pin]:
    """The pins of a lock file. Raises ValueError for a line that is no pin with ``==``."""
    logical = text.replace("\\\n", " ").splitlines()
    return [_pin(line) for line in logical if line.strip() and not line.lstrip().startswith("#")]


def _pin(line: str) -> Pin:
    head, *hashes = line.split("--hash=")
    requirement = Requirement(head.strip())
    if [clause.operator for clause in requirement.specifier] != ["=="]:
        raise ValueError(f"no pin: {head}")
    return Pin(requirement, frozenset(h.strip() for h in hashes))


def drift(declared: Sequence[str], pins: list[Pin]) -> list[str]:
    """Requirements of pyproject.toml that ``pins`` do not meet."""
    found = []
    for text in declared:
        wanted = Requirement(text)
        pinned = [p for p in pins if p.name == canonicalize_name(wanted.name)]
        if not pinned:
            found.append(f"{text}: not locked")
        found += [f"{text}: locked at {p.version}" for p in pinned if p.version not in wanted.specifier]
    return found


def differences(small: list[Pin], large: list[Pin]) -> list[str]:
    """Pins of ``small`` that do not stand in ``large`` with the same version, marker and hashes."""
    known = {(p.name, p.version, str(p.requirement.marker), p.hashes) for p in large}
    return [
        f"{p.requirement}: differs"
        for p in small
        if (p.name, p.version, str(p.requirement.marker), p.hashes) not in known
    ]
