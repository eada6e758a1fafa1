"""Who reviewed changed inputs of a push: the maintainers who set the label on the merged pull requests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ghmlops.commands.report.change import Change
from ghmlops.commands.report.judge_changed import judge_findings
from ghmlops.commands.shared.policy_file import repository_file
from ghmlops.core.errors import GitHubError
from ghmlops.core.model import Outcome
from ghmlops.core.policy.input_files import input_files
from ghmlops.core.verdict.review import REVIEWABLE
from ghmlops.measure import checkout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.evidence.document import Verdict
    from ghmlops.core.model import Finding
    from ghmlops.core.policy.document import Policy
    from ghmlops.measure.github import Client
    from ghmlops.measure.github.pull_requests import PullRequest

MAX_COMMITS = 50
"""Commits of a push whose pull requests are looked for; each takes several requests."""


def push_reviewers(client: Client, verdict: Verdict, services: Services) -> str:
    """Return the maintainers who reviewed the inputs that a push changed; empty if one change was not reviewed.

    Each commit of the branch since the baseline that changes one of the inputs must come from a merged pull request
    whose head was reviewed: the label was set after the head was pushed, and that head is what was merged. What the
    branch did before the baseline was deployed already.

    Args:
        client: the connection.
        verdict: the verdict on the commit, with the inputs that differ from those of the baseline.
        services: services of the command; the checkout contains the history of the branch.
    """
    names = {f.dataset for f in verdict.findings if f.id in REVIEWABLE and f.outcome is Outcome.INCONCLUSIVE}
    commits = _branch_commits(verdict, services) if names else []
    if not commits or len(commits) > MAX_COMMITS:
        return ""
    changing = _changing(commits, names, services)
    reviewers: dict[str, None] = {}
    try:
        for sha in changing:
            reviewer = _reviewer(client, sha, commits, services)
            if not reviewer:
                services.console.note(f"changed inputs: no maintainer reviewed the pull request of {sha[:12]}")
                return ""
            reviewers[reviewer] = None
    except GitHubError as error:
        services.console.note(f"changed inputs: whether a maintainer reviewed them is unknown: {error.message}")
        return ""
    return " and ".join(reviewers)


def changed_inputs(verdict: Verdict, policy: Policy, policy_file: str, services: Services) -> list[Finding]:
    """Return a finding for each file that judges the commit and differs from the baseline, by git and not by evidence.

    Without a baseline in the history of the checkout there is nothing to compare.

    Args:
        verdict: the verdict on the commit.
        policy: the trusted policy.
        policy_file: its path, relative to the working directory.
        services: services of the command.
    """
    if not _branch_commits(verdict, services):
        return []
    options = ("-r", "-z", "--no-renames", "--name-only")
    listing = checkout.git_read(services.cwd, "diff-tree", *options, verdict.base_sha, verdict.commit)
    change = Change(None, verdict.base_sha, files=frozenset(name for name in listing.split("\0") if name))
    files = {repository_file(name, services): role for name, role in input_files(policy).items()}
    path = os.path.relpath(services.cwd / policy_file, services.cwd)
    has_policy = checkout.content_at(services.cwd, verdict.base_sha, path) is not None
    return judge_findings(change, repository_file(policy_file, services), has_policy, files)


def _branch_commits(verdict: Verdict, services: Services) -> list[str]:
    """Return the commits by which the branch went from the baseline to the judged commit, newest first."""
    base, commit = verdict.base_sha, verdict.commit
    if not base or checkout.git_read(services.cwd, "merge-base", base, commit) != base:
        return []
    return checkout.git_read(services.cwd, "rev-list", "--first-parent", f"{base}..{commit}").split()


def _changing(commits: Sequence[str], names: set[str], services: Services) -> list[str]:
    """Return the commits that change one of the inputs; all of them, if the commits do not explain an input."""
    changed = {sha: _changed_paths(sha, services) for sha in commits}
    top = checkout.top_folder(services.cwd) or services.cwd
    paths = {name: os.path.relpath((services.cwd / name).resolve(), top.resolve()) for name in names}
    explained = set().union(*changed.values())
    if not all(name and (name in explained or path in explained) for name, path in paths.items()):
        return list(commits)
    inputs = {*paths, *paths.values()}
    return [sha for sha in commits if changed[sha] & inputs]


def _changed_paths(sha: str, services: Services) -> set[str]:
    options = ("-r", "-z", "--no-renames", "--name-only")
    listing = checkout.git_read(services.cwd, "diff-tree", *options, f"{sha}^1", sha)
    return {name for name in listing.split("\0") if name}


def _reviewer(client: Client, sha: str, commits: Sequence[str], services: Services) -> str:
    from ghmlops.measure.github.pull_requests import merged_pull_requests
    from ghmlops.measure.github.reviews import Head, inputs_reviewer, push_time

    parents = checkout.git_read(services.cwd, "rev-list", "--parents", "--max-count=1", sha).split()[1:]
    for pull in merged_pull_requests(client, sha):
        if not _brought(pull, sha, commits, parents):
            continue
        pushed = push_time(client, Head(pull.head_repository, pull.head_branch, pull.head_sha))
        if pushed is not None and (reviewer := inputs_reviewer(client, pull.number, pushed)):
            return reviewer
    return ""


def _brought(pull: PullRequest, sha: str, commits: Sequence[str], parents: Sequence[str]) -> bool:
    """Return whether a pull request brought a commit to the branch, and its head is what was merged.

    GitHub fixes the head of a pull request when it is merged. A merge commit names it as a parent; a squash or rebase
    creates new commits, of which the last one is the pull request's merge commit.
    """
    if pull.merge_sha not in commits:
        return False
    return pull.head_sha in parents if len(parents) > 1 else pull.merge_sha == sha or len(parents) == 1
