"""Leaves the record of a command as a file, for the job that appends records to the history."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from ghmlops.act.files import write_atomically
from ghmlops.core.history.from_results import Origin
from ghmlops.core.history.place import encode_record
from ghmlops.measure import checkout

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.history.record import AnyRecord


def record_origin(services: Services) -> Origin:
    """Return the run that leaves a record, now."""
    context = services.context
    return Origin(
        time=services.now().astimezone(UTC).isoformat(timespec="seconds"),
        repository=context.repository or checkout.repository_name(services.cwd),
        run_id=context.run_id,
        run_attempt=context.run_attempt,
        run_url=context.run_url,
        person=context.triggering_actor or context.actor,
    )


def leave_record(file: str, record: AnyRecord, services: Services) -> str:
    """Write a record to a file and return its name; with an empty name nothing is written.

    Raises:
        InputError: The file cannot be written.
    """
    if file:
        write_atomically(services.cwd / file, encode_record(record))
    return file
