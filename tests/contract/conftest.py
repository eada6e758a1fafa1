"""Parameters and fixtures from the workflows and documents that `declared` parses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from declared import DOCUMENTS, EXAMPLES, FILES, ROOT, Workflow

if TYPE_CHECKING:
    from pathlib import Path


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrise `workflow` (a file), `example` (a block of a document), `written` (both) and `document`."""
    for name, workflows in (("workflow", FILES), ("example", EXAMPLES), ("written", FILES + EXAMPLES)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, workflows, ids=[w.name for w in workflows])
    if "document" in metafunc.fixturenames:
        metafunc.parametrize("document", DOCUMENTS, ids=[str(p.relative_to(ROOT)) for p in DOCUMENTS])


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the root of this repository."""
    return ROOT


@pytest.fixture(scope="session")
def actions(root: Path) -> dict[str, dict[str, Any]]:
    """Return every action.yml by its folder, relative to the repository (`.` is the front action)."""
    files = [root / "action.yml", *sorted(root.glob("actions/*/action.yml"))]
    return {str(f.parent.relative_to(root)): yaml.safe_load(f.read_text(encoding="utf-8")) for f in files}


@pytest.fixture(scope="session")
def callable_workflows() -> dict[str, Workflow]:
    """Return the reusable workflows by path."""
    return {f".github/workflows/{w.name}": w for w in FILES if "workflow_call" in w.triggers}
