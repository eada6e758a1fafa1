"""Everything that `promote` needs, read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

import msgspec

from ghmlops.act.targets import open_target
from ghmlops.commands.shared.alerts.send import usable_addresses
from ghmlops.commands.shared.policy_file import load_policy
from ghmlops.core.context import is_sha
from ghmlops.core.errors import DataError, EvidenceError, GhmlopsError, InputError, PolicyError
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.policy.latency import DEFAULT_LATENCY_MARGINS
from ghmlops.core.policy.target import CommandTarget, EnvoyTarget, HaproxyTarget, KubernetesTarget
from ghmlops.core.promotion.record import PromotionRecord
from ghmlops.core.promotion.weights import CANDIDATE, POOL, TWIN
from ghmlops.core.steps.step import short
from ghmlops.measure.telemetry import FORMATS, AccessLog

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ghmlops.act.targets import Target
    from ghmlops.act.targets.base import ScalableTarget
    from ghmlops.commands.promote.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.latency import LatencyMargin
    from ghmlops.core.policy.promote import Hook, Promote
    from ghmlops.core.policy.target import TargetSettings


COUNTS_ONLY = "Latency is not measured: counters show how many requests there were and failed, not how long they took."
OWNER_UNKNOWN = (
    "Whether another commit was deployed since is not measured: without a token GitHub does not list its deployments."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that a promotion needs.

    Attributes:
        service: Name of the service.
        policy: The section `promote`.
        target: The router.
        margins: Margins of the latency comparison; `None` if response times are not judged.
        commit: Full SHA of the candidate.
        environment: Name of the environment.
        record_path: File of the record.
        log_path: The access log.
        server_capacity: Requests per second that one server carries with its headroom; `None` if it is not measured.
        server_arms: Name in the log to arm.
        not_measured: What the source of the requests cannot show, and what GitHub would: one sentence each.
        header_target: Route of requests with a header; `None` without one.
        query_names: Arm to its servers as they stand in a query, joined by `|`.
        problems: What a promotion needs and cannot use; a rollback goes on without it.
    """

    service: str
    policy: Promote
    target: Target
    margins: Mapping[str, LatencyMargin] | None
    commit: str
    environment: str
    record_path: Path
    log_path: Path
    server_arms: dict[str, str]
    query_names: dict[str, str]
    server_capacity: float | None = None
    not_measured: tuple[str, ...] = ()
    header_target: Target | None = None
    problems: tuple[GhmlopsError, ...] = ()

    @property
    def scalable(self) -> ScalableTarget | None:
        """The target, if the servers of its arms can be added and removed."""
        return cast("ScalableTarget", self.target) if self.policy.target.is_scalable else None

    @property
    def is_rollback_limited(self) -> bool:
        """Whether the baseline receives at most what its ready servers carry."""
        return self.policy.rollback.limit == "ready-capacity" and self.server_capacity is not None

    def check_complete(self) -> None:
        """Check that nothing is missing that a promotion needs.

        Raises:
            InputError: An address of alerts is not allowed.
            PolicyError: The policy names no source of requests, or the target does not report which servers are ready.
            EvidenceError: The evidence of the baseline's capacity cannot be used.
        """
        for problem in self.problems:
            raise problem

    def hooks(self) -> Iterator[tuple[str, Hook]]:
        """Yield the moment of every hook and the hook."""
        yield from (("before-rung", hook) for hook in self.policy.hooks.before_rung)
        yield from (("after-rung", hook) for hook in self.policy.hooks.after_rung)

    def target_names(self) -> dict[str, str]:
        """Return the arms that the target has, and their servers as they stand in a query.

        Raises:
            ServiceError: The target cannot be reached.
        """
        return {arm: self.query_names[arm] for arm in self.target.servers()}

    def open_log(self) -> AccessLog:
        """Return the access log at its end.

        Raises:
            DataError: There is no such file.
        """
        observe = self.policy.observe
        parse = partial(FORMATS[observe.format], session=observe.session)
        header_route: str = getattr(self.policy.target, "header_route", "")
        return AccessLog(self.log_path, parse, self.server_arms, header_route)


