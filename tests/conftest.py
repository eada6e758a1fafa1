"""Deterministic Hypothesis; the option that rewrites golden files; the schedule of tests that measure time; coverage.

The option is `--golden`, or the variable `GHMLOPS_GOLDEN=write`.
"""

from __future__ import annotations

import gc
import inspect
import os
import re
import signal
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings

from ghmlops.clients.github.client import connect
from kubernetes_api import stop_shared_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

# Examples are derived from the name of the test and have no deadline, so that tests pass on a busy machine too.
settings.register_profile(
    "ghmlops", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ghmlops")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background processes with SIGINT ignored, which the commands that tests interrupt would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)

gc.disable()  # until all tests are collected: see `pytest_collection_finish`

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
TIMED = (
    "commands/capacity/",
    "commands/check/test_command.py",
    "commands/latency/",
    "scripts/test_demo_run.py",
    "test_pytest_plugin.py",
)
"""Tests that assert a verdict on real response times: others on the same cores would make them longer, because noise
dilutes the evidence. All other tests of real load assert counts, order and states, which hold on a busy machine."""
DISTURBED = (*TIMED, "e2e/", "commands/test_merge_shards.py")
"""Tests that a busy machine disturbs: the timed ones, whole workflows, and shards, whose load has a common start."""
RERUNS = 2
"""How often a test of `DISTURBED` is run again if it fails: other tenants of a shared machine disturb it for seconds,
and a verdict may be wrong once in some hundred runs by its design. A fault of the code fails all three runs."""
RERUN_DELAY_S = 5
TRACED_CASES = 3
"""Cases of a test function whose lines and branches are counted, and none of generated ones: counting takes twice as
long as the tests themselves, and further cases of the same function rarely reach other lines."""
FASTER = 20
"""Factor by which a client of the GitHub API waits less than it asked for, unless a test gives it a `sleep`."""
TOO_NOISY = re.compile(rb"The generator was the limit[^\n\"]*")
"""What evidence says if the machine did not let the generator keep its schedule, so that nothing was measured."""
if missing := [name for name in DISTURBED if not (HERE / name).exists()]:
    raise FileNotFoundError(f"DISTURBED in {__file__} names missing files: {', '.join(missing)}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `--golden`."""
    parser.addoption("--golden", action="store_true", help="rewrite the golden files instead of comparing with them")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import the files of other tests if only the timed ones are asked for."""
    if config.option.markexpr != "timed":
        return None
    path = collection_path.relative_to(HERE).as_posix() if collection_path.is_relative_to(HERE) else "."
    return not (path == "." or _timed(path) or any(name.startswith(f"{path}/") for name in TIMED)) or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the timed tests, run those that a busy machine disturbs again if they fail, and choose what is traced."""
    cases: Counter[object] = Counter()
    for item in items:
        file = item.path.relative_to(HERE).as_posix()
        function = getattr(item, "function", None)
        cases[function] += 1
        if cases[function] > TRACED_CASES or getattr(function, "is_hypothesis_test", False):
            item.add_marker("no_cover")
        if _timed(file):
            item.add_marker("timed")
        if file.startswith(DISTURBED):
            item.add_marker(pytest.mark.flaky(reruns=RERUNS, reruns_delay=RERUN_DELAY_S))


def pytest_collection_finish() -> None:
    """Exempt what exists now, a million objects of fourteen thousand tests, from every search for garbage."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Skip a timed test that failed in every run, the last because the generator was late: nothing was measured.

    That the guard itself speaks when it should, and not otherwise, is tested with given times.
    """
    report = yield
    last = getattr(item, "execution_count", 1) > RERUNS
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    if report.when == "call" and report.failed and last and folder and _timed(item.path.relative_to(HERE).as_posix()):
        texts = (path.read_bytes() for path in folder.rglob("evidence/**/*.json"))
        if noise := next(filter(None, map(TOO_NOISY.search, texts)), None):
            report.outcome = "skipped"
            report.longrepr = (str(item.path), item.location[1] or 0, f"noisy machine: {noise[0].decode()}")
    return report


def _timed(file: str) -> bool:
    return file.startswith(TIMED)


@pytest.fixture(scope="session", autouse=True)
def _api_server() -> Iterator[None]:
    """End the API server that tests of this session have started."""
    yield
    stop_shared_cluster()


@pytest.fixture(scope="session", autouse=True)
def _brief_waits() -> Iterator[None]:
    """Commands in this process wait less before they ask the local GitHub API again; a refusal takes three seconds."""
    with mock.patch.dict(inspect.unwrap(connect).__kwdefaults__ or {}, sleep=lambda s: time.sleep(s / FASTER)):
        yield


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return a check that a text equals `tests/golden/<name>`, or rewrites that file if `--golden` is set."""
    rewrite = request.config.getoption("--golden") or os.environ.get("GHMLOPS_GOLDEN") == "write"

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if rewrite:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path} is missing: write it with `pytest --golden`"
        assert path.read_text(encoding="utf-8") == text

    return check
