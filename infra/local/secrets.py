"""Passwords of one stack: a file each, made once, read by nobody but the user who started it."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from shared.contracts.access import OPERATOR, PRINCIPALS
from shared.contracts.addresses import KafkaAddress, RedisAddress

from .errors import StackError
from .redis_access import USERS

PASSWORD_BYTES: Final = 24

Part = Literal["kafka", "redis"]

NAMES: Final[dict[Part, tuple[str, ...]]] = {
    "kafka": (*(principal.name for principal in PRINCIPALS), OPERATOR),
    "redis": (*(user.name for user in USERS), OPERATOR),
}


@dataclass(frozen=True, slots=True)
class Secrets:
    """The files ``folder/PART.USER``."""

    folder: Path

    def make(self) -> None:
        """Draw what is missing; the folder is ours alone. Raises StackError."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            for part, names in NAMES.items():
                for name in names:
                    _draw(self.file(part, name), secrets.token_urlsafe(PASSWORD_BYTES))
            _draw(self.operator_key, f"assay_{secrets.token_hex(6)}_{secrets.token_hex(32)}")
            _draw(self.console_key, f"assay_console_{secrets.token_hex(32)}")
            _draw(self.console_admin, secrets.token_urlsafe(PASSWORD_BYTES))
        except OSError as error:
            raise StackError(
                f"The folder {self.folder} cannot be written: {error}.",
                "It must be yours: delete it, and the next start makes it anew.",
            ) from error

    @property
    def operator_key(self) -> Path:
        """The file of the key that may manage the gateway's keys."""
        return self.folder / "gateway.operator"

    @property
    def console_key(self) -> Path:
        """The file of the key by which the command line manages the console's users."""
        return self.folder / "console.operator"

    @property
    def console_admin(self) -> Path:
        """The file of the password of the console's first user, admin."""
        return self.folder / "console.admin"

    def file(self, part: Part, user: str) -> Path:
        """Where the password of ``user`` is, known or not."""
        return self.folder / f"{part}.{user}"

    def knows(self, part: Part, user: str) -> bool:
        """Whether ``user`` may sign in to ``part``."""
        return user in NAMES[part] and self.file(part, user).is_file()

    def read(self, part: Part, user: str) -> str:
        """The password of ``user``. Raises StackError."""
        try:
            return self.file(part, user).read_text(encoding="ascii").strip()
        except OSError as error:
            raise StackError(
                f"The password of {user} cannot be read: {error}.", "The next `assay up` makes it anew."
            ) from error

    def kafka(self, bootstrap: str, user: str) -> KafkaAddress:
        """How ``user`` reaches Kafka; plainly where there is no password for it. Raises StackError."""
        if not self.knows("kafka", user):
            return KafkaAddress(bootstrap)
        return KafkaAddress(bootstrap, user, self.read("kafka", user), str(self.file("kafka", user)))

    def redis(self, url: str, user: str) -> RedisAddress:
        """How ``user`` reaches Redis; plainly where there is no password for it. Raises StackError."""
        return (
            RedisAddress(url, user, self.read("redis", user))
            if self.knows("redis", user)
            else RedisAddress(url)
        )


def write_private(path: Path, text: str) -> None:
    """Replace ``path`` by a file that only we can read. Raises OSError."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)


def _draw(path: Path, secret: str) -> None:
    if path.exists():
        path.chmod(0o600)
    else:
        write_private(path, secret + "\n")
