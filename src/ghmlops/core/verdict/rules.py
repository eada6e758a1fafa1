"""The conditions under which evidence counts, from the trusted policy and from facts that the GitHub API reports."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from ghmlops.core.evidence.remeasured import Remeasured
from ghmlops.core.evidence.run import RunFacts
from ghmlops.core.model import Outcome
from ghmlops.core.policy.document import Policy


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions for evidence to count.

    Attributes:
        commit: full SHA of the commit that is judged.
        required: commands whose evidence must be present.
        now: current time (UTC).
        max_age: maximum age in seconds.
        repository: `owner/name`; not compared if empty.
        policy: fingerprint of the policy that judges; not compared if empty.
        policies: further policies that may have judged, by their fingerprint: that of the judged commit if it is on
            the protected branch, to which its evidence is held; `None` if the evidence is held to the trusted policy.
        head_policy: fingerprint of the policy of the change, if a maintainer reviewed it; it may have judged the legs
            that are judged by the policy of the change.
        service: service that is judged; not compared if empty.
        base_sha: commit with which evidence must have compared; `None` if unknown (not compared), empty if the API
            shows no successful deployment.
        run: the run that measured, as the API reports it; `None` if unknown.
        legs: legs that each command must have, by command; a required command without an entry has one unnamed leg.
        first_run: outcome of a margin that has nothing to be compared with, because nothing was deployed yet.
        requirements: the trusted policy, whose margins and objectives must all be judged; `None` without one.
        remeasured: what a job without code of the change measured again; `None` if that is not required.
        policy_added: whether GitHub shows that the change adds the policy, so that its baseline has no predictions.
        unaffected: whether the change leaves the service as it is, by GitHub's list of its files; `None` if GitHub was
            not asked, so that evidence that says so is believed unless `strict`.
        strict: whether evidence must name its repository, run, version, service and policy: true in a workflow run.
    """

    commit: str
    required: tuple[str, ...]
    now: datetime
    max_age: float
    repository: str = ""
    policy: str = ""
    policies: dict[str, Policy | None] = {}
    head_policy: str = ""
    service: str = ""
    base_sha: str | None = None
    run: RunFacts | None = None
    legs: dict[str, tuple[str, ...]] = {}
    first_run: Outcome = Outcome.WARN
    requirements: Policy | None = None
    remeasured: Remeasured | None = None
    policy_added: bool = False
    unaffected: bool | None = None
    strict: bool = False

    @property
    def accepted_policies(self) -> frozenset[str]:
        """Fingerprints of the policies that may have judged; empty if policies are not compared."""
        return frozenset(self.policies) | ({self.policy} if self.policy else set())

    def requirements_of(self, fingerprint: str) -> Policy | None:
        """Return the policy to which evidence is held that was judged by the policy with this fingerprint."""
        return self.policies.get(fingerprint) or self.requirements

    def required_legs(self, command: str) -> tuple[str, ...]:
        """Return the legs that a required command must have."""
        return self.legs.get(command) or ("",)


def policy_rules(requirements: Policy, /, *, commit: str, now: datetime, **facts: Any) -> Rules:  # noqa: ANN401  (fields of `Rules`)
    """Return the rules of a trusted policy: its requirements, legs, age limit and first run.

    Args:
        requirements: the trusted policy.
        commit: full SHA of the commit that is judged.
        now: current time (UTC).
        facts: the other fields of `Rules`.
    """
    return Rules(
        commit=commit,
        now=now,
        required=requirements.required,
        max_age=requirements.gate.max_age,
        service=requirements.service,
        legs=requirements.gate.legs,
        first_run=Outcome(requirements.gate.first_run),
        requirements=requirements,
        **facts,
    )
