"""Honest evidence opens the gate: what the corpus of forged folders refuses is never a false alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

import evidence_folders as folders
from evidence_folders import latency, loaded, predictions, rules
from ghmlops.core.details.latency import LatencyDetails
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.latency import details as run_details
from ghmlops.core.latency.findings import judge_tally
from ghmlops.core.model import Finding, NotMeasured, Outcome
from ghmlops.core.policy.latency import Arrivals, LatencyMargin
from ghmlops.core.policy.objectives import Objectives
from ghmlops.core.policy.regression import Dataset
from ghmlops.core.text.plain_name import evidence_file_name
from ghmlops.core.verdict.consistency import evidence_contradictions
from ghmlops.core.verdict.merge import merge
from latency_runs import judge_blocks, tally
from prediction_artifacts import BINARY, MULTICLASS, RANKING

if TYPE_CHECKING:
    from ghmlops.core.evidence.loaded import Loaded
    from ghmlops.core.verdict.rules import Rules

replace = msgspec.structs.replace
VALUES = replace(BINARY, task="regression", score="", prediction="p")


def with_origin(evidence: Evidence, **fields: Any) -> Evidence:
    """Return evidence with changed provenance."""
    return replace(evidence, provenance=replace(evidence.provenance, **fields))


def policy(**sections: Any) -> Any:
    """Return the policy with other sections."""
    return replace(folders.POLICY, **sections)


def again(evidence: Evidence) -> Loaded:
    """Return evidence of a second attempt, from its artifact."""
    second = with_origin(evidence, run_attempt=2)
    (file,) = loaded(second)
    return file._replace(
        file=f"evidence-again/{file.file}", artifact="evidence-again", artifact_sha256="e" * 64, created="2026-11-28T12"
    )


def first_attempt(*files: Evidence) -> list[Loaded]:
    """Return evidence of the first attempt, with the time of its upload."""
    return [file._replace(created="2026-11-28T11") for file in loaded(*files)]


def preview() -> Evidence:
    """Return the evidence of a service that started."""
    ready = Finding(
        id="preview-ready", metric="startup-time", outcome=Outcome.PASS, reason="Ready.", docs="d", dataset="candidate"
    )
    return folders.evidence("preview", [ready])


DEPLOYED_FIRST = with_origin(latency(paired=False), base_sha="")
HONEST: dict[str, tuple[list[Loaded], Rules]] = {
    "the run": (loaded(latency(), predictions()), rules()),
    "a faster candidate": (loaded(latency(slower=0.7), predictions()), rules()),
    "some failed requests on both arms": (loaded(latency(failures=2), predictions()), rules()),
    "with the evidence of the preview": (loaded(latency(), predictions(), preview()), rules()),
    "locally, without facts from GitHub": (
        loaded(latency(), predictions()),
        rules(run=None, base_sha=None, strict=False),
    ),
    "a failed leg that passes when it runs again": (
        [*first_attempt(latency(slower=1.3), predictions()), again(latency())],
        rules(),
    ),
    "two legs": (
        loaded(replace(latency(), leg="eu"), replace(latency(), leg="us"), predictions()),
        rules(folders.with_gate(legs={"latency": ("eu", "us")})),
    ),
    "a replay beside it": (loaded(latency(), predictions(), replace(predictions(), leg="replay")), rules()),
    "the policy of the judged commit": (
        loaded(latency(), predictions()),
        rules(policy="sha256:" + "2" * 64, policies={folders.POLICY_DIGEST: None}),
    ),
    "the first deployment": (loaded(DEPLOYED_FIRST), rules(base_sha="")),
    "a stricter run than the policy asks for": (
        loaded(latency(), predictions()),
        rules(policy(latency=replace(folders.LATENCY, slo=Objectives(quantiles={"p99": 0.2}, errors=0.02)))),
    ),
    "a policy without objectives": (
        loaded(latency(policy=replace(folders.LATENCY, slo=Objectives())), predictions()),
        rules(policy(latency=replace(folders.LATENCY, slo=Objectives()))),
    ),
    "multiclass": (
        loaded(latency(), predictions("multiclass", policy=replace(MULTICLASS, undecided="warn"))),
        rules(policy(regression=replace(MULTICLASS, undecided="warn"))),
    ),
    "ranking": (
        loaded(latency(), predictions("ranking", policy=replace(RANKING, undecided="warn", margins={"ndcg": 0.2}))),
        rules(policy(regression=replace(RANKING, undecided="warn", margins={"ndcg": 0.2}))),
    ),
    "values": (loaded(latency(), predictions("values", policy=VALUES)), rules(policy(regression=VALUES))),
    "two data sets": (
        loaded(
            latency(),
            predictions(policy=replace(folders.REGRESSION, datasets=(Dataset(name="eu"), Dataset(name="us")))),
        ),
        rules(policy(regression=replace(folders.REGRESSION, datasets=(Dataset(name="eu"), Dataset(name="us"))))),
    ),
    "windows and clusters": (
        loaded(latency(), predictions(policy=replace(folders.REGRESSION, time="t", window="1d", group="user"))),
        rules(policy(regression=replace(folders.REGRESSION, time="t", window="1d", group="user"))),
    ),
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_evidence_opens_the_gate(name: str) -> None:
    """Nothing of it is called inconsistent, incomplete or foreign, and the gate is open."""
    files, conditions = HONEST[name]
    verdict = merge(files, conditions, service="shop", environment="production")
    problems = [f.reason for f in verdict.findings if f.id.startswith("evidence-")]
    assert (problems, verdict.outcome in (Outcome.PASS, Outcome.WARN)) == ([], True), verdict.reason


LOOSE = replace(
    folders.LATENCY,
    margins=dict.fromkeys(("p50", "p95", "p99"), LatencyMargin(fail=0.5, safe=0.2)),
    slo=Objectives(errors=0.01),
)
LOOSE_DIGEST = "sha256:" + "9" * 64


def loosely_judged(leg: str = "") -> Evidence:
    """Return latency evidence that a policy with one wider margin and fewer objectives judged."""
    judged = with_origin(latency(policy=LOOSE), fingerprints={"policy": LOOSE_DIGEST})
    return replace(judged, leg=leg)


@pytest.mark.parametrize("reviewed", [LOOSE_DIGEST, ""])
def test_the_leg_of_the_changed_policy_is_held_to_nothing_but_itself(reviewed: str) -> None:
    """It drops margins: without a review its policy is a finding, with one nothing is, and the trusted leg judges."""
    files = loaded(latency(), loosely_judged("head-policy"), predictions())
    verdict = merge(files, rules(head_policy=reviewed))
    problems = [f.id for f in verdict.findings if f.id.startswith("evidence-")]
    assert problems == ([] if reviewed else ["evidence-policy"])


@pytest.mark.parametrize("leg", ["head-policy", "eu-head-policy", "head-policy-confirm"])
def test_the_leg_of_the_changed_policy_satisfies_nothing(leg: str) -> None:
    """A reviewed policy of the change does not replace the trusted one."""
    verdict = merge(loaded(loosely_judged(leg), predictions()), rules(head_policy=LOOSE_DIGEST))
    assert "evidence-missing" in {f.id for f in verdict.findings}


def test_a_reviewed_policy_judges_no_other_leg() -> None:
    """Evidence of the trusted leg that names the policy of the change is judged by another policy."""
    verdict = merge(loaded(loosely_judged(), predictions()), rules(head_policy=LOOSE_DIGEST))
    assert "evidence-policy" in {f.id for f in verdict.findings}


HELD_TO = [
    # policy to which evidence of the older policy is held, ids of the findings about it
    (policy(latency=LOOSE), set()),  # that of the judged commit, which is on the protected branch
    (None, {"evidence-policy", "evidence-incomplete"}),  # that of the merge base: the trusted one stands
]


@pytest.mark.parametrize(("own", "problems"), HELD_TO)
def test_an_older_policy_of_the_branch(own: Any, problems: set[str]) -> None:
    """It is accepted for the judged commit of the branch, and inconclusive for a change that started from it."""
    verdict = merge(loaded(loosely_judged(), predictions()), rules(policies={LOOSE_DIGEST: own}))
    about = {f.id for f in verdict.findings if f.id.startswith("evidence-")}
    assert about == problems
    assert verdict.outcome is (Outcome.INCONCLUSIVE if problems else Outcome.PASS)


def test_the_first_deployment_says_what_was_not_judged() -> None:
    """Each margin has its finding, with the outcome of `gate.first-run`; objectives are judged."""
    files, _ = HONEST["the first deployment"]
    for outcome in ("warn", "inconclusive", "fail"):
        verdict = merge(files, rules(folders.with_gate(first_run=outcome), base_sha=""))
        missing = {f.metric: f.outcome.value for f in verdict.findings if f.id == "no-baseline"}
        assert {"latency-p50", "latency-p95", "latency-p99", "error-ratio", "regression-accuracy"} <= set(missing)
        assert set(missing.values()) == {outcome}
        assert verdict.outcome.value == outcome
        assert "objective-p99" in {f.id for f in verdict.findings}


def test_a_margin_without_a_baseline_is_never_silent() -> None:
    """If a deployment exists or is unknown, a run without a baseline is inconclusive for each margin."""
    alone = loaded(latency(paired=False), predictions())
    for base in (folders.BASE, None):
        verdict = merge(alone, rules(base_sha=base))
        missing = [f for f in verdict.findings if f.id == "no-baseline"]
        assert {f.metric for f in missing} >= {"latency-p50", "latency-p95", "latency-p99"}
        assert (verdict.outcome, {f.outcome for f in missing}) == (Outcome.INCONCLUSIVE, {Outcome.INCONCLUSIVE})


@pytest.mark.parametrize(
    ("strict", "base", "outcomes"),
    [
        (False, folders.BASE, set()),  # in `check`, whose result is advisory: the evidence itself says it
        (True, "", {Outcome.WARN}),
        (True, folders.BASE, {Outcome.INCONCLUSIVE}),
        (True, None, {Outcome.INCONCLUSIVE}),
    ],
)
def test_a_job_without_code_of_the_change_does_not_believe_in_a_first_run(
    strict: bool, base: str | None, outcomes: set[Outcome]
) -> None:
    """Predictions that were not compared count by `first-run` only if nothing was deployed, or in `check` itself."""
    finding = Finding(
        id="no-baseline", metric="regression", outcome=Outcome.WARN, reason="No baseline.", docs="x", description="x"
    )
    absent = folders.evidence("regression", [finding])
    verdict = merge(loaded(latency(), absent), rules(base_sha=base, strict=strict))
    assert not {"evidence-inconsistent", "evidence-incomplete"} & {f.id for f in verdict.findings}
    assert {f.outcome for f in verdict.findings if f.metric == "regression-accuracy"} == outcomes
    assert verdict.outcome is (Outcome.WARN if not strict else Outcome.INCONCLUSIVE)
    added = merge(loaded(latency(), absent), rules(base_sha=base, strict=strict, policy_added=True))
    assert "regression-accuracy" not in {f.metric for f in added.findings}


def test_what_github_was_not_asked_is_listed() -> None:
    """Without facts about the run and the deployments, the verdict says what it believes."""
    files, conditions = HONEST["locally, without facts from GitHub"]
    listed = {item.what for item in merge(files, conditions).not_measured}
    assert {"the run that measured", "the commit of the baseline"} <= listed
    with_facts = {item.what for item in merge(files, rules()).not_measured}
    assert not {"the run that measured", "the commit of the baseline"} & with_facts


@pytest.mark.parametrize("seed", range(40))
def test_no_honest_run_contradicts_itself(seed: int) -> None:
    """Latency runs of every outcome, decided early and late, are computed again to the same outcomes."""
    rng = np.random.default_rng(seed)
    section = replace(
        folders.LATENCY,
        arrivals=Arrivals(model="constant", rate=100.0, duration=60.0 if seed % 2 else 180.0, warmup=1.0),
    )
    n = 12_000 if seed % 2 else 36_000
    candidate = folders.arm(n, 1000 + seed, seconds=0.01 * float(rng.choice([1, 1.01, 1.03, 1.05, 1.1, 1.3])))
    judge, run = judge_blocks(candidate, folders.arm(n, seed, failures=int(rng.choice([0, 3, 40]))), section)
    total = tally((judge, run), section)
    details = latency().details
    assert isinstance(details, LatencyDetails)
    evidence = folders.evidence(
        "latency",
        judge_tally(total, section),
        measurements=run_details.measurements(total),
        details=replace(
            details,
            judged_per_arm=total.requests,
            duet=run_details.duet_details(total, section, extended=judge.extended),
            failures=run_details.failure_details(total, {}),
        ),
    )
    assert list(evidence_contradictions(evidence, policy(latency=section))) == []


@pytest.mark.parametrize("rows", [20, 31, 300, 3000])
@pytest.mark.parametrize("kind", ["equal", "worse"])
@pytest.mark.parametrize("undecided", ["inconclusive", "warn"])
def test_no_honest_comparison_contradicts_itself(rows: int, kind: str, undecided: str) -> None:
    """Comparisons of every size and outcome are ruled again to the same outcomes."""
    section = replace(folders.REGRESSION, undecided=undecided)
    assert list(evidence_contradictions(predictions(kind, rows, section), policy(regression=section))) == []


def test_the_verdict_is_bounded_with_failures_first() -> None:
    """Of more findings than a verdict lists, the worst come first and the others are counted, without losing one."""
    finding = Finding(id="slice-x", metric="x", outcome=Outcome.PASS, reason="r" * 10_000, docs="d")
    bad = replace(finding, outcome=Outcome.FAIL, slice={f"c{i}": "v" * 9000 for i in range(500)})
    evidence = folders.evidence(
        "rebuild", [*[finding] * 9000, bad], not_measured=[NotMeasured(what="w", why="y")] * 5000
    )
    verdict = merge(loaded(evidence), rules(folders.POLICY))
    assert len(msgspec.json.encode(verdict)) < 12 * 1024 * 1024
    assert verdict.findings[0].outcome.severity >= verdict.findings[-1].outcome.severity
    assert (verdict.outcome, "slice-x" in {f.id for f in verdict.findings if f.outcome is Outcome.FAIL}) == (
        Outcome.FAIL, True
    )  # fmt: skip
    (omitted,) = [f for f in verdict.findings if f.id == "findings-omitted"]
    assert omitted.outcome is Outcome.PASS
    assert len(verdict.not_measured) <= 1000


def test_file_names_are_canonical() -> None:
    """The name of a file is that of its command and leg."""
    assert [evidence_file_name("latency", leg) for leg in ("", "eu")] == ["latency.json", "latency-eu.json"]