def prepare(inputs: Inputs, services: Services) -> Job:
    """Read the inputs and the policy. What only a promotion needs is checked by `Job.check_complete`.

    Raises:
        InputError: The commit is no full SHA.
        PolicyError: The policy cannot be read, or has no section `promote`.
    """
    commit = candidate(inputs)
    policy, promote = load_promotion(inputs, services)
    observe, capacity = promote.observe, None
    problems: list[GhmlopsError] = []
    if not observe.access_log and not observe.total:
        problems.append(
            PolicyError(
                f"{inputs.policy}: `promote.observe` names no `access-log`",
                hint="nothing is promoted that is not observed: name the file that the router writes, or counters of "
                "Prometheus (`total` and `errors`)",
            )
        )
    problems += usable_addresses(inputs, policy)[1]
    try:
        capacity = _server_capacity(promote, services.cwd)
    except (PolicyError, EvidenceError) as error:
        problems.append(error)
    margins = policy.latency.margins if policy.latency else DEFAULT_LATENCY_MARGINS
    has_times, header = bool(observe.access_log), promote.target.header_settings
    judged = promote.judge.latency == "margins" and promote.compare == "twin" and has_times
    returns = bool(inputs.resume or inputs.rollback)
    not_measured = [(COUNTS_ONLY, not has_times), (OWNER_UNKNOWN, returns and not inputs.token)]
    return Job(
        service=policy.service,
        policy=promote,
        target=open_target(promote.target, services.cwd),
        margins=margins if judged else None,
        commit=commit,
        environment=inputs.environment or policy.gate.environment,
        record_path=services.cwd / inputs.evidence_dir / "promotion.json",
        log_path=services.cwd / promote.observe.access_log,
        server_arms=_server_arms(promote.target, promote.observe.format),
        query_names={arm: "|".join(names) for arm, names in _arm_names(promote.target).items()},
        server_capacity=capacity,
        not_measured=tuple(sentence for sentence, applies in not_measured if applies),
        header_target=open_target(header, services.cwd) if header else None,
        problems=tuple(problems),
    )


def candidate(inputs: Inputs) -> str:
    """Return the commit of the candidate.

    Raises:
        InputError: It is no full SHA.
    """
    if not is_sha(inputs.commit):
        raise InputError(
            f'input `commit`: expected a full SHA, got "{short(inputs.commit, 80)}"', hint="pass `${{ github.sha }}`"
        )
    return inputs.commit


def load_promotion(inputs: Inputs, services: Services) -> tuple[Policy, Promote]:
    """Return the policy and its section `promote`.

    Raises:
        PolicyError: The policy cannot be read, or has no such section.
    """
    policy = load_policy(services.cwd / inputs.policy, inputs.policy)
    if policy.promote is None:
        raise PolicyError(f"{inputs.policy}: no section `promote`", hint="it names the target and the ladder")
    return policy, policy.promote


def _server_capacity(promote: Promote, root: Path) -> float | None:
    """Return the measured capacity of one server without its headroom; `None` if the policy names no measurement.

    Raises:
        PolicyError: The target does not report which servers are ready.
        EvidenceError: The evidence is missing, is none of `capacity`, or measured no capacity.
    """
    if not promote.capacity.evidence:
        return None
    from ghmlops.core.details.capacity import measured_capacity
    from ghmlops.measure.evidence import decode, read_bounded

    missing = ""
    if isinstance(promote.target, CommandTarget) and not promote.target.ready:
        missing = "the command `ready`"
    if isinstance(promote.target, KubernetesTarget) and not promote.target.deployments:
        missing = "`deployments`"
    if missing and promote.rollback.limit == "ready-capacity":
        raise PolicyError(
            "`rollback.limit: ready-capacity` needs to know which servers are ready",
            hint=f"add {missing} to the target, or remove the limit",
        )
    name = promote.capacity.evidence
    capacity = measured_capacity(decode(read_bounded(root / name, name), Evidence, EVIDENCE_SCHEMA, name).details)
    if capacity is None:
        raise EvidenceError(f"{name} holds no capacity of a server", hint="measure it by `ghmlops capacity`")
    return capacity * (1.0 - promote.capacity.headroom)


def read_previous(job: Job) -> PromotionRecord | None:
    """Return the record of the run before this one; `None` if there is none.

    Raises:
        DataError: The file is no record.
    """
    try:
        content = job.record_path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"{job.record_path.name} cannot be read: {error.strerror}", hint="is it a file?") from None
    try:
        return msgspec.json.decode(content, type=PromotionRecord)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise DataError(
            f"{job.record_path.name} is no record of a promotion", hint="remove it; the weights of the router say more"
        ) from None


def _server_arms(target: TargetSettings, log_format: str) -> dict[str, str]:
    """Return the names in the log: servers of HAProxy, clusters of Envoy, Services, or the names of the arms."""
    named = isinstance(target, HaproxyTarget | EnvoyTarget | KubernetesTarget)
    if log_format == "jsonl" or not named:
        return {CANDIDATE: CANDIDATE, TWIN: TWIN, POOL: POOL, "baseline": POOL}
    return {name: arm for arm, names in _arm_names(target).items() for name in names}


def _arm_names(target: TargetSettings) -> dict[str, tuple[str, ...]]:
    """Return the names of each arm: its servers, or the name that the user knows it by."""
    if isinstance(target, HaproxyTarget | EnvoyTarget):
        return {CANDIDATE: target.candidate, TWIN: target.twin, POOL: target.baseline}
    if isinstance(target, KubernetesTarget):
        return {CANDIDATE: (target.candidate,), TWIN: (target.twin,) if target.twin else (), POOL: (target.baseline,)}
    return {CANDIDATE: (CANDIDATE,), TWIN: (TWIN,), POOL: ("baseline",)}
