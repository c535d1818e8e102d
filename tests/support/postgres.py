"""A real PostgreSQL of the test session, from Debian's packages, on a socket of its own."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, create_engine
from sqlalchemy.exc import OperationalError

ROOTS = Path("/usr/lib/postgresql")
USER = "postgres"
WAIT_S = 20.0


def why_not() -> str:
    """Why there is no PostgreSQL here, "" if there is one."""
    if _binaries() is None:
        return f"no PostgreSQL under {ROOTS}: apt-get install postgresql"
    if importlib.util.find_spec("psycopg") is None:
        return "no driver for PostgreSQL: pip install 'psycopg[binary]'"
    return ""


def _binaries() -> Path | None:
    found = sorted(ROOTS.glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def postgres_server() -> Iterator[URL]:
    """The URL of a server that ends with the block. Only where `why_not` says nothing."""
    binaries = _binaries()
    assert binaries is not None
    # Not pytest's folders: they are the tester's alone, and the server refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix="assay-pg-"))
    runs_as = _user()
    if runs_as is not None:
        os.chown(folder, runs_as.pw_uid, runs_as.pw_gid)
    data = folder / "data"
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True,
        capture_output=True,
        user=runs_as and runs_as.pw_uid,
        cwd=folder,
    )
    server = subprocess.Popen(
        [binaries / "postgres", "-D", data, "-k", folder, "-h", "", "-c", "fsync=off"],
        stderr=subprocess.DEVNULL,
        user=runs_as and runs_as.pw_uid,
        cwd=folder,
    )
    url = URL.create("postgresql+psycopg", username=USER, database=USER, query={"host": str(folder)})
    try:
        _wait(url)
        yield url
    finally:
        server.terminate()
        server.wait(WAIT_S)
        shutil.rmtree(folder)


def _user() -> pwd.struct_passwd | None:
    """Who runs the server: we ourselves, unless we are root."""
    return pwd.getpwnam(USER) if os.geteuid() == 0 else None


def _wait(url: URL) -> None:
    engine = create_engine(url)
    end = time.monotonic() + WAIT_S
    while True:
        try:
            engine.connect().close()
        except OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            engine.dispose()
            return
