"""Writes the check run of a commit: one per name and workflow run, in the order of the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.clients.github.calls import read_pages, write

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client
    from ghmlops.core.steps.check_run import CheckRun

READ, WRITE = "checks: read", "checks: write"
ANNOTATIONS_PER_REQUEST = 50
"""Limit of GitHub; each further request appends to the annotations of the check run."""


class WrittenCheckRun(NamedTuple):
    """The result of writing a check run."""

    url: str
    id: int
    state: str
    """`created`, `edited`, or `superseded` if there is one of a newer run."""


class _Output(msgspec.Struct, frozen=True):
    annotations_count: int = 0


class _CheckRun(msgspec.Struct, frozen=True):
    id: int
    html_url: str | None = None
    external_id: str | None = None
    output: _Output = _Output()


def upsert_check_run(client: Client, check: CheckRun) -> WrittenCheckRun:
    """Create the check run, or edit that of the same workflow run and attempt.

    GitHub shows the newest check run of each name, so nothing is written if there is one of a newer run already.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    existing = _list(client, check)
    if newer := next((c for c in existing if check.is_older_than(c.external_id or "")), None):
        return WrittenCheckRun(newer.html_url or "", newer.id, "superseded")
    if same := _of_run(existing, check):
        written, state = _edit(client, check, same), "edited"
    else:
        written, state = _create(client, check), "created"
    # A request whose answer was lost may have appended: GitHub's count says where to go on.
    while (written_count := written.output.annotations_count) < len(check.annotations):
        written = _edit(client, check, written)
        if written.output.annotations_count <= written_count:
            break
    return WrittenCheckRun(written.html_url or "", written.id, state)


def _create(client: Client, check: CheckRun) -> _CheckRun:
    return write(
        client,
        "POST",
        "check-runs",
        _CheckRun,
        body={**_body(check, 0), "head_sha": check.head_sha},
        activity=_activity(check),
        permission=WRITE,
        find_existing=lambda: _of_run(_list(client, check), check),
    )


def _edit(client: Client, check: CheckRun, existing: _CheckRun) -> _CheckRun:
    """Write the conclusion again, and append the next annotations.

    GitHub appends what is sent twice. A request without an answer is therefore looked for by the number of annotations.
    """
    count = existing.output.annotations_count

    def longer() -> _CheckRun | None:
        current = _of_run(_list(client, check), check)
        return current if current and current.output.annotations_count > count else None

    return write(
        client,
        "PATCH",
        f"check-runs/{existing.id}",
        _CheckRun,
        body=_body(check, count),
        activity=_activity(check),
        permission=WRITE,
        find_existing=longer if count < len(check.annotations) else None,
    )


def _activity(check: CheckRun) -> str:
    return f"writing the check {check.name} of commit {check.head_sha[:12]}"


def _body(check: CheckRun, written: int) -> dict[str, object]:
    """Return the body of a request whose check run has the first `written` annotations already."""
    output: dict[str, object] = {"title": check.title, "summary": check.summary}
    if part := check.annotations[written : written + ANNOTATIONS_PER_REQUEST]:
        output["annotations"] = [
            {
                "path": annotation.path,
                "start_line": annotation.line,
                "end_line": annotation.line,
                "annotation_level": annotation.level,
                "title": annotation.title,
                "message": annotation.message,
            }
            for annotation in part
        ]
    body: dict[str, object] = {
        "name": check.name,
        "external_id": check.external_id,
        "status": "completed",
        "conclusion": check.conclusion,
        "output": output,
    }
    return body | ({"details_url": check.details_url} if check.details_url else {})


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
