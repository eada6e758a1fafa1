"""The files by which a policy judges."""

from __future__ import annotations

import pytest

from ghmlops.core.policy.input_files import input_files, is_local
from ghmlops.core.policyfile.document import read_policy

POLICY = """
version: 1
service: s
latency:
  payloads: all.jsonl
  ca-file: ca.pem
  mix: [{path: /a, payloads: a.jsonl}, {path: /b}]
  arrivals: {replay: {file: access.log}}
  slo: {p99: 1s}
regression:
  task: binary
  key: [id]
  label: y
  score: s
  datasets:
    eu: {baseline: [eu/base-1.parquet, eu/base-2.parquet], candidate: eu/cand.parquet, labels: eu/labels.parquet}
    us: {baseline: 'artifact:preds@main', candidate: us.parquet, noise: noise/*.parquet, labels: 's3://b/l.parquet'}
"""


def test_every_input_but_the_candidate_is_listed() -> None:
    """Payloads, authorities, recording, baselines, labels and noise; remote artifacts are no files."""
    assert input_files(read_policy(POLICY, "p")) == {
        "all.jsonl": "payloads",
        "a.jsonl": "payloads",
        "ca.pem": "ca-file",
        "access.log": "recording",
        "eu/base-1.parquet": "baseline",
        "eu/base-2.parquet": "baseline",
        "eu/labels.parquet": "labels",
        "noise/*.parquet": "noise",
    }
    assert input_files(read_policy("version: 1\nservice: s\n", "p")) == {}


def test_a_baseline_that_is_the_candidate_is_what_the_change_is_about() -> None:
    """The file of the baseline's commit is read, so that the change of this path chooses no judge."""
    same = POLICY.replace(
        "baseline: [eu/base-1.parquet, eu/base-2.parquet]", "baseline: [eu/cand.parquet, eu/b.parquet]"
    )
    files = input_files(read_policy(same, "p"))
    assert "eu/cand.parquet" not in files
    assert files["eu/b.parquet"] == "baseline"
    labels = POLICY.replace("labels: eu/labels.parquet", "labels: eu/cand.parquet")
    assert input_files(read_policy(labels, "p"))["eu/cand.parquet"] == "labels"


@pytest.mark.parametrize(
    ("spec", "expected"), [("a.parquet", True), ("/a", True), ("artifact:a@b", False), ("s3://b/a", False), ("", False)]
)
def test_files_on_this_machine_are_local(spec: str, expected: bool) -> None:
    """Only these can be compared with those of a commit."""
    assert is_local(spec) == expected
