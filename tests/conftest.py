"""Hypothesis without clock and dice; the switch that rewrites golden files; which tests run beside others.

The switch is `--golden`, or `GHMLOPS_GOLDEN=write`.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable

# Examples come from the test's own name and take as long as they take: what passes here passes on a busy machine too.
settings.register_profile(
    "ghmlops", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ghmlops")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in the background deaf to Ctrl-C, and so would be the commands that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
TIMED = (
    "commands/capacity/",
    "commands/check/",
    "commands/latency/",
    "commands/shared/test_load_source.py",
    "commands/test_merge_shards.py",
    "commands/test_service_that_dies.py",
    "e2e/test_actions.py",
    "e2e/test_load.py",
    "e2e/test_pull_request.py",
    "measure/load/",
    "scripts/test_demo_run.py",
)
"""What loads real services and measures them: neighbours on the same cores would be the noise."""
if gone := [name for name in TIMED if not (HERE / name).exists()]:
    raise FileNotFoundError(f"{__file__} names as timed what is not there: {', '.join(gone)}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch."""
    parser.addoption("--golden", action="store_true", help="rewrite the golden files instead of comparing with them")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the timed tests to the end."""
    items.sort(key=lambda item: _timed(item.path.relative_to(HERE).as_posix()))


class Scheduler(LoadScopeScheduling):  # type: ignore[misc]  # the base has no types
    """Spreads files over the workers of pytest-xdist, where there are some; one of them runs all the timed ones."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "timed" if _timed(file.removeprefix("tests/")) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduler:
    """Name the scheduler."""
    return Scheduler(config, log)


def _timed(file: str) -> bool:
    return file.startswith(TIMED)


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
