#!/usr/bin/env python3
"""Checks that this commit is the release that a tag names, and prints the notes of the release.

    python3 scripts/release.py v1.2.3

The version of the package, that of the lock file and the changelog must agree with the tag, and no action or workflow
may refer to another commit of this project: a pin of the tag then pins everything.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TAG = re.compile(r"v(?P<version>(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*))")
OWN_REFERENCE = re.compile(r"^\s*(?:-\s+)?uses:\s*ghmlops/ghmlops\S*", re.MULTILINE)


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
    lock = tomllib.loads((root / "uv.lock").read_text(encoding="utf-8"))
    locked = next((p["version"] for p in lock["package"] if p["name"] == "ghmlops"), "(none)")
    if locked != version:
        result.append(f"uv.lock has the version {locked} of ghmlops, and the tag {version}")
    if not notes(root, version):
        result.append(f"CHANGELOG.md has no entries below a heading `## {version} - YYYY-MM-DD`")
    if notes(root, "Unreleased"):
        result.append("CHANGELOG.md has entries below `## Unreleased`")
    result += [f"{path} refers to a release of this project: {line}" for path, line in own_references(root)]
    return result


def notes(root: Path, version: str) -> str:
    """Return the section of the changelog about a version, without its heading; empty without entries."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    date = "" if version == "Unreleased" else r" - \d{4}-\d{2}-\d{2}"
    match = re.search(rf"^## {re.escape(version)}{date}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return match[1].strip() if match and re.search(r"^- ", match[1], re.MULTILINE) else ""


def own_references(root: Path) -> list[tuple[str, str]]:
    """Return file and line of each step or job, outside of comments, that names this project with a reference."""
    files = [root / "action.yml", *(root / "actions").glob("*/action.yml"), *(root / ".github/workflows").glob("*.yml")]
    return [
        (path.relative_to(root).as_posix(), match[0].strip())
        for path in sorted(files)
        for match in OWN_REFERENCE.finditer(path.read_text(encoding="utf-8"))
    ]


def main(args: list[str]) -> int:
    """Print the notes and return 0, or print the problems and return 2."""
    if len(args) != 1:
        print("ghmlops: error: expected one argument; usage: scripts/release.py v1.2.3", file=sys.stderr)
        return 2
    contradictions = problems(ROOT, args[0])
    for problem in contradictions:
        print(f"ghmlops: error: {problem}; fix it and tag the new commit", file=sys.stderr)
    if contradictions:
        return 2
    print(notes(ROOT, args[0].removeprefix("v")))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
