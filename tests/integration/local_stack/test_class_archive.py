"""Java's archive of classes: made by one start, used by the next, and never in the way."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from infra.local.class_archive import ClassArchive
from infra.local.jars import Jars, java

PROGRAM = ("kafka.tools.StorageTool", "random-uuid")
SHARED = "kafka.tools.StorageTool source: shared objects file (top)"


@pytest.fixture(scope="module")
def class_path() -> str:
    jars = Jars()
    jars.fetch()
    return jars.class_path()


def started(archive: ClassArchive, class_path: str) -> str:
    """Run a program of Kafka to its end; the classes it loaded and from where."""
    archive.prepare()
    command = [str(java()), *archive.start_flags(), "-Xlog:class+load", "-cp", class_path, *PROGRAM]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def test_one_start_makes_what_the_next_one_uses(tmp_path: Path, class_path: str) -> None:
    folder = tmp_path / "archives"
    first, second = (ClassArchive(folder, java(), class_path, ("-XX:+UseG1GC",)) for _ in range(2))
    assert SHARED not in started(first, class_path)
    first.keep()
    assert SHARED in started(second, class_path)
    second.keep()  # it made nothing
    assert sorted(folder.iterdir()) == sorted([second.own, second.program])

    second.program.write_bytes(b"cut off")
    assert SHARED not in started(second, class_path)


def test_other_jars_or_flags_have_an_archive_of_their_own(tmp_path: Path) -> None:
    made = [
        ClassArchive(tmp_path, java(), path, flags).program
        for path, flags in (("a.jar", ()), ("b.jar", ()), ("a.jar", ("-XX:+UseG1GC",)))
    ]
    assert len({*made}) == 3


def test_where_nothing_can_be_written_java_starts_as_ever(tmp_path: Path, class_path: str) -> None:
    (tmp_path / "file").touch()
    archive = ClassArchive(tmp_path / "file" / "archives", java(), class_path, ())
    archive.prepare()
    assert archive.start_flags() == ()
    archive.keep()
