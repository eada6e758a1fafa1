"""Provenance: who measured what, for which service, in which run, against which commit and by which policies."""

from __future__ import annotations

import hashlib
import io
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ghmlops.commands.shared.base import Common, Services
from ghmlops.commands.shared.console import Console
from ghmlops.commands.shared.provenance import provenance
from ghmlops.core.context import Context
from ghmlops.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

POLICY = "version: 1\nservice: shop\n"


def git(cwd: Path, *args: str) -> str:
    """Run git, and return what it prints."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(["git", *identity, *args], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(cwd: Path, policy: str) -> str:
    """Commit a policy, and return the commit."""
    (cwd / ".github").mkdir(exist_ok=True)
    (cwd / ".github/ghmlops.yml").write_text(policy)
    git(cwd, "add", "-A")
    git(cwd, "commit", "--quiet", "--message", "policy")
    return git(cwd, "rev-parse", "HEAD")


def services(cwd: Path, context: Context) -> Services:
    """Return services in a folder."""
    console = Console(stream=io.StringIO())
    return Services(context=context, environ={}, cwd=cwd, now=lambda: datetime(2026, 1, 1, tzinfo=UTC), console=console)


def digest(text: str) -> str:
    """Return the fingerprint of a text."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def history(tmp_path: Path) -> tuple[Path, str, str]:
    """A repository whose head changes the policy of its base."""
    git(tmp_path, "init", "--quiet", ".")
    base = commit(tmp_path, POLICY)
    return tmp_path, base, commit(tmp_path, POLICY + "gate: {max-age: 1d}\n")


def test_it_names_service_run_and_both_policies(history: tuple[Path, str, str]) -> None:
    """Service, event, workflow file, baseline, and the policies of head and baseline with their digests."""
    folder, base, head = history
    context = Context(
        repository="acme/shop",
        head_sha=head,
        base_sha=base,
        run_id="42",
        run_attempt=2,
        event_name="push",
        workflow_path=".github/workflows/deploy.yml",
    )
    origin = provenance(Common(), services(folder, context))
    assert (origin.service, origin.event, origin.workflow) == ("shop", "push", ".github/workflows/deploy.yml")
    assert (origin.run_id, origin.run_attempt, origin.base_sha, origin.head_sha) == ("42", 2, base, head)
    assert origin.fingerprints["base-policy"] == digest(POLICY)
    assert origin.fingerprints["policy"] == digest(POLICY + "gate: {max-age: 1d}\n")


def test_it_names_what_differs_between_both_sides(history: tuple[Path, str, str]) -> None:
    """The key of the policy, the package of the lock file, and the machine, which is the same for both sides."""
    folder, base, _ = history
    (folder / "requirements.txt").write_text("numpy==1.26.4\n")
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "--message", "lock")
    base = git(folder, "rev-parse", "HEAD")
    (folder / "requirements.txt").write_text("numpy==2.0.1\n")
    head = commit(folder, POLICY + "gate: {max-age: 2d}\n")
    origin = provenance(Common(), services(folder, Context(head_sha=head, base_sha=base)))
    differences = [(p.kind, p.name, p.baseline, p.candidate) for p in origin.parts if p.baseline != p.candidate]
    assert [row[0] for row in differences] == ["policy", "policy-key", "environment", "package"]
    assert differences[1][1:] == ("gate", "{max-age: 1d}", "{max-age: 2d}")
    assert differences[3][1:] == ("numpy", "1.26.4", "2.0.1")
    (machine,) = [part for part in origin.parts if part.kind == "machine"]
    assert "Python" in machine.candidate


def test_what_is_unknown_is_absent(tmp_path: Path) -> None:
    """Without a policy, a baseline and a run, none is made up."""
    origin = provenance(Common(), services(tmp_path, Context(head_sha="a" * 40)))
    assert (origin.service, origin.event, origin.workflow, origin.base_sha) == ("", "", "", "")
    assert not {"policy", "base-policy"} & set(origin.fingerprints)


def test_a_policy_that_the_baseline_lacks(history: tuple[Path, str, str]) -> None:
    """If the baseline's commit has no policy, there is no digest of it."""
    folder, base, head = history
    context = Context(head_sha=head, base_sha=base)
    origin = provenance(Common(policy="other.yml"), services(folder, context))
    assert "base-policy" not in origin.fingerprints


def test_a_tracked_file_that_differs_is_dirty(history: tuple[Path, str, str]) -> None:
    """A changed, staged or deleted tracked file is; untracked files, such as evidence, are not."""
    folder, _, head = history
    context = Context(head_sha=head)
    (folder / "evidence.json").write_text("{}")
    assert provenance(Common(), services(folder, context)).dirty is False
    (folder / ".github/ghmlops.yml").write_text(POLICY + "# edited\n")
    assert provenance(Common(), services(folder, context)).dirty is True
    git(folder, "add", "-A")
    assert provenance(Common(), services(folder, context)).dirty is True
    git(folder, "commit", "--quiet", "--message", "edited")
    assert provenance(Common(), services(folder, context)).dirty is False
    (folder / ".github/ghmlops.yml").unlink()
    assert provenance(Common(), services(folder / ".github", context)).dirty is True


@pytest.mark.parametrize("initialised", [False, True])
def test_without_a_commit_evidence_names_none(tmp_path: Path, *, initialised: bool) -> None:
    """Outside a checkout and before the first commit, on a machine; a workflow run without a commit is an error."""
    if initialised:
        git(tmp_path, "init", "--quiet", ".")
    origin = provenance(Common(), services(tmp_path, Context()))
    assert (origin.head_sha, origin.dirty, "code" in origin.fingerprints) == ("", False, False)
    with pytest.raises(InputError):
        provenance(Common(), services(tmp_path, Context(in_actions=True)))
