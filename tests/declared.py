"""Parsed workflows and documents of this repository, for the contract tests."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ghmlops.core.adoption.workflow_text import workflow_texts

ROOT = Path(__file__).resolve().parents[1]
OWN = re.compile(r"(?:ghmlops/ghmlops(?=[/@])|\./\.ghmlops(?![^/]))(?:/(?P<path>[^@]+))?(?:@(?P<ref>.+))?")
"""An action or workflow of this project: by its release, or in the folder that holds the release of the workflow."""


class Workflow(NamedTuple):
    """A workflow and its origin: a file, or a code block of a document."""

    name: str
    text: str
    body: dict[str, Any]

    @property
    def triggers(self) -> dict[str, Any]:
        """Triggers under the key `on`, which YAML 1.1 parses as a boolean."""
        value = self.body.get("on", self.body.get(True))  # type: ignore[call-overload]
        if isinstance(value, dict):
            return value
        return dict.fromkeys([value] if isinstance(value, str) else list(value or []))

    def steps(self) -> list[tuple[str, dict[str, Any]]]:
        """Return (job name, step) of every step."""
        return [(name, step) for name, job in self.body["jobs"].items() for step in job.get("steps", [])]


def _workflow(name: str, text: str) -> Workflow:
    return Workflow(name, text, yaml.safe_load(text))


def _blocks(path: Path) -> list[Workflow]:
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^```ya?ml\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    name = str(path.relative_to(ROOT))
    return [_workflow(f"{name} [{n}]", block) for n, block in enumerate(blocks) if re.search(r"^jobs:", block, re.M)]


FILES = [
    _workflow(path.name, path.read_text(encoding="utf-8")) for path in sorted(ROOT.glob(".github/workflows/*.yml"))
]
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("actions/*/README.md"))]
PROPOSED = workflow_texts(
    policy="ml/ghmlops.yml",
    default_policy=".github/ghmlops.yml",
    setup="python3 -m pip install -r requirements.txt",
    branch="main",
    environment="staging",
)
"""The workflows that `ghmlops init` writes."""
SITE = sorted((ROOT / ".github" / "site" / "docs").rglob("*.md"))
"""Pages of the documentation site; its build checks their links."""
EXAMPLES = [workflow for path in (*DOCUMENTS, *SITE) for workflow in _blocks(path)] + [
    _workflow(f"ghmlops init [{name}]", text) for name, text in PROPOSED.items()
]


def callers_workflow(name: str) -> str:
    """Return the text of the complete workflow that the first comment of a reusable workflow shows."""
    lines = (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8").splitlines()
    header = itertools.takewhile(lambda line: line.startswith("#"), lines)
    example = [line.removeprefix("#   ") for line in header if line.startswith("#   ")]
    return "\n".join(["name: caller", *example, ""])


def documented_workflow(name: str, folder: str) -> str:
    """Return the text of the last workflow of a name on the page of an action."""
    texts = [w.text for w in _blocks(ROOT / folder / "README.md") if w.body.get("name") == name]
    return texts[-1]
