"""Inputs and outputs of `history`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, Doc, Output, WithToken
from ghmlops.core.history.record import BRANCH


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `history`."""

    task: Annotated[
        str,
        Doc(description="list, append, outcome, fold, check or page.", extra={"positional": True}),
    ] = "list"
    records: Annotated[str, Doc(description="append: folder with the files that gate, promote and revert left.")] = (
        "records"
    )
    branch: Annotated[str, Doc(description="Branch of the history.")] = BRANCH
    remote: Annotated[str, Doc(description="Remote of the branch.")] = "origin"
    service: Annotated[
        str, Doc(description="list: only records of this service. check: the service; empty: that of the policy.")
    ] = ""
    environment: Annotated[
        str, Doc(description="list: only records of this environment. check: empty: that of the policy.")
    ] = ""
    since: Annotated[
        str, Doc(description="list: only records since this date (2026-11-01) or within this duration (30d).")
    ] = ""
    decision: Annotated[
        str, Doc(description="list: only records with this decision: allowed, refused, complete, hold, rollback ...")
    ] = ""
    site: Annotated[str, Doc(description="page: folder that the static site is written to.")] = "dashboard"
    stale: Annotated[
        str,
        Doc(description="page: age after which it says that it is out of date; empty: that of the policy, or 36h."),
    ] = ""
    commit: Annotated[str, Doc(description="check: full SHA of the commit that is to be deployed.")] = ""
    max_actions: Annotated[
        int | None, Doc(description="check: maximum rollbacks and reverts within 24 hours; empty: no limit.")
    ] = None


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    Output("history-sha", "Commit of the branch that contains the history; empty if there is none."),
    Output("records", "Number of records that were selected, appended or folded."),
    Output("skipped", "Number of files and findings that were named and skipped."),
    Output("site", "page: folder that contains the static site."),
    Output("publish", "page: true if the event shows that the repository is public; a private one keeps an artifact."),
)
