"""A real Redis server as a child process, on a unix socket of its own and no port."""

from __future__ import annotations

import hashlib
import os
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from shared.contracts.access import OPERATOR
from shared.contracts.addresses import RedisAddress

from .errors import StackError
from .jars import Jars
from .redis_access import acl_file
from .redis_binary import redis_binary
from .secrets import NAMES, Secrets, write_private
from .server import Server

SOCKET_PATH_LIMIT: Final = 100
"""A socket's path has 104 to 108 bytes at most, its end mark included."""

PROBE_TIMEOUT_S: Final = 0.5


class RedisServer(Server):
    """Redis with its data in ``folder``: `noeviction`, with ``append_only`` a file synced each second.

    ``.address`` is how clients reach it: with ``secrets`` as the operator, and each other user has its
    commands on the keys of ``portfolio``. ``path_first`` False prefers the locked server to the system's.
    """

    ready_timeout_s = 30.0

    def __init__(
        self,
        folder: Path,
        *,
        append_only: bool = True,
        max_memory_bytes: int = 0,
        jars: Jars | None = None,
        log_path: Path | None = None,
        path_first: bool = True,
        secrets: Secrets | None = None,
        portfolio: str = "",
    ) -> None:
        self._secrets = secrets
        self._portfolio = portfolio
        self.folder = folder.absolute()
        self.append_only = append_only
        self.max_memory_bytes = max_memory_bytes
        self._jars = jars or Jars()
        self._path_first = path_first
        self._binary: Path | None = None
        self.socket_path = str(_socket_path(self.folder))
        super().__init__("redis", log_path or self.folder / "redis.log", mark=self.socket_path)

    @property
    def url(self) -> str:
        """``unix:///...`` for clients."""
        return f"unix://{self.socket_path}"

    @property
    def address(self) -> RedisAddress:
        """What clients are given. Raises StackError for a password that cannot be read."""
        return RedisAddress(self.url) if self._secrets is None else self._secrets.redis(self.url, OPERATOR)

    def prepare(self) -> None:
        """A binary, the folder, and no socket left behind by a dead server. Raises StackError."""
        self._binary = self._binary or redis_binary(self._jars, path_first=self._path_first)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _make_private(Path(self.socket_path).parent)
            self._write_users()
            if not self.probe():
                Path(self.socket_path).unlink(missing_ok=True)
        except OSError as error:
            raise StackError(
                f"The folder {self.folder} cannot be written: {error}.",
                "Choose another with --data-dir, or free some space.",
            ) from error

    def _greeting(self) -> bytes:
        """In one packet, so that Redis answers in one."""
        if self._secrets is None or not self._secrets.knows("redis", OPERATOR):
            return b"PING\r\n"
        return f"AUTH {OPERATOR} {self._secrets.read('redis', OPERATOR)}\r\nPING\r\n".encode()

    def _write_users(self) -> None:
        if self._secrets is None:
            return
        self._secrets.make()
        passwords = {name: self._secrets.read("redis", name) for name in NAMES["redis"]}
        write_private(self._users, acl_file(self._portfolio, passwords))

    @property
    def _users(self) -> Path:
        return self.folder / "users.acl"

    def command(self) -> Sequence[str]:
        """The server with every setting on its command line; Redis shows the socket in its process title."""
        settings: dict[str, str | int] = {
            "port": 0,
            "unixsocket": self.socket_path,
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": "yes" if self.append_only else "no",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory": self.max_memory_bytes,
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        if self._secrets is not None:
            settings["aclfile"] = str(self._users)
        words = [str(word) for key, value in settings.items() for word in (f"--{key}", value)]
        return [str(self._binary), *words]

    def probe(self) -> bool:
        """Whether the server answers PING; while it loads its file it does not."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PROBE_TIMEOUT_S)
            try:
                client.connect(self.socket_path)
                client.sendall(self._greeting())
                return client.recv(64).endswith(b"+PONG\r\n")
            except OSError:
                return False


def _socket_path(folder: Path) -> Path:
    """In the folder; where that path is too long for a socket, in a short private one named after it."""
    path = folder / "redis.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir(), f"assay-{os.getuid()}", f"{name}.sock")


def _make_private(folder: Path) -> None:
    """The folder exists and is ours; if made here, only we enter it. Raises PermissionError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user")
