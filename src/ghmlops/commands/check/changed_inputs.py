"""Whether the change alters what judges it: the policy, baselines, labels, noise, payloads and authorities."""

from __future__ import annotations

import filecmp
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, NotMeasured, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ghmlops.commands.shared.trusted_inputs import TrustedInputs

DOCS = "actions/check/README.md#a-change-cannot-choose-its-judge"
MAX_FINDINGS = 50
"""Changed files that have a separate finding; the last finding counts the others."""


def policy_finding(trusted: TrustedInputs, cwd: Path, name: str, commit: str) -> Finding:
    """Return whether the policy differs from that of the baseline's commit."""
    before = trusted.policy(cwd, name)
    if before is None:
        reason = f"The policy {name} does not exist in the baseline's commit {commit[:12]}: the change judges itself."
        return _finding("policy-added", Outcome.WARN, reason, name)
    if before.read_bytes() == (cwd / name).read_bytes():
        reason = f"The policy is the same as in the baseline's commit {commit[:12]}."
        return _finding("policy-unchanged", Outcome.PASS, reason, "")
    reason = f"The policy {name} differs from the one in the baseline's commit {commit[:12]}."
    return _finding("inputs-changed", Outcome.INCONCLUSIVE, reason, name)


def unreadable_finding(commit: str, problem: str) -> Finding:
    """Return the finding about a baseline's commit that cannot be read, so that nothing can be compared with it."""
    reason = f"Whether the change alters what judges it is unknown: {commit[:12]} cannot be read ({problem})."
    return _finding("inputs-changed", Outcome.INCONCLUSIVE, reason, "")


def input_findings(
    trusted: TrustedInputs, cwd: Path, files: Mapping[str, str], commit: str
) -> tuple[list[Finding], list[NotMeasured]]:
    """Compare the files by which the change is judged with those of the baseline's commit.

    Args:
        trusted: work tree of the baseline's commit.
        cwd: working directory of the check.
        files: role of each file, folder or pattern, as the policies and inputs name them.
        commit: the baseline's commit.

    Returns:
        A finding for each file that differs, or one that passes if none does; and the files that no commit tracks.
    """
    changes: dict[str, str] = {}
    unknown: list[NotMeasured] = []
    count = 0
    for name, role in files.items():
        differences = list(_differences(trusted, cwd, name))
        changes |= {path: f"The {role} {path} {how}" for path, how in differences if how}
        count += len(differences)
        if not differences:
            why = "no commit contains it, so whether the change replaced it is unknown"
            unknown.append(NotMeasured(what=f"changes of the {role} {name}", why=why))
    tail = f"the baseline's commit {commit[:12]}"
    findings = [
        _finding("inputs-changed", Outcome.INCONCLUSIVE, f"{reason} {tail}.", path)
        for path, reason in list(changes.items())[:MAX_FINDINGS]
    ]
    if len(changes) > MAX_FINDINGS:
        reason = f"{len(changes) - MAX_FINDINGS:,} more files by which the change is judged differ from {tail}."
        findings.append(_finding("inputs-changed", Outcome.INCONCLUSIVE, reason, "others"))
    if count and not changes:
        subject = f"All {count:,} tracked files by which the change is judged are those"
        if count == 1:
            subject = "The only tracked file by which the change is judged is that"
        reason = f"{subject} of {tail}."
        findings.append(_finding("inputs-unchanged", Outcome.PASS, reason, "", n=count))
    return findings, unknown


def _differences(trusted: TrustedInputs, cwd: Path, name: str) -> Iterator[tuple[str, str]]:
    """Yield each tracked file of an input and how it differs from the baseline's commit; empty if it does not."""
    from ghmlops.commands.shared.trusted_inputs import existing, repository_path
    from ghmlops.measure.checkout import tracked_files

    relative = repository_path(cwd, trusted.top, name)
    if not relative:
        return
    before = {os.path.relpath(file, trusted.root) for path in existing(trusted.root, relative) for file in _files(path)}
    for path in sorted(before):
        yield path, _difference(trusted.root / path, trusted.top / path)
    after = {os.path.relpath(file, trusted.top) for path in existing(trusted.top, relative) for file in _files(path)}
    named = relative if os.path.lexists(trusted.top / relative) else ""
    for path in sorted(tracked_files(cwd, "HEAD", [named]) & (after - before)):
        yield path, "does not exist in"


def _files(path: Path) -> Iterator[Path]:
    """Yield a file, or the files below a folder; links are files."""
    if path.is_symlink() or not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        links = (name for name in folders if os.path.islink(os.path.join(folder, name)))
        yield from (Path(folder) / name for name in (*names, *links))


def _difference(before: Path, now: Path) -> str:
    if not os.path.lexists(now):
        return "was removed from"
    if before.is_symlink() or now.is_symlink():
        same = before.is_symlink() and now.is_symlink() and before.readlink() == now.readlink()
    else:
        same = now.is_file() and filecmp.cmp(before, now, shallow=False)
    return "" if same else "differs from the one in"


def _finding(rule: str, outcome: Outcome, reason: str, file: str, n: int | None = None) -> Finding:
    return Finding(
        id=rule,
        metric="inputs",
        outcome=outcome,
        reason=reason,
        docs=DOCS,
        description="The change is judged by the policy, baselines and payloads of its baseline.",
        dataset=file,
        n=n,
    )
