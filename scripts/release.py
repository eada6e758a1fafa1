#!/usr/bin/env python3
"""Checks that this commit is the release that a tag names, and prints the notes of the release.

    python3 scripts/release.py v1.2.3 [BRANCH]

The version of the package, that of the lock file and the changelog must agree with the tag, and no action or workflow
may refer to another commit of this project: a pin of the tag then pins everything. The documented references must be
those of the tag's major version. With BRANCH, the tag must name the commit that is checked out, and that branch must
contain it, so that nothing is released that was not reviewed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "src/ghmlops/__init__.py"
TAG = re.compile(r"v(?P<version>(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*))")
OWN_REFERENCE = re.compile(r"^[^#\n]*\b(?:uses|repository):\s*[\"']?ghmlops/ghmlops\S*", re.MULTILINE | re.IGNORECASE)
MAJOR_REFERENCE = re.compile(r"\bghmlops/ghmlops(?:/[\w./-]+?)?[@/]v(\d+)\b")
"""A documented reference to the newest release of a major version."""
DOCUMENTS = ("README.md", "actions/*/README.md", ".github/workflows/*.yml", ".github/site/docs/**/*.md", "src/**/*.py")
"""Files with references that users paste, and the texts that `ghmlops init` writes."""


def problems(root: Path, tag: str) -> list[str]:
    """Return what contradicts the tag, one sentence each; empty if the commit can be released."""
    match = TAG.fullmatch(tag)
    if match is None:
        return [f'the tag "{tag[:80]}" is not of the form v1.2.3']
    version = match["version"]
    result = []
    packaged = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if packaged != version:
        result.append(f"pyproject.toml has the version {packaged}, and the tag {version}")
    stated = re.search(r'^__version__ = "(.*)"', (root / PACKAGE).read_text(encoding="utf-8"), re.MULTILINE)
    if stated is None or stated[1] != version:
        result.append(f"{PACKAGE} has the version {stated[1] if stated else '(none)'}, and the tag {version}")
    lock = tomllib.loads((root / "uv.lock").read_text(encoding="utf-8"))
    locked = next((p["version"] for p in lock["package"] if p["name"] == "ghmlops"), "(none)")
    if locked != version:
        result.append(f"uv.lock has the version {locked} of ghmlops, and the tag {version}")
    if not notes(root, version):
        result.append(f"CHANGELOG.md has no entries below a heading `## {version} - YYYY-MM-DD`")
    if notes(root, "Unreleased"):
        result.append("CHANGELOG.md has entries below `## Unreleased`")
    result += [f"{path} refers to a release of this project: {line}" for path, line in own_references(root)]
    result += outdated_references(root, version.partition(".")[0])
    return result


def unreviewed(root: Path, tag: str, branch: str) -> list[str]:
    """Return whether the tag names another commit than the one checked out, or one that the branch does not contain."""

    def git(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", *args], cwd=root, capture_output=True, text=True, check=False)

    head, tagged = (
        git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").stdout for ref in ("HEAD", f"refs/tags/{tag}")
    )
    if not head or head != tagged:
        return [f"the tag {tag} does not name the commit that is checked out"]
    if git("merge-base", "--is-ancestor", "HEAD", branch).returncode != 0:
        return [f"the commit of {tag} is not on {branch}, so that nobody reviewed it there"]
    return []


def notes(root: Path, version: str) -> str:
    """Return the section of the changelog about a version, without its heading; empty without entries."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    date = "" if version == "Unreleased" else r" - \d{4}-\d{2}-\d{2}"
    match = re.search(rf"^## {re.escape(version)}{date}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return match[1].strip() if match and re.search(r"^- ", match[1], re.MULTILINE) else ""


def own_references(root: Path) -> list[tuple[str, str]]:
    """Return file and line of each step or job, outside of comments, that names this project with a reference."""
    files = [*root.glob("action.y*ml"), *root.glob("actions/*/action.y*ml"), *root.glob(".github/workflows/*.y*ml")]
    return [
        (path.relative_to(root).as_posix(), match[0].strip())
        for path in sorted(files)
        for match in OWN_REFERENCE.finditer(path.read_text(encoding="utf-8"))
    ]


def outdated_references(root: Path, major: str) -> list[str]:
    """Return one sentence about documented references to another major version than the tag's; empty without one."""
    files = sorted({path for pattern in DOCUMENTS for path in root.glob(pattern)})
    majors = {path: set(MAJOR_REFERENCE.findall(path.read_text(encoding="utf-8"))) - {major} for path in files}
    others = {path.relative_to(root).as_posix(): sorted(values)[0] for path, values in majors.items() if values}
    if not others:
        return []
    path, other = next(iter(others.items()))
    return [f"{path} refers users to v{other}, as do {len(others)} files in all, and the tag is one of v{major}"]


def main(args: list[str]) -> int:
    """Print the notes and return 0, or print the problems and return 2."""
    if len(args) not in (1, 2):
        print("ghmlops: error: expected a tag; usage: scripts/release.py v1.2.3 [BRANCH]", file=sys.stderr)
        return 2
    contradictions = problems(ROOT, args[0]) + (unreviewed(ROOT, *args) if len(args) == 2 else [])
    for problem in contradictions:
        print(f"ghmlops: error: {problem}; fix it and tag the new commit", file=sys.stderr)
    if contradictions:
        return 2
    print(notes(ROOT, args[0].removeprefix("v")))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
