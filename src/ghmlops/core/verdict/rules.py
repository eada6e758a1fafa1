"""The conditions under which evidence counts, from the trusted policy and from facts that the GitHub API reports."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ghmlops.core.evidence.run import RunFacts
from ghmlops.core.model import Outcome


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions for evidence to count.

    Attributes:
        commit: full SHA of the commit that is judged.
        required: commands whose evidence must be present.
        now: current time (UTC).
        max_age: maximum age in seconds.
        repository: `owner/name`; not compared if empty.
        policy: fingerprint of the policy that judges; not compared if empty.
        policies: further fingerprints of policies that may have judged, for example that of the judged commit on the
            protected branch.
        service: service that is judged; not compared if empty.
        base_sha: commit with which evidence must have compared; `None` if unknown (not compared), empty if the API
            shows no successful deployment.
        run: the run that measured, as the API reports it; `None` if unknown.
        legs: legs that each command must have, by command; a command without an entry has one unnamed leg.
        first_run: outcome of a margin that has nothing to be compared with, because nothing was deployed yet.
        expected: ids of the findings that the policy demands, by command.
        strict: whether evidence must name its repository, run, version and policy. True in a workflow run.
    """

    commit: str
    required: tuple[str, ...]
    now: datetime
    max_age: float
    repository: str = ""
    policy: str = ""
    policies: frozenset[str] = frozenset()
    service: str = ""
    base_sha: str | None = None
    run: RunFacts | None = None
    legs: dict[str, tuple[str, ...]] = {}
    first_run: Outcome = Outcome.WARN
    expected: dict[str, tuple[str, ...]] = {}
    strict: bool = False
