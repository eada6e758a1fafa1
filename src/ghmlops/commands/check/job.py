"""Everything that `ghmlops check` needs, read and checked before anything runs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import msgspec

from ghmlops.commands.check.builds import ArmBuilds
from ghmlops.core.errors import DataError, InputError, PolicyError
from ghmlops.core.pillars import PILLARS, Pillar

if TYPE_CHECKING:
    from ghmlops.commands.check.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.document import Policy


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of `check`.

    Attributes:
        inputs: inputs of `check`; pillars receive those that they share with it.
        services: services of `check`, with the baseline's commit in the context.
        policy: the policy that judges.
        head_policy: the policy of the change, by which the candidate is started.
        base_policy: the policy of the baseline's commit, by which the baseline is started; `None` if it is the same,
            absent or invalid.
        builds: work trees and environments of the arms, which the command removes at the end.
        base: full SHA of the baseline's commit; empty without a baseline.
    """

    inputs: Inputs
    services: Services
    policy: Policy
    head_policy: Policy
    base: str
    builds: ArmBuilds
    base_policy: Policy | None = None

    @property
    def pillars(self) -> tuple[Pillar, ...]:
        """The pillars to run: those of the policy, the ones that send load last.

        Logs of live traffic belong to deployments, so `shadow` runs here from recorded requests alone.
        """
        from_logs = {"shadow"} if self.policy.shadows_live_traffic else set[str]()
        selected = [pillar for pillar in _measuring() if self.policy.has(pillar) and pillar.command not in from_logs]
        return tuple(sorted(selected, key=lambda pillar: pillar.sends_load))

    @property
    def starting_pillar(self) -> Pillar | None:
        """The pillar that shows that the candidate starts, if the gate requires it and no other pillar starts it."""
        if any(pillar.sends_load for pillar in self.pillars):
            return None
        required = (pillar for pillar in PILLARS if pillar.starts_arms and pillar.command in self.policy.required)
        return next(required, None)


def prepare(inputs: Inputs, services: Services) -> Job:
    """Read the policy and find the baseline's commit.

    Raises:
        PolicyError: The policy is missing or invalid, or measures nothing.
        InputError: `base` is not a commit of this repository.
    """
    from ghmlops.commands.shared.policy_file import load_policy
    from ghmlops.core.text.secret_variables import credential_names

    policy = load_policy(services.cwd / inputs.policy, inputs.policy)
    measured = [pillar for pillar in _measuring() if policy.has(pillar)]
    if policy.shadows_live_traffic:
        if [pillar.command for pillar in measured] == ["shadow"]:
            raise PolicyError(
                f"{inputs.policy} measures nothing before a merge: `shadow` compares logs of live traffic",
                hint="run `ghmlops shadow` in the workflow that deploys, or add recorded `requests`",
            )
        services.console.note(
            "check: `shadow` is left out: it compares logs of live traffic, which exist from the deployment on"
        )
    if not measured:
        sections = " or ".join(f"`{pillar.section}:`" for pillar in _measuring())
        raise PolicyError(f"{inputs.policy} measures nothing", hint=f"add a section {sections}")
    base = _base_commit(inputs, services)
    context = msgspec.structs.replace(services.context, base_sha=base)
    credentials = credential_names(services.environ)
    if credentials:
        services.console.note(
            f"check: the code of the change can read {', '.join(credentials)} of this process; "
            "run it in a job without secrets"
        )
    return Job(
        inputs=inputs,
        services=dataclasses.replace(services, context=context),
        policy=policy,
        head_policy=policy,
        base=base,
        builds=ArmBuilds(
            services=services,
            base=base,
            evidence_dir=inputs.evidence_dir,
            build_cache=inputs.build_cache,
            build_digest=_build_digest(inputs, services),
        ),
    )


def _build_digest(inputs: Inputs, services: Services) -> str | None:
    """Return the digest of the cached build that the job `baseline` allows; `None` if there is no such job."""
    from ghmlops.commands.shared.baseline_file import read_baseline
    from ghmlops.core.artifacts.build_key import build_digest

    if not inputs.baseline_file or not inputs.build_cache:
        return None
    try:
        return build_digest(read_baseline(services.cwd / inputs.baseline_file, inputs.baseline_file).build)
    except DataError:
        return ""  # the comparison of predictions reports the file


def _measuring() -> tuple[Pillar, ...]:
    return tuple(pillar for pillar in PILLARS if pillar.in_check and not pillar.starts_arms)


def _base_commit(inputs: Inputs, services: Services) -> str:
    """Return the full SHA of the baseline's commit; empty without a baseline.

    Raises:
        InputError: `base` does not name a commit of this repository.
    """
    from ghmlops.commands.shared.baseline_file import NO_BASELINE
    from ghmlops.core.context import is_sha
    from ghmlops.measure.checkout import git_read

    if inputs.base == NO_BASELINE:
        return ""
    if not inputs.base:
        return _fork_point(services)
    if is_sha(inputs.base):
        return inputs.base
    revision = f"{inputs.base}^{{commit}}"
    lines = git_read(services.cwd, "rev-parse", "--verify", "--quiet", "--end-of-options", revision).splitlines()
    if len(lines) != 1 or not is_sha(lines[0]):
        raise InputError(
            f'input `base`: "{inputs.base}" is not a commit of this repository', hint="pass a full SHA or a branch"
        )
    return lines[0]


def _fork_point(services: Services) -> str:
    """Return the commit of the event that the change started from; of a pull request, the merge base if it is known.

    The base branch may have moved on since; what it changed meanwhile is not part of the change.
    """
    from ghmlops.core.context import is_sha
    from ghmlops.measure.checkout import git_read

    base = services.context.base_sha
    if not base or services.context.pull_request is None:
        return base
    merge_base = git_read(services.cwd, "merge-base", base, "HEAD")
    return merge_base if is_sha(merge_base) else base
