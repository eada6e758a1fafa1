"""Writes the check run of a commit: one per name and workflow run, in the order of the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.clients.github.calls import read_pages, write

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client
    from ghmlops.core.steps.check_run import CheckRun

READ, WRITE = "checks: read", "checks: write"


class WrittenCheckRun(NamedTuple):
    """The result of writing a check run."""

    url: str
    id: int
    state: str
    """`created`, `edited`, or `superseded` if there is one of a newer run."""


class _CheckRun(msgspec.Struct, frozen=True):
    id: int
    html_url: str | None = None
    external_id: str | None = None


def upsert_check_run(client: Client, check: CheckRun) -> WrittenCheckRun:
    """Create the check run, or edit that of the same workflow run and attempt.

    GitHub shows the newest check run of each name, so nothing is written if there is one of a newer run already.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    existing = _list(client, check)
    if newer := next((c for c in existing if check.is_older_than(c.external_id or "")), None):
        return WrittenCheckRun(newer.html_url or "", newer.id, "superseded")
    body = {
        "name": check.name,
        "external_id": check.external_id,
        "status": "completed",
        "conclusion": check.conclusion,
        "output": {"title": check.title, "summary": check.summary},
    }
    if check.details_url:
        body["details_url"] = check.details_url
    activity = f"writing the check {check.name} of commit {check.head_sha[:12]}"
    if same := _of_run(existing, check):
        address = f"check-runs/{same.id}"
        edited = write(client, "PATCH", address, _CheckRun, body=body, activity=activity, permission=WRITE)
        return WrittenCheckRun(edited.html_url or "", edited.id, "edited")
    created = write(
        client,
        "POST",
        "check-runs",
        _CheckRun,
        body={**body, "head_sha": check.head_sha},
        activity=activity,
        permission=WRITE,
        find_existing=lambda: _of_run(_list(client, check), check),
    )
    return WrittenCheckRun(created.html_url or "", created.id, "created")


def _of_run(existing: list[_CheckRun], check: CheckRun) -> _CheckRun | None:
    return next((c for c in existing if c.external_id == check.external_id), None)


def _list(client: Client, check: CheckRun) -> list[_CheckRun]:
    pages = read_pages(
        client,
        f"commits/{check.head_sha}/check-runs",
        _CheckRun,
        key="check_runs",
        parameters={"check_name": check.name, "filter": "all"},
        activity=f"listing the checks of commit {check.head_sha[:12]}",
        permission=READ,
    )
    return [item for page in pages for item in page]
