"""What Java keeps of Kafka's start: its classes, read, checked and laid out once (class data sharing).

It halves a broker's start. The first broker that is stopped writes the archive; whether one fits the jars and
the Java at hand is for Java to say: it goes on without one that does not.
"""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

DUMP_TIMEOUT_S: Final = 60

# What it skips and why is of no use to who reads Kafka's log.
QUIET: Final = ("-Xlog:cds*=off", "-Xlog:aot*=off")


class ClassArchive:
    """The archive for ``java`` with ``class_path`` and ``flags``, kept in ``folder``.

    Two files, as Java wants it: one of its own classes, one on top of it of the program's.
    What starts with other classes is another ``program``.
    """

    def __init__(
        self, folder: Path, java: Path, class_path: str, flags: Sequence[str], program: str = "kafka"
    ) -> None:
        key = sha256("\n".join([str(java), class_path, *flags]).encode()).hexdigest()[:16]
        self.own = folder / f"java-{key}.jsa"
        self.program = folder / f"{program}-{key}.jsa"
        self._made = folder / f".{uuid.uuid4().hex}.jsa"
        self._java = java
        self._flags = tuple(flags)

    def prepare(self) -> None:
        """Write the archive of Java's own classes, unless one is there or the folder is not ours."""
        if self.own.exists():
            return
        made = self._made.with_suffix(".own")
        command = [str(self._java), *self._flags, *QUIET, "-Xshare:dump", f"-XX:SharedArchiveFile={made}"]
        with suppress(OSError, subprocess.SubprocessError):
            self.own.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(command, capture_output=True, timeout=DUMP_TIMEOUT_S, check=True)
            made.replace(self.own)

    def start_flags(self) -> Sequence[str]:
        """Flags for the next start: to use the archive, or to make it. None where nothing was prepared."""
        if self.program.exists():
            return (*QUIET, f"-XX:SharedArchiveFile={self.program}")
        if not self.own.exists():
            return ()
        return (*QUIET, f"-XX:SharedArchiveFile={self.own}", f"-XX:ArchiveClassesAtExit={self._made}")

    def keep(self) -> None:
        """After the end of a process: what it made is whole now, and used from the next start on."""
        with suppress(OSError):
            self._made.replace(self.program)
