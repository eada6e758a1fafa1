"""Inputs of a run in its evidence: written and read unchanged, and hostile ones refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from core.reproduce.run_samples import details, evidence
from ghmlops.core.details.regression import RegressionDetails, RegressionInputs
from ghmlops.core.errors import EvidenceError, InputError
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.policy.regression import Dataset
from ghmlops.core.reproduce.replay_inputs import (
    abbreviate,
    check_policy_path,
    outside_reason,
    read_inputs,
    replay_datasets,
    write_inputs,
)
from ghmlops.measure.evidence import decode


def inputs(**fields: Any) -> RegressionInputs:
    """Return inputs of one data set; `fields` are those of the data set."""
    dataset = {"baseline": ["a"], "candidate": ["b"]} | fields
    return msgspec.convert({"policy": "p", "datasets": [dataset]}, RegressionInputs)


def test_inputs_are_written_and_read_unchanged() -> None:
    """Through the JSON of the file."""
    datasets = (Dataset(name="holdout", baseline=("a", "b"), candidate=("c",), labels=("l",), noise=("n",)),)
    written = evidence(details=details(inputs=write_inputs("policy.yml", "spark", "2GiB", datasets)))
    read = read_inputs(decode(msgspec.json.encode(written), Evidence, EVIDENCE_SCHEMA, "x.json"), "x.json")
    assert (read.policy, read.engine, read.memory_limit) == ("policy.yml", "spark", "2GiB")
    assert replay_datasets(read, {}, (), "x.json") == datasets


def test_evidence_without_inputs_cannot_be_replayed() -> None:
    """Nor can evidence of another command."""
    for other in (RegressionDetails(), None):
        with pytest.raises(EvidenceError, match=r"x[.]json"):
            read_inputs(evidence(details=other), "x.json")


@pytest.mark.parametrize(
    "malformed",
    [
        [],
        {"policy": "p"},
        {"policy": "p", "datasets": []},
        {"policy": "p", "datasets": [{"baseline": ["a"], "candidate": []}]},
        {"policy": "p", "datasets": [{"baseline": [1], "candidate": ["b"]}]},
        {"policy": "p", "engine": "sh", "datasets": [{"baseline": ["a"], "candidate": ["b"]}]},
        {"policy": "p", "more": 1, "datasets": [{"baseline": ["a"], "candidate": ["b"]}]},
        {"policy": "p" * 5000, "datasets": [{"baseline": ["a"], "candidate": ["b"]}]},
    ],
)
def test_malformed_inputs_are_unreadable(malformed: object) -> None:
    """The message is one line and names the file."""
    plain = msgspec.to_builtins(evidence())
    plain["details"]["inputs"] = malformed
    with pytest.raises(EvidenceError) as caught:
        decode(msgspec.json.encode(plain), Evidence, EVIDENCE_SCHEMA, "x.json")
    assert "x.json" in caught.value.message
    assert "\n" not in caught.value.message


OUTSIDE = (
    *("/etc/passwd", " /etc/passwd", "../x.parquet", "a/../../x", "~/x", "s3://b/x", "artifact:a@main", "file:///x"),
    *("", "a\x00b", "a,/etc/passwd", "a\n /etc/passwd", "a, ../b", "a,,b"),
)


@pytest.mark.parametrize("spec", OUTSIDE)
@pytest.mark.parametrize("role", ["baseline", "candidate", "labels", "noise"])
def test_evidence_alone_opens_nothing_outside_the_repository(spec: str, role: str) -> None:
    """Unless the policy or a flag names the artifact too."""
    hostile = inputs(**{role: [spec]})
    with pytest.raises(EvidenceError, match=f"x.json names the {role}"):
        replay_datasets(hostile, {}, (), "x.json")
    assert getattr(replay_datasets(hostile, {}, {spec}, "x.json")[0], role) == (spec,)
    if role != "noise":
        assert getattr(replay_datasets(hostile, {role: "/mine"}, (), "x.json")[0], role) == ("/mine",)


def test_paths_inside_the_repository_are_accepted() -> None:
    """Files, folders and patterns; the same rule applies to the policy's path."""
    paths = ("a.parquet", "./a/b", "out/*.parquet", "a..b", "day=1/x")
    assert [outside_reason(path) for path in paths] == [""] * 5
    check_policy_path(".github/ghmlops.yml", "x.json")
    with pytest.raises(EvidenceError, match="names the policy"):
        check_policy_path("/etc/ghmlops.yml", "x.json")


def test_a_flag_cannot_name_the_artifact_of_several_data_sets() -> None:
    """It does not say which of them is meant."""
    one = {"baseline": ["a"], "candidate": ["b"]}
    several = msgspec.convert({"policy": "p", "datasets": [one, one]}, RegressionInputs)
    with pytest.raises(InputError, match=r"--candidate.*x[.]json.*2 data sets"):
        replay_datasets(several, {"candidate": "c", "labels": ""}, (), "x.json")


def test_untrusted_text_is_one_short_line() -> None:
    """Control characters are replaced, long text is truncated."""
    assert abbreviate("a\nb\x1b[31m") == "a?b?[31m"
    assert len(abbreviate("x" * 500)) == 120
