"""Live traffic beside a stack that began without it: the simulator as a process, found after a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from infra.local import processes
from infra.local.layout import DataDir
from infra.local.options import StackOptions
from infra.local.ports import free_ports
from infra.local.service import ServiceProcess
from infra.local.services import SERVICES, service_environment
from infra.local.state import StackState

NAME: Final = "simulator"
GRACE_S: Final = 10.0


class LiveTraffic:
    """The simulator against a running stack."""

    def __init__(self, data: DataDir, state: StackState, rate: float) -> None:
        self._data = data
        options = msgspec.structs.replace(state.options, rate=rate)
        self._server = simulator(data, options, state.addresses)

    def start(self) -> None:
        """Start it and wait until it is ready. Raises StackError."""
        self._server.start()
        assert self._server.record is not None
        _record_file(self._data).write_bytes(msgspec.json.encode(self._server.record))

    def keep(self) -> bool:
        """Start it again if it has ended; whether it had."""
        if self._server.exit_code() is None:
            return False
        self._server.stop()
        self.start()
        return True

    def stop(self) -> None:
        """End it."""
        self._server.stop()
        _record_file(self._data).unlink(missing_ok=True)


def simulator(data: DataDir, options: StackOptions, addresses: dict[str, str]) -> ServiceProcess:
    """The simulator's process, not yet started."""
    row = next(row for row in SERVICES if row.name == NAME)
    (port,) = free_ports(1)
    env = service_environment(row, 1, options, addresses, port)
    return ServiceProcess(NAME, row.module, env, port, data.log(NAME))


def sweep(data: DataDir) -> list[str]:
    """End a simulator that an earlier run left behind; its name, or nothing."""
    path = _record_file(data)
    try:
        record = msgspec.json.decode(path.read_bytes(), type=processes.ProcessRecord)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return []
    stopped = processes.stop(record, GRACE_S)
    path.unlink(missing_ok=True)
    return [NAME] if stopped else []


def _record_file(data: DataDir) -> Path:
    return data.root / "run" / "simulator.json"
