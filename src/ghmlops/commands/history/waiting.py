"""The records that wait to be appended: files that other jobs of the run left, untrusted until they match."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.commands.history.record_file import record_origin
from ghmlops.core.context import is_sha
from ghmlops.core.errors import GitHubError, InputError
from ghmlops.core.history.from_results import from_promotion, quarantine_by_gate
from ghmlops.core.history.hypothesis import parse_hypotheses
from ghmlops.core.history.place import MAX_RECORD_BYTES, encode_record
from ghmlops.core.history.reading import CLOCK_TOLERANCE, decode_record
from ghmlops.core.history.record import DeploymentRecord, OutcomeRecord, record_time
from ghmlops.core.promotion.record import PromotionRecord
from ghmlops.measure.checkout import git_read

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.commands.history.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.history.record import AnyRecord

MAX_FILES = 500
"""Files of one append."""


def read_waiting(inputs: Inputs, services: Services) -> list[AnyRecord]:
    """Return the records of a folder and its subfolders, with the hypothesis of each deployment.

    Nothing is appended unless every file is a record of this run: a folder with a file that is none comes from a job
    that is set up wrongly, or from one that is hostile.

    Raises:
        InputError: There is no such folder, or a file is no record of this repository and run.
    """
    folder = services.cwd / inputs.records
    if not folder.is_dir():
        raise InputError(
            f"input `records`: {inputs.records} is not a folder",
            hint="download the artifacts with the records into it, for example with actions/download-artifact",
        )
    paths = sorted(path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    if len(paths) > MAX_FILES:
        raise InputError(f"{inputs.records} contains {len(paths)} files, more than {MAX_FILES}", hint="append fewer")
    records: list[AnyRecord] = []
    for path in paths:
        name = str(path.relative_to(services.cwd) if path.is_relative_to(services.cwd) else path)
        for record in _read(path, name, services):
            _check(record, name, services)
            records.append(_with_commit_time(record, services))
    return _with_hypotheses(records, inputs, services)


def _read(path: Path, name: str, services: Services) -> tuple[AnyRecord, ...]:
    hint = "let the folder contain nothing but the record files of gate, promote, revert, watch and scale"
    if path.is_symlink() or not path.is_file():
        raise InputError(f"{name} is not a regular file", hint=hint)
    with path.open("rb") as stream:
        content = stream.read(MAX_RECORD_BYTES + 1)
    try:
        fields: Any = msgspec.json.decode(content)
        if isinstance(fields, dict) and "kind" not in fields and "rungs" in fields:
            promotion = msgspec.json.decode(content, type=PromotionRecord)
            return from_promotion(promotion, record_origin(services))
        record = decode_record(content)
        quarantine = quarantine_by_gate(record) if isinstance(record, DeploymentRecord) else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise InputError(f"{name} is no record: {error}", hint=hint) from None
    return (record, quarantine) if quarantine else (record,)


def _check(record: AnyRecord, name: str, services: Services) -> None:
    """Raise unless a record is one of this repository, this run, and the past."""
    context = services.context
    problem = ""
    if isinstance(record, OutcomeRecord):
        problem = "is an outcome, which only the task `outcome` records"
    elif not is_sha(record.commit):
        problem = "names no full SHA as its commit"
    elif context.repository and record.repository != context.repository:
        problem = f"is a record of {record.repository[:100]!a} and not of {context.repository}"
    elif context.in_actions and record.run_id != context.run_id:
        problem = f"is a record of run {record.run_id[:20]!a} and not of run {context.run_id}"
    elif context.in_actions and record.run_url not in ("", context.run_url):
        problem = "has the address of another run"
    elif len(encode_record(record)) > MAX_RECORD_BYTES:
        problem = f"has more than {MAX_RECORD_BYTES:,} bytes"
    else:
        try:
            if record_time(record) > services.now() + CLOCK_TOLERANCE:
                problem = f"has the time {record.time}, which is in the future: the clock of its writer is wrong"
        except ValueError as error:
            problem = f"has no time: {error}"
    if problem:
        raise InputError(f"{name} {problem}", hint="append what a command wrote in an earlier job of the same run")


def _with_commit_time(record: AnyRecord, services: Services) -> AnyRecord:
    """Return a deployment with the time of its commit, if the checkout has the commit."""
    if not isinstance(record, DeploymentRecord):
        return record
    text = git_read(services.cwd, "show", "--no-patch", "--format=%cI", f"{record.commit}^{{commit}}", "--")
    committed = datetime.fromisoformat(text).astimezone(UTC).isoformat() if text else ""
    return msgspec.structs.replace(record, committed=committed)


def _with_hypotheses(records: list[AnyRecord], inputs: Inputs, services: Services) -> list[AnyRecord]:
    """Return the records with what the merged pull request of their commit expects, if there is a token to read it."""
    context = services.context
    if not (inputs.token and context.api_url and context.repository):
        return records
    from ghmlops.commands.shared.github import connection
    from ghmlops.measure.github.pull_requests import merged_pull_request

    completed: list[AnyRecord] = []
    with connection(inputs.token, services) as client:
        for record in records:
            if not isinstance(record, DeploymentRecord) or record.pull_request is not None:
                completed.append(record)
                continue
            try:
                pull = merged_pull_request(client, record.commit)
            except GitHubError as error:
                services.console.note(f"the hypothesis of {record.commit[:12]} is unknown: {error.message}")
                pull = None
            if pull is not None:
                expected = parse_hypotheses(pull.body)
                record = msgspec.structs.replace(record, hypothesis=expected, pull_request=pull.number)  # noqa: PLW2901
            completed.append(record)
    return completed
