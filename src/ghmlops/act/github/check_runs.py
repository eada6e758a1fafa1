"""Writes the check run of a commit: one per name and workflow run, in the order of the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.clients.github.calls import read_pages, write
from ghmlops.core.errors import GitHubError

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client
    from ghmlops.core.steps.check_run import CheckRun

READ, WRITE = "checks: read", "checks: write"
REFUSED = "github-refused"
"""Reason code of a request whose content GitHub does not accept."""
ANNOTATIONS_PER_REQUEST = 50
"""Limit of GitHub; each further request appends to the annotations of the check run."""


class WrittenCheckRun(NamedTuple):
    """The result of writing a check run."""

    url: str
    id: int
    state: str
    """`created`, `edited`, or `superseded` if there is one of a newer run."""
    missing: int = 0
    """Annotations that GitHub does not count although it accepted them."""


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

    Every request contains the conclusion, and says in the summary how many annotations are still missing: whatever ends
    this function, what it leaves is a concluded check run that is true.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    existing = _list(client, check)
    if newer := next((c for c in existing if check.is_older_than(c.external_id or "")), None):
        return WrittenCheckRun(newer.html_url or "", newer.id, "superseded")
    same, total = _of_run(existing, check), len(check.annotations)
    written = _write_page(client, check, same)
    # A request whose answer was lost may have appended: GitHub's count says where to go on.
    while (count := written.output.annotations_count) < total:
        written = _write_page(client, check, written)
        if written.output.annotations_count <= count:
            written = _edit(client, check, written, size=0)
            break
    missing = max(0, total - written.output.annotations_count)
    return WrittenCheckRun(written.html_url or "", written.id, "edited" if same else "created", missing)


def _write_page(client: Client, check: CheckRun, existing: _CheckRun | None) -> _CheckRun:
    """Create the check run, or edit the existing one, with the next annotations.

    GitHub refuses a request as a whole because of one annotation. The conclusion is then written without them.

    Raises:
        GitHubError: GitHub rejected the request.
    """

    def write_with(size: int) -> _CheckRun:
        return _edit(client, check, existing, size) if existing else _create(client, check, size)

    try:
        return write_with(ANNOTATIONS_PER_REQUEST)
    except GitHubError as error:
        if check.annotations and error.reason_code == REFUSED:
            write_with(0)
        raise


def _create(client: Client, check: CheckRun, size: int) -> _CheckRun:
    return write(
        client,
        "POST",
        "check-runs",
        _CheckRun,
        body={**_body(check, 0, size), "head_sha": check.head_sha},
        activity=_activity(check),
        permission=WRITE,
        find_existing=lambda: _of_run(_list(client, check), check),
    )


def _edit(client: Client, check: CheckRun, existing: _CheckRun, size: int) -> _CheckRun:
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
        body=_body(check, count, size),
        activity=_activity(check),
        permission=WRITE,
        find_existing=longer if size and count < len(check.annotations) else None,
    )


def _activity(check: CheckRun) -> str:
    return f"writing the check {check.name} of commit {check.head_sha[:12]}"


def _body(check: CheckRun, written: int, size: int) -> dict[str, object]:
    """Return the body of a request whose check run has the first `written` annotations already, with `size` more."""
    part = check.annotations[written : written + size]
    output: dict[str, object] = {"title": check.title, "summary": _summary(check, written + len(part))}
    if part:
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


def _summary(check: CheckRun, written: int) -> str:
    """Return the summary of a check run that has the first `written` annotations."""
    total = len(check.annotations)
    if written >= total:
        return check.summary
    missing = f"At least {written} of {total} annotations are here; the rest could not be written, or follows."
    return f"> [!IMPORTANT]\n> {missing}\n\n{check.summary}"


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
