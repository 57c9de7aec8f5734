"""The tables of the SQLite log, and the connection they are reached through.

    topics    name → base, partitions, policy         the logs of a topic are base … base + partitions - 1
    logs      log → start and next offset             one log = one partition of one topic
    records   (log << 40 | offset) → record           one integer key: an append goes to the end of its log
    stamps    (log, time) → next offset at that time  records below it were written by then: for retention
    groups, members, assignments, positions           consumer groups: see sqlite_group.py
    producers transactional id → epoch                an older epoch is fenced

One file in WAL mode: readers never wait, writers take turns. `synchronous=NORMAL` promises that a commit survives the
death of the process at any point; after a power loss the last commits may be gone, whole ones only.
"""

import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from streams.errors import Fatal, Retryable

SCHEMA_VERSION = 1
OFFSET_BITS = 40
"""A log holds up to 2^40 offsets, a file up to 2^22 logs."""

BUSY_S = 5.0
"""How long a writer waits for its turn. Commits take milliseconds; longer means that a writer hangs."""

_STEP_MAX = 32
"""Rows between two looks at their size."""

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE topics (name TEXT PRIMARY KEY, base INTEGER NOT NULL, partitions INTEGER NOT NULL,
                     compact INTEGER NOT NULL, retention_ms INTEGER) WITHOUT ROWID;
CREATE TABLE logs (log INTEGER PRIMARY KEY, start_offset INTEGER NOT NULL DEFAULT 0,
                   next_offset INTEGER NOT NULL DEFAULT 0, cleaned_offset INTEGER NOT NULL DEFAULT 0,
                   cleaned_records INTEGER NOT NULL DEFAULT 0);
CREATE TABLE records (id INTEGER PRIMARY KEY, key BLOB, value BLOB, at INTEGER NOT NULL, headers BLOB);
CREATE TABLE stamps (log INTEGER, at INTEGER, next_offset INTEGER NOT NULL, PRIMARY KEY (log, at)) WITHOUT ROWID;
CREATE TABLE producers (id TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE groups (name TEXT PRIMARY KEY, generation INTEGER NOT NULL, members_ever INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE members (name TEXT PRIMARY KEY, in_group TEXT NOT NULL, generation INTEGER NOT NULL,
                      heartbeat_at INTEGER NOT NULL, timeout_ms INTEGER NOT NULL, topics TEXT NOT NULL,
                      process TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE assignments (in_group TEXT, log INTEGER, owner TEXT, target TEXT,
                          PRIMARY KEY (in_group, log)) WITHOUT ROWID;
CREATE TABLE positions (in_group TEXT, log INTEGER, next_offset INTEGER NOT NULL, metadata TEXT NOT NULL,
                        PRIMARY KEY (in_group, log)) WITHOUT ROWID;
"""

_RETRY = {
    sqlite3.SQLITE_BUSY: "another process holds the write lock of {path}; it will be tried again",
    sqlite3.SQLITE_LOCKED: "another connection holds a lock on {path}; it will be tried again",
    sqlite3.SQLITE_FULL: "the disk that holds {path} is full: make room, the worker goes on by itself",
    sqlite3.SQLITE_IOERR: "reading or writing {path} failed: look at the disk, the worker goes on by itself",
    sqlite3.SQLITE_NOMEM: "out of memory while using {path}",
}
_FATAL = {
    sqlite3.SQLITE_CORRUPT: "the log file {path} is damaged: restore a copy of it, or move it away and start anew",
    sqlite3.SQLITE_NOTADB: "{path} is not a log file of ours: name another path, or move that file away",
    sqlite3.SQLITE_READONLY: "{path} cannot be written: give this user the right to write the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened: the folder must exist and be writable by this user",
    sqlite3.SQLITE_PERM: "{path} cannot be accessed: give this user the right to read and write it",
}


class Database:
    """One connection. Threads of a process share it; each call is short and takes turns."""

    def __init__(self, path: str) -> None:
        """Open or create. Raises `Fatal` for a file that is damaged, foreign or of a newer version."""
        self.path = path
        self._lock = threading.RLock()
        self._writes = 0
        with self._translated():
            self._connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query. Outside of `write` it sees committed data of one moment."""
        try:
            with self._lock:
                return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            self._raise(error)

    def rows_within(self, sql: str, values: Sequence[Any], bytes_max: int) -> tuple[list[Any], int, bool]:
        """Rows of a query until their third column adds up to `bytes_max`, how large that is, and whether they are all.

        At least one row, if there is one. Looks at the size row by row at first, and less often where rows are small.
        """
        rows: list[Any] = []
        size, step = 0, 1
        try:
            with self._lock:
                cursor = self._connection.execute(sql, values)
                while True:
                    part = cursor.fetchmany(step)
                    rows += part
                    if len(part) < step:
                        return rows, size, True
                    size += sum([len(row[2]) for row in part if row[2] is not None])
                    if size >= bytes_max:
                        cursor.close()
                        return rows, size, False
                    step = min(_STEP_MAX, 1 + (bytes_max - size) * len(rows) // (size + 1))
        except sqlite3.Error as error:
            self._raise(error)

    def version(self) -> tuple[int, int]:
        """Changes whenever anybody has committed something. Costs no more than a microsecond or two."""
        try:
            with self._lock:
                return self._connection.execute("PRAGMA data_version").fetchone()[0], self._writes
        except sqlite3.Error as error:
            self._raise(error)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that nobody else writes beside. Whatever leaves the block early undoes all of it."""
        with self._lock, self._translated():
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            self._writes += 1

    def close(self) -> None:
        """Close the connection; the last one folds the write-ahead log into the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """SQLite's errors in our words."""
        try:
            yield
        except sqlite3.Error as error:
            self._raise(error)

    def _raise(self, error: sqlite3.Error) -> NoReturn:
        """In our words, where we have some."""
        # The low byte is the kind of error, the rest is detail.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if words := _RETRY.get(code):
            raise Retryable(f"{words.format(path=self.path)} ({error})") from error
        if words := _FATAL.get(code):
            raise Fatal(f"{words.format(path=self.path)} ({error})") from error
        raise error

    def _prepare(self) -> None:
        with self._translated():
            for pragma in ("page_size=8192", "synchronous=NORMAL", "temp_store=MEMORY", "cache_size=-65536"):
                self._connection.execute(f"PRAGMA {pragma}").fetchall()
            self._switch_to_wal()
        with self.write() as connection:
            found = connection.execute("PRAGMA user_version").fetchone()[0]
            if found > SCHEMA_VERSION:
                raise Fatal(
                    f"log file {self.path}: want version {SCHEMA_VERSION}, found {found}; use the release that wrote it"
                )
            if found == 0:
                self._create(connection)

    def _switch_to_wal(self) -> None:
        """Processes that create the file at the same moment stand in each other's way here, and SQLite does not wait."""
        end = time.monotonic() + BUSY_S
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode=WAL").fetchall()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                time.sleep(0.005)
            else:
                return

    def _create(self, connection: sqlite3.Connection) -> None:
        if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            raise Fatal(f"{self.path} is a database of somebody else: name another path, or move that file away")
        for statement in _TABLES.split(";\n"):
            connection.execute(statement)
        connection.execute("INSERT INTO meta VALUES ('cluster_id', ?)", (uuid.uuid4().hex,))
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
