"""Appends to one lake table, exactly once per row, by offsets that stand in the same commit as the rows.

The rule that keeps it so: whether rows are new is decided on the version that this handle has read, and
the commit goes through the same handle. If another commit moved one of our offsets in between, the log
refuses ours; then the files are deleted, the handle reads again and decides again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction

from .lake_away import LakeAway
from .lake_files import open_files, remove_files, write_rows
from .lake_tables import PARTITION_COLUMNS, TableCard

ATTEMPTS: Final = 5

AT_BEFORE_WRITE: Final = "archiver.before_write"
AT_BEFORE_COMMIT: Final = "archiver.before_lake_commit"
AT_AFTER_COMMIT: Final = "archiver.after_lake_commit"


class Source(NamedTuple):
    """A partition of a topic that feeds a table."""

    topic: str
    partition: int

    @property
    def app_id(self) -> str:
        """The name of its offset in the table's log."""
        return f"{self.topic}/{self.partition}"


class LakeTable:
    """One table, held at the version last read. Callers in several threads come one after the other: two in
    between would decide on one version and commit on the next, which the log has no reason to refuse.
    """

    def __init__(
        self,
        handle: DeltaTable,
        card: TableCard,
        storage_options: dict[str, str] | None = None,
        reach: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.card = card
        self._handle = handle
        self._files = open_files(_plain(handle.table_uri), storage_options)
        self._reach = reach
        self._next: dict[Source, int | None] = {}
        self._turn = Lock()

    @property
    def version(self) -> int:
        """The version last read."""
        return int(self._handle.version())

    def next_offset(self, source: Source) -> int | None:
        """The first offset of ``source`` that the version last read does not hold; None: never fed."""
        # Asking the log costs milliseconds; between two readings only our own commits move an offset.
        if source not in self._next:
            self._next[source] = self._handle.transaction_version(source.app_id)
        return self._next[source]

    def reload(self) -> None:
        """Read the newest version. Raises LakeAway."""
        self._next.clear()
        self._read_on()

    def _read_on(self) -> None:
        try:
            self._handle.update_incremental()
        except (DeltaError, OSError) as error:
            raise LakeAway(str(error)) from error

    def append(self, rows: pa.Table, ends: Mapping[Source, int], at_ms: int) -> int:
        """Add those of ``rows`` that are not there yet, and move the offsets to ``ends``; both or neither.

        ``rows`` has the card's columns; ``ends`` names the offset after the last row of each source.
        Returns the number of rows added. Raises LakeAway.
        """
        with self._turn:
            return self._append(rows, ends, at_ms)

    def _append(self, rows: pa.Table, ends: Mapping[Source, int], at_ms: int) -> int:
        for _ in range(ATTEMPTS):
            fresh = self._not_yet_there(rows, ends)
            if fresh.num_rows == 0:
                return 0
            self._reach(AT_BEFORE_WRITE)
            if self._try_commit(self._write(fresh, at_ms), ends):
                self._reach(AT_AFTER_COMMIT)
                self._moved(ends)
                return int(fresh.num_rows)
            self.reload()
        raise LakeAway(f"{self.card.name}: other writers won {ATTEMPTS} times")

    def _moved(self, ends: Mapping[Source, int]) -> None:
        """Our commit stands: the handle reads it, and unless others came between, nothing else moved."""
        known = {source: max(end, self.next_offset(source) or 0) for source, end in ends.items()}
        ours = self.version + 1
        self._read_on()
        if self.version == ours:
            self._next.update(known)
        else:
            self._next.clear()

    def _not_yet_there(self, rows: pa.Table, ends: Mapping[Source, int]) -> pa.Table:
        for source in ends:
            known = self.next_offset(source)
            if known is None:
                continue
            ours = pc.and_(
                pc.equal(rows["partition"], source.partition), pc.equal(rows["topic"], source.topic)
            )
            there = pc.and_(ours, pc.less(rows["offset"], known))
            if pc.any(there).as_py():
                rows = rows.filter(pc.invert(there))
        return rows

    def _write(self, rows: pa.Table, at_ms: int) -> list[AddAction]:
        try:
            return write_rows(self._files, rows, at_ms)
        except (OSError, pa.ArrowException) as error:
            raise LakeAway(str(error)) from error

    def _try_commit(self, actions: list[AddAction], ends: Mapping[Source, int]) -> bool:
        """False if another commit has moved an offset of ours since the version last read."""
        self._reach(AT_BEFORE_COMMIT)
        moved = [
            Transaction(source.app_id, end)
            for source, end in ends.items()
            if end > (self.next_offset(source) or 0)
        ]
        try:
            self._handle.create_write_transaction(
                [*actions],
                mode="append",
                schema=self.card.columns,
                partition_by=list(PARTITION_COLUMNS),
                commit_properties=CommitProperties(app_transactions=moved),
            )
        except CommitFailedError:
            return self._stands(actions)
        except (DeltaError, OSError) as error:
            if self._stands(actions):
                return True
            raise LakeAway(str(error)) from error
        return True

    def _stands(self, actions: list[AddAction]) -> bool:
        """Whether a commit that reported a fault was written after all; if not, its files are deleted.

        The log's entry may stand although what follows it (a checkpoint, say) failed. While the log
        cannot be read nothing is deleted: an unnamed file does no harm. Raises LakeAway.
        """
        self.reload()
        named = {uri.rpartition("/")[2] for uri in self._handle.file_uris()}
        paths = [action.path for action in actions]
        if any(path.rpartition("/")[2] in named for path in paths):
            return True
        remove_files(self._files, paths)
        return False


def _plain(uri: str) -> str:
    """A local table's folder, or the URI of another store."""
    return uri.removeprefix("file://")
