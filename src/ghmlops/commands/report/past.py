"""The newest decisions about the service, from the branch of the history, for the trend in the comment.

They only decorate a comment: a history that is absent, slow or damaged costs the trend and never the report.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import GhmlopsError
from ghmlops.report.comment.trend import MAX_POINTS

if TYPE_CHECKING:
    from ghmlops.commands.report.inputs import Inputs
    from ghmlops.commands.report.job import Job
    from ghmlops.commands.shared.base import Services

OFF = "off"
FETCH_TIMEOUT = 30.0
"""Seconds for fetching the branch."""


def with_past(job: Job, inputs: Inputs, services: Services) -> Job:
    """Return the job with the newest decisions of the history, if a comment is going to show them.

    Without a token nothing is fetched: a local report contacts nobody.
    """
    has_reader = inputs.comment != "off" or bool(inputs.markdown)
    if not inputs.token or inputs.dry_run or inputs.history_branch == OFF or not has_reader:
        return job
    from ghmlops.core.history.selection import recent_effects
    from ghmlops.measure.record_branch import read_recent

    try:
        records = read_recent(
            services.cwd,
            services.environ,
            remote="origin",
            branch=inputs.history_branch,
            token=inputs.token,
            now=services.now(),
            timeout=FETCH_TIMEOUT,
        )
    except GhmlopsError as error:
        services.console.note(f"no trend in the comment: {error.message}")
        return job
    # One more than is drawn: the reported commit may be among them.
    past = recent_effects(records, job.verdict.service, job.verdict.commit, MAX_POINTS)
    return dataclasses.replace(job, facts=msgspec.structs.replace(job.facts, past=past))
