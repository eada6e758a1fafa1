"""Findings about files by which a change is judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from ghmlops.commands.check import changed_inputs
from ghmlops.commands.check.changed_inputs import input_findings, policy_finding, unreadable_finding
from ghmlops.commands.shared.trusted_inputs import TrustedInputs
from ghmlops.core.model import Outcome
from git_sandbox import Repo

COMMIT = "b" * 40


@pytest.fixture
def trusted(tmp_path: Path) -> TrustedInputs:
    """A work tree of the base beside a repository with the same files."""
    base = tmp_path / "base"
    files = {"data/a.parquet": "a", "data/b.parquet": "b", "p.jsonl": "p", "policy.yml": "version: 1"}
    for name, text in files.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(text)
    repo = Repo(tmp_path / "top")
    repo.folder.mkdir()
    repo.git("init", "--quiet", "--initial-branch=main")
    repo.commit("base", dict(files))
    return TrustedInputs(root=base, top=repo.folder.resolve())


def changed(trusted: TrustedInputs, **roles: str) -> dict[str, Outcome]:
    """Return the outcome by file of the findings `inputs-changed`."""
    findings, _ = input_findings(trusted, trusted.top, {name: role for role, name in roles.items()}, COMMIT)
    return {finding.dataset: finding.outcome for finding in findings if finding.id == "inputs-changed"}


def test_each_changed_file_has_a_finding(trusted: TrustedInputs) -> None:
    """Replaced, removed, linked and new files are inconclusive, each with its path and role."""
    assert changed(trusted, baseline="data", payloads="p.jsonl") == {}
    (trusted.top / "data/a.parquet").write_text("A")
    (trusted.top / "data/b.parquet").unlink()
    (trusted.top / "p.jsonl").unlink()
    (trusted.top / "p.jsonl").symlink_to("data/a.parquet")
    repo = Repo(trusted.top)
    repo.commit("new", {"data/c.parquet": "c"})
    (trusted.top / "data/ignored.parquet").write_text("no commit tracks it")
    inconclusive = Outcome.INCONCLUSIVE
    names = ("data/a.parquet", "data/b.parquet", "data/c.parquet", "p.jsonl")
    assert changed(trusted, baseline="data", payloads="p.jsonl") == dict.fromkeys(names, inconclusive)
    assert set(changed(trusted, baseline="data/*.parquet")) == set(names[:3])


def test_unchanged_and_unknown_files(trusted: TrustedInputs) -> None:
    """Unchanged files are counted in one finding; what no commit tracks is listed."""
    (trusted.top / "made.parquet").write_text("x")
    files = {"data": "baseline", "p.jsonl": "payloads", "made.parquet": "labels", "/outside": "noise"}
    findings, unknown = input_findings(trusted, trusted.top, files, COMMIT)
    assert [(f.id, f.outcome, f.n) for f in findings] == [("inputs-unchanged", Outcome.PASS, 3)]
    assert [item.what.rpartition(" ")[2] for item in unknown] == ["made.parquet", "/outside"]


def test_many_changed_files_are_bounded(trusted: TrustedInputs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit one finding counts the rest."""
    monkeypatch.setattr(changed_inputs, "MAX_FINDINGS", 1)
    for name in ("a", "b"):
        (trusted.top / f"data/{name}.parquet").write_text("new")
    assert set(changed(trusted, baseline="data")) == {"data/a.parquet", "others"}


@pytest.mark.parametrize(
    ("before", "now", "finding", "outcome"),
    [
        ("version: 1", "version: 1", "policy-unchanged", Outcome.PASS),
        ("version: 1", "version: 1 # x", "inputs-changed", Outcome.INCONCLUSIVE),
        (None, "version: 1", "policy-added", Outcome.WARN),
    ],
)
def test_the_policy(trusted: TrustedInputs, before: str | None, now: str, finding: str, outcome: Outcome) -> None:
    """Equal bytes pass, another text is inconclusive, a new policy is a warning."""
    if before is None:
        (trusted.root / "policy.yml").unlink()
    (trusted.top / "policy.yml").write_text(now)
    result = policy_finding(trusted, trusted.top, "policy.yml", COMMIT)
    assert (result.id, result.outcome) == (finding, outcome)
    assert COMMIT[:12] in result.reason


def test_a_base_that_cannot_be_read_is_inconclusive() -> None:
    """Then nothing shows that the change left its judge alone."""
    finding = unreadable_finding(COMMIT, "not a tree")
    assert (finding.id, finding.outcome) == ("inputs-changed", Outcome.INCONCLUSIVE)
