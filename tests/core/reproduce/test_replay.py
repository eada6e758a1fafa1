"""What a replay calls the same, what it calls another input, and what it calls not reproducible."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ghmlops.core.errors import EvidenceError, InputError
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.model import Finding, Interval, Measurement, NotMeasured, Outcome, conclude
from ghmlops.core.policy.regression import Dataset
from ghmlops.core.reproduce.replay import MOST_SHOWN, Replayed, compare
from ghmlops.core.reproduce.replay_findings import judge, not_measured, rule, table
from ghmlops.core.reproduce.replay_inputs import again, check_policy_path, leads_out, read_inputs, write_inputs

PRINTS = {
    "code": "git:aa",
    "environment": "sha256:bb",
    "policy": "sha256:cc",
    "baseline": "content:duckdb2.0:400:0011",
    "candidate": "content:duckdb2.0:400:2233",
}
DATASETS = (Dataset(name="", baseline=("old.parquet",), candidate=("new.parquet",)),)


def finding(name: str, **fields: Any) -> Finding:
    known: dict[str, Any] = {"metric": name, "outcome": Outcome.PASS, "reason": f"{name} holds.", "docs": "d#a"}
    return Finding(id=name, **(known | fields))


def evidence(**fields: Any) -> Evidence:
    findings = [
        finding("regression-auc", baseline=0.8, candidate=0.81, change=Interval(estimate=0.01, low=0.0, high=0.02)),
        finding("regression-auc", slice={"device": "tablet"}, dataset="holdout", n=40),
        finding("contract-empty"),
        finding("contract-empty"),
    ]
    given: dict[str, Any] = {
        "command": "regression",
        "outcome": Outcome.PASS,
        "provenance": provenance(),
        "findings": findings,
        "measurements": [Measurement(id="auc", arm="baseline", unit="", n=400, values={"value": 0.8})],
        "not_measured": [NotMeasured(what="windows", why="none")],
        "details": {
            "inputs": write_inputs("policy.yml", "duckdb", "1GiB", DATASETS),
            "metrics": [{"metric": "auc", "low": 0.0}, {"metric": "ece", "low": None}],
        },
    }
    return Evidence(**(given | fields))


def provenance(**fields: Any) -> Provenance:
    known: dict[str, Any] = {"repository": "a/b", "head_sha": "1" * 40, "version": "1", "fingerprints": PRINTS}
    return Provenance(**(known | fields))


def prints(**fields: str) -> Provenance:
    return provenance(fingerprints={k: v for k, v in (PRINTS | fields).items() if v})


def test_only_what_must_differ_may_differ() -> None:
    """Start, seconds, run, attempt and leg say when and where, not what."""
    later = provenance(started="2025-03-01T00:00:00Z", seconds=3.0, run_id="9", run_attempt=2)
    found = compare(evidence(), evidence(provenance=later, leg="replay"))
    assert (found.same_inputs, found.same_results) == (True, True)
    outcome, code, sentence = rule(found)
    assert (outcome, code) == (Outcome.PASS, "replay-identical")
    assert sentence == "The evidence was found again: all 4 findings and 1 measurement and the tables are the same."
    assert [f.id for f in judge(found)] == ["replay-identical"]


def test_what_is_written_and_read_is_the_same() -> None:
    """A file against a value in memory that holds tuples where JSON has lists."""
    read = msgspec.json.decode(msgspec.json.encode(evidence()), type=Evidence)
    own = evidence(
        details={**evidence().details, "metrics": ({"metric": "auc", "low": 0.0}, {"metric": "ece", "low": None})}
    )
    assert compare(read, own) == compare(read, read)


def first(index: int, **fields: Any) -> dict[str, Any]:
    findings = list(evidence().findings)
    findings[index] = msgspec.structs.replace(findings[index], **fields)
    return {"findings": findings}


@pytest.mark.parametrize(
    ("change", "part", "said"),
    [
        (first(0, candidate=0.8100000001), "findings", "regression-auc: candidate 0.81 became 0.8100000001"),
        (first(0, change=Interval(estimate=0.01, low=0.001, high=0.02)), "findings", "change.low 0.0 became 0.001"),
        (first(0, change=None), "findings", "change an object of 3 became none"),
        (
            first(1, outcome=Outcome.FAIL),
            "findings",
            "regression-auc of holdout at device = tablet: outcome pass became fail",
        ),
        (first(3, reason="Other."), "findings", "contract-empty (2): reason contract-empty holds. became Other."),
        ({"findings": evidence().findings[:3]}, "findings", "contract-empty (2) is missing"),
        ({"findings": [*evidence().findings, finding("new")]}, "findings", "new is added"),
        ({"findings": evidence().findings[::-1][:0]}, "findings", "regression-auc is missing"),
        ({"measurements": []}, "measurements", "auc of the baseline is missing"),
        ({"not_measured": [NotMeasured(what="windows", why="few")]}, "not measured", "windows: why none became few"),
        (
            {"details": {**evidence().details, "metrics": [{"metric": "auc", "low": 1}]}},
            "details",
            "metrics: [0].low 0.0",
        ),
        ({"details": {**evidence().details, "flips": []}}, "details", "flips is added"),
        ({"reason": "x"}, "summary", "the outcome: reason"),
        ({"findings": [evidence().findings[i] for i in (1, 0, 2, 3)]}, "order", "another order"),
    ],
)
def test_the_same_inputs_with_another_result_are_not_reproducible(change: dict[str, Any], part: str, said: str) -> None:
    """Whatever it is, it fails, and the sentence names the first difference with both values."""
    found = compare(evidence(), evidence(**change))
    assert found.changed.get(part, 0) >= 1
    assert said in " ".join(map(str, found.changes))
    outcome, code, sentence = rule(found)
    assert (outcome, code) == (Outcome.FAIL, "replay-not-reproducible")
    assert sentence.startswith("Not reproducible: the same inputs gave other results: ")
    assert conclude(judge(found))[0] is Outcome.FAIL


@pytest.mark.parametrize(
    ("origin", "kind", "said"),
    [
        (prints(candidate="content:duckdb2.0:400:9999"), "data", "candidate was content:duckdb2.0:400:2233 and is"),
        (prints(candidate=""), "data", "candidate was content:duckdb2.0:400:2233 and is not known"),
        (prints(labels="content:duckdb2.0:1:1"), "data", "labels was not known"),
        (prints(candidate="content:duckdb3.1:400:9999"), "ghmlops", "candidate was"),
        (prints(code="git:zz"), "code", "code was git:aa and is git:zz"),
        (prints(environment=""), "environment", "is not known"),
        (prints(policy="sha256:dd"), "policy", "policy was sha256:cc and is sha256:dd"),
        (provenance(head_sha="2" * 40), "code", "head_sha was 1111"),
        (provenance(version="2"), "ghmlops", "version was 1 and is 2"),
        (provenance(seed=4), "settings", "seed was not known and is 4"),
    ],
)
def test_another_input_is_named(origin: Provenance, kind: str, said: str) -> None:
    """Same results: a warning. Other results too: nothing is known, and what to bring back is said."""
    found = compare(evidence(), evidence(provenance=origin))
    assert [c.kind for c in found.inputs] == [kind]
    assert [(f.id, f.outcome) for f in judge(found)] == [
        ("replay-other-inputs", Outcome.WARN),
        (f"replay-{kind}", Outcome.WARN),
    ]
    assert said in judge(found)[1].reason
    found = compare(evidence(), evidence(provenance=origin, **first(0, candidate=0.7)))
    assert {f.outcome for f in judge(found)} == {Outcome.INCONCLUSIVE}
    assert "1 of 4 findings differ" in rule(found).sentence
    assert "; to know, " in rule(found).sentence


def test_settings_are_inputs_and_names_are_not() -> None:
    """Another engine is another input; another path to the same content is not."""
    other = write_inputs("policy.yml", "spark", "1GiB", DATASETS)
    assert [c.name for c in compare(evidence(), evidence(details={**evidence().details, "inputs": other})).inputs] == [
        "engine"
    ]
    moved = (Dataset(baseline=("copy.parquet",), candidate=("new.parquet",)),)
    other = write_inputs("policy.yml", "duckdb", "1GiB", moved)
    assert compare(evidence(), evidence(details={**evidence().details, "inputs": other})).same_inputs


def test_data_without_a_fingerprint_are_not_the_same_data() -> None:
    """Nothing known on either side is never a pass; code or a lock file that neither has is told apart."""
    bare = evidence(provenance=provenance(fingerprints={"policy": "sha256:cc"}))
    found = compare(bare, bare)
    assert [(c.kind, c.before) for c in found.inputs] == [("data", "")]
    assert rule(found).outcome is Outcome.WARN
    assert [n.what for n in not_measured(found)] == [
        "replay: the fingerprint of the code",
        "replay: the fingerprint of the environment (lock file)",
    ]


def test_differences_are_counted_beyond_what_is_kept() -> None:
    """Ten thousand changed findings are counted; the table stays small. Deep nesting is no way to a crash."""
    many = [finding(f"f-{i}", n=i) for i in range(10_000)]
    deep: Any = 0
    for _ in range(150):
        deep = [{"a": deep}]
    found: Replayed = compare(
        evidence(findings=many, details={"deep": deep}),
        evidence(findings=[msgspec.structs.replace(f, n=-1) for f in many], details={"deep": deep}),
    )
    assert found.changed == {"findings": 10_000}
    assert len(found.changes) == MOST_SHOWN
    held = table(found, "old.json", "sha256:0")
    assert held["replay"]["compared"]["findings"] == 10_000
    assert len(held["replay differences"]) == MOST_SHOWN


def test_inputs_are_written_and_read_in_one_shape() -> None:
    """What is written is plain JSON with the keys of the contract, and is read back the same."""
    datasets = (Dataset(name="holdout", baseline=("a", "b"), candidate=("c",), labels=("l",), noise=("n",)),)
    plain = write_inputs("policy.yml", "spark", "2GiB", datasets)
    assert plain == {
        "policy": "policy.yml",
        "engine": "spark",
        "memory-limit": "2GiB",
        "datasets": [{"name": "holdout", "baseline": ["a", "b"], "candidate": ["c"], "labels": ["l"], "noise": ["n"]}],
    }
    named = read_inputs(evidence(details={"inputs": plain}), "x.json")
    assert again(named, {}, (), "x.json") == datasets


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (None, "x.json does not say which artifacts were compared"),
        ([], "Expected `object`"),
        ({"policy": "p"}, "missing required field `datasets`"),
        ({"policy": "p", "datasets": []}, "length >= 1"),
        ({"policy": "p", "datasets": [{"baseline": ["a"], "candidate": []}]}, "length >= 1"),
        ({"policy": "p", "datasets": [{"baseline": [1], "candidate": ["b"]}]}, "Expected `str`"),
        ({"policy": "p", "engine": "sh", "datasets": [{"baseline": ["a"], "candidate": ["b"]}]}, "Invalid enum"),
        ({"policy": "p", "more": 1, "datasets": [{"baseline": ["a"], "candidate": ["b"]}]}, "unknown field `more`"),
        ({"policy": "p" * 5000, "datasets": [{"baseline": ["a"], "candidate": ["b"]}]}, "length <= 4096"),
    ],
)
def test_malformed_inputs_are_one_line(inputs: object, said: str) -> None:
    """Each says what is wrong with the file."""
    with pytest.raises(EvidenceError) as caught:
        read_inputs(evidence(details={} if inputs is None else {"inputs": inputs}), "x.json")
    assert said in caught.value.message
    assert "\n" not in caught.value.message


OUTSIDE = (
    *("/etc/passwd", " /etc/passwd", "../x.parquet", "a/../../x", "~/x", "s3://b/x", "artifact:a@main", "file:///x"),
    *("", "a\x00b", "a,/etc/passwd", "a\n /etc/passwd", "a, ../b", "a,,b"),
)


@pytest.mark.parametrize("text", OUTSIDE)
@pytest.mark.parametrize("side", ["baseline", "candidate", "labels", "noise"])
def test_evidence_opens_nothing_outside_of_the_repository(text: str, side: str) -> None:
    """Unless the policy or a flag names it too."""
    sides: dict[str, list[str]] = {"baseline": ["a"], "candidate": ["b"], side: [text]}
    plain = {"policy": "p", "datasets": [sides]}
    named = read_inputs(evidence(details={"inputs": plain}), "x.json")
    with pytest.raises(EvidenceError, match=f"x.json names the {side}"):
        again(named, {}, (), "x.json")
    assert getattr(again(named, {}, {text}, "x.json")[0], side) == (text,)
    if side != "noise":
        assert getattr(again(named, {side: "/mine"}, (), "x.json")[0], side) == ("/mine",)


def test_what_lies_inside_is_taken() -> None:
    """Files, folders and patterns; the policy's path by the same rule."""
    assert [leads_out(text) for text in ("a.parquet", "./a/b", "out/*.parquet", "a..b", "day=1/x")] == [""] * 5
    check_policy_path(".github/ghmlops.yml", "x.json")
    with pytest.raises(EvidenceError, match="names the policy"):
        check_policy_path("/etc/ghmlops.yml", "x.json")


def test_a_flag_names_the_artifact_of_one_data_set() -> None:
    """Of several it cannot tell which."""
    one = {"baseline": ["a"], "candidate": ["b"]}
    named = read_inputs(evidence(details={"inputs": {"policy": "p", "datasets": [one, one]}}), "x.json")
    with pytest.raises(InputError, match=r"--candidate beside --replay: x[.]json compared 2 data sets"):
        again(named, {"candidate": "c", "labels": ""}, (), "x.json")
