"""Whether a change affects a service, on a real repository with two of them."""

from __future__ import annotations

import dataclasses
import os
from datetime import UTC, datetime
from io import StringIO
from typing import TYPE_CHECKING

import msgspec
import pytest

from ghmlops.commands.baseline.affected import leaves_untouched, unaffected
from ghmlops.commands.shared.base import Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.context import read_context
from ghmlops.core.model import Outcome
from ghmlops.core.policyfile.document import read_policy
from git_sandbox import Repo

if TYPE_CHECKING:
    from pathlib import Path

FILE = "services/a/ghmlops.yml"
POLICY = """\
version: 1
service: a
paths: [services/a/**, libs/common, "!**/*.md"]
preview: {command: "python serve.py --port {port}"}
latency: {request: {path: /}, payloads: ../../data/a.jsonl, arrivals: {poisson: 50/s, duration: 60s}}
"""


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """Two services, a library of the first one, and its payloads."""
    repo = Repo(tmp_path / "repository")
    repo.folder.mkdir()
    repo.git("init", "--quiet", "--initial-branch=main")
    names = ("services/a/serve.py", "services/a/README.md", "services/b/serve.py", "libs/common/x.py", "data/a.jsonl")
    repo.commit("Begin", {FILE: POLICY, **dict.fromkeys(names, "1\n")})
    return repo


def services(repo: Repo, event: str = "pull_request", **context: object) -> Services:
    """Return the services of a run in the folder of service a."""
    values = msgspec.structs.replace(read_context({}, {}), event_name=event, **context)
    return Services(
        context=values,
        environ=dict(os.environ),
        cwd=repo.folder / "services/a",
        now=lambda: datetime.now(UTC),
        console=Console(StringIO()),
    )


@pytest.mark.parametrize(
    ("name", "affects"),
    [
        ("services/b/serve.py", False),
        ("services/a/README.md", False),
        ("services/b/services/a/x", False),
        ("services/a\nx", False),
        ("services/a/serve.py", True),
        ("services/a/new\nline.py", True),
        ("libs/common/x.py", True),
        ("data/a.jsonl", True),
        (FILE, True),
    ],
)
def test_one_changed_file(repo: Repo, name: str, affects: bool) -> None:
    """A file of the service, its policy and its payloads affect it; other files do not."""
    base = repo.git("rev-parse", "HEAD")
    repo.commit("Change", {name: "2\n" if name != FILE else POLICY + "# 2\n"})
    head = repo.git("rev-parse", "HEAD")
    policy = read_policy(POLICY)
    finding = unaffected(policy, "ghmlops.yml", base, services(repo, head_sha=head, in_actions=True))
    assert (finding is None) is affects
    if finding:
        assert (finding.id, finding.outcome, finding.n) == ("not-affected", Outcome.PASS, 1)


def test_a_file_that_moves_out_of_the_service(repo: Repo) -> None:
    """A renamed file counts with both of its paths, and so does one that replaces a folder."""
    base = repo.git("rev-parse", "HEAD")
    repo.git("mv", "services/a/serve.py", "services/b/other.py")
    repo.git("commit", "--quiet", "--message", "Move")
    run = services(repo, head_sha=repo.git("rev-parse", "HEAD"), in_actions=True)
    assert unaffected(read_policy(POLICY), "ghmlops.yml", base, run) is None


def test_only_runs_before_a_merge(repo: Repo) -> None:
    """A deployment is measured whatever changed; so is a change whose base or policy says nothing."""
    base = repo.git("rev-parse", "HEAD")
    repo.commit("Change", {"services/b/serve.py": "2\n"})
    policy, head = read_policy(POLICY), repo.git("rev-parse", "HEAD")

    def measured(event: str = "pull_request", sha: str = base, everything: bool = False) -> bool:
        rules = msgspec.structs.replace(policy, paths=()) if everything else policy
        return unaffected(rules, "ghmlops.yml", sha, services(repo, event, head_sha=head, in_actions=True)) is None

    assert [measured(e) for e in ("pull_request", "merge_group", "push", "workflow_dispatch", "schedule")] == [
        *(False, False),
        *(True, True, True),
    ]
    assert measured(sha="")
    assert measured(sha="1" * 40)
    assert measured(sha=head)
    assert measured(everything=True)


def test_a_local_run_sees_uncommitted_changes(repo: Repo) -> None:
    """Outside of a workflow, edited and new files count; a file that git ignores does not."""
    base = repo.git("rev-parse", "HEAD")
    repo.commit("Change", {"services/b/serve.py": "2\n", ".gitignore": "evidence/\n"})
    policy, run = read_policy(POLICY), services(repo, "")
    (repo.folder / "services/a/evidence").mkdir()
    (repo.folder / "services/a/evidence/x.json").write_text("{}")
    assert unaffected(policy, "ghmlops.yml", base, run) is not None
    (repo.folder / "services/a/new.py").write_text("3\n")
    assert unaffected(policy, "ghmlops.yml", base, run) is None
    in_workflow = dataclasses.replace(run, context=msgspec.structs.replace(run.context, in_actions=True))
    assert unaffected(policy, "ghmlops.yml", base, in_workflow) is not None


def test_an_empty_list_shows_nothing(repo: Repo) -> None:
    """A list without a file is no evidence that a change leaves the service as it is."""
    run = services(repo)
    assert not leaves_untouched(read_policy(POLICY), "ghmlops.yml", frozenset(), run)
    assert leaves_untouched(read_policy(POLICY), "ghmlops.yml", {"services/b/x"}, run)
