"""The one switch that rewrites golden files: `pytest --golden`, or `GHMLOPS_GOLDEN=write`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch."""
    parser.addoption("--golden", action="store_true", help="rewrite the golden files instead of comparing with them")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return a check that a text is the one in `tests/golden/<name>`, which the switch rewrites."""
    rewrite = request.config.getoption("--golden") or os.environ.get("GHMLOPS_GOLDEN") == "write"

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if rewrite:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path} is missing: write it with `pytest --golden`"
        assert path.read_text(encoding="utf-8") == text

    return check
