"""The parsed workflows and documents of this repository, for the tests that hold them to their word."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[1]
OWN = re.compile(r"ghmlops/ghmlops(?:/(?P<path>[^@]+))?@(?P<ref>.+)")


class Workflow(NamedTuple):
    """A workflow and where it stands: a file of its own, or a block of a document."""

    name: str
    text: str
    body: dict[str, Any]

    @property
    def triggers(self) -> dict[str, Any]:
        """What stands under `on`, which YAML 1.1 reads as a truth value."""
        found = self.body.get("on", self.body.get(True))  # type: ignore[call-overload]
        if isinstance(found, dict):
            return found
        return dict.fromkeys([found] if isinstance(found, str) else list(found or []))

    def steps(self) -> list[tuple[str, dict[str, Any]]]:
        """Return (job name, step) of every step."""
        return [(name, step) for name, job in self.body["jobs"].items() for step in job.get("steps", [])]


def _workflow(name: str, text: str) -> Workflow:
    return Workflow(name, text, yaml.safe_load(text))


def _blocks(path: Path) -> list[Workflow]:
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"^```ya?ml\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    name = str(path.relative_to(ROOT))
    return [_workflow(f"{name} [{n}]", block) for n, block in enumerate(found) if re.search(r"^jobs:", block, re.M)]


FILES = [
    _workflow(path.name, path.read_text(encoding="utf-8")) for path in sorted(ROOT.glob(".github/workflows/*.yml"))
]
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("actions/*/README.md"))]
EXAMPLES = [workflow for path in DOCUMENTS for workflow in _blocks(path)]
