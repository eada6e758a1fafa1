"""Where a record is on the branch, its identity, and its bytes."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

import msgspec

from ghmlops.core.history.record import AnyRecord, OutcomeRecord, record_time

MAX_RECORD_BYTES = 256 * 1024
"""Bytes of one record: the digests of 512 evidence files fit."""
_RECORD = re.compile(r"records/([0-9]{4}-[0-9]{2})/([0-9]{8}T[0-9]{6}Z)-([0-9a-f]{16})-([0-9a-f]{16})\.json")
_FOLD = re.compile(r"folded/([0-9]{4}-[0-9]{2})-([0-9a-f]{16})\.parquet")


class Place(NamedTuple):
    """The parts of the path of a record."""

    month: str
    """Year and month (UTC), `2026-11`."""
    second: str
    """Time of the record (UTC), `20261129T150405Z`."""
    id: str
    """Identity of the record: the same event has the same id."""
    digest: str
    """Start of the SHA-256 of its bytes."""


def encode_record(record: AnyRecord) -> bytes:
    """Return the bytes of a record; the same record has the same bytes."""
    return msgspec.json.encode(record) + b"\n"


def digest_of(content: bytes) -> str:
    """Return the digest of bytes as it stands in a path."""
    return hashlib.sha256(content).hexdigest()[:16]


def record_id(record: AnyRecord) -> str:
    """Return the identity of a record, 16 hexadecimal digits.

    It does not depend on what is looked up later (the hypothesis), so that an event is recorded once. A deployment has
    one outcome, whoever writes it.
    """
    if isinstance(record, OutcomeRecord):
        parts = ["outcome", record.of]
    else:
        kind = type(record).__struct_config__.tag
        command = getattr(record, "command", "")
        parts = [str(kind), command, record.repository, record.service, record.environment, record.commit]
        parts += [record.run_id, str(record.run_attempt), record.time]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def record_path(record: AnyRecord) -> str:
    """Return the path of a record on the branch.

    Raises:
        ValueError: Its time is not a time with a time zone.
    """
    return path_of(record, encode_record(record))


def path_of(record: AnyRecord, content: bytes) -> str:
    """Return the path of a record whose bytes are `content`, which another version may have written.

    Raises:
        ValueError: Its time is not a time with a time zone.
    """
    time, digest = record_time(record), digest_of(content)
    return f"records/{time:%Y-%m}/{time:%Y%m%dT%H%M%SZ}-{record_id(record)}-{digest}.json"


def parse_record_path(path: str) -> Place | None:
    """Return the parts of the path of a record; `None` for any other path."""
    match = _RECORD.fullmatch(path)
    return Place(match[1], match[2], match[3], match[4]) if match else None


def fold_path(month: str, content: bytes) -> str:
    """Return the path of a Parquet file with the records of a month."""
    return f"folded/{month}-{digest_of(content)}.parquet"


def parse_fold_path(path: str) -> str | None:
    """Return the digest in the path of a Parquet file with records; `None` for any other path."""
    match = _FOLD.fullmatch(path)
    return match[2] if match else None
