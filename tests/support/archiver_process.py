"""A real archiver as a child process, and what it left in the lake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from shared.stores.lake_scan import LakeScan
from tests.support.service_process import ServiceProcess
from tests.support.service_process import produce as produce
from tests.support.service_process import wait_until as wait_until


@dataclass(slots=True)
class ArchiverProcess(ServiceProcess):
    """Starts and ends archivers of one portfolio over one data folder."""

    service: ClassVar[str] = "archiver"
    defaults: ClassVar[dict[str, str]] = {"WRITE_EVERY_MS": "100"}

    @property
    def scan(self) -> LakeScan:
        """The lake as it is now."""
        return LakeScan(self.data_dir / "lake")

    def wait_for_rows(self, table: str, rows: int) -> None:
        """Until ``table`` holds at least ``rows`` rows of the portfolio, refused ones included."""
        wait_until(lambda: self.count(table) >= rows, f"{rows} rows in {table}", self.log)

    def count(self, table: str) -> int:
        """Good and refused rows."""
        good = self.scan.rows(table, self.portfolio, columns=["offset"]).height
        return good + self.scan.refused(table, self.portfolio).height

    def offsets(self, table: str) -> list[tuple[int, int]]:
        """(partition, offset) of every row, sorted."""
        names = ["partition", "offset"]
        good = self.scan.rows(table, self.portfolio, columns=names)
        return sorted([*good.rows(), *self.scan.refused(table, self.portfolio).select(names).rows()])
