"""Tools are pinned: the tests use the versions that `scripts/test` installs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import runner
from github_api import spec

if TYPE_CHECKING:
    from pathlib import Path


def test_versions_agree(root: Path) -> None:
    """The versions in `scripts/test` are those that the tests look for in the cache."""
    (line,) = re.findall(
        r"^ACT=(\S+) ACTIONLINT=(\S+) OPENAPI=(\S+)$", (root / "scripts/test").read_text(), re.MULTILINE
    )
    package = json.loads((root / "scripts/node/package.json").read_text())
    documents = (root / "tests/contract/test_documents.py").read_text()
    assert f"act-{line[0]}" in (root / "tests/runner.py").read_text()
    assert f"actionlint-{line[1]}" in documents
    assert line[2] == spec.VERSION == package["devDependencies"]["@octokit/openapi"]
    (java,) = re.findall(
        r"^HDRHISTOGRAM=(\S+) MAVEN_COPY=\d+\.\d+\.\d+$", (root / "scripts/test").read_text(), re.MULTILINE
    )
    assert f"HdrHistogram-{java}.jar" in (root / "tests/core/histograms/test_hlog.py").read_text()


def test_doubles_match_the_pinned_actions(root: Path) -> None:
    """The doubles of the tests replace exactly the commits that the workflows use."""
    used = set()
    for path in (root / ".github" / "workflows").glob("*.yml"):
        used.update(re.findall(r"uses: actions/([\w-]+)@([0-9a-f]{40})", path.read_text()))
    names = ("attest", "cache", "deploy-pages", "upload-pages-artifact")
    without_double = {name: dict(used)[name] for name in names}
    assert dict(used) == {**runner.PINS, **without_double}


def test_node_packages_are_pinned_by_hash(root: Path) -> None:
    """Versions are exact, and every package of the tree has a hash and no URL of a registry."""
    package = json.loads((root / "scripts/node/package.json").read_text())
    lock = json.loads((root / "scripts/node/package-lock.json").read_text())
    packages = {name: body for name, body in lock["packages"].items() if name}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())
    assert lock["packages"][""]["devDependencies"] == package["devDependencies"]
    assert all(body["integrity"].startswith("sha512-") for body in packages.values())
    assert not any("resolved" in body for body in packages.values())


def test_uv_is_pinned_by_hash(root: Path) -> None:
    """One version of uv, with the hashes of its files."""
    text = (root / "scripts/uv.txt").read_text()
    assert len(re.findall(r"^uv==\d+\.\d+\.\d+ \\$", text, re.MULTILINE)) == 1
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", text)) > 1


def test_continuous_integration_runs_the_same_script(root: Path) -> None:
    """`.ci/run` and the workflow only call `scripts/test`."""
    commands = [line for line in (root / ".ci/run").read_text().splitlines() if line and not line.startswith("#")]
    assert commands == ["set -euo pipefail", 'exec "$(dirname -- "${BASH_SOURCE[0]}")/../scripts/test"']
    assert "- run: .ci/run\n" in (root / ".github/workflows/ci.yml").read_text()
