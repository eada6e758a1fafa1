"""The pytest plugin in a pytest process by itself, found by its entry point as after an installation."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest

import prediction_artifacts as artifacts
import scoring_service

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = "pytester"
PREDICTIONS = """
POLICY = dict(task="binary", key="id", label="y", score="s")


def test_good(ghmlops):
    assert ghmlops.assert_no_regression("baseline.parquet", "good.parquet", **POLICY).passed


def test_bad(ghmlops):
    ghmlops.assert_no_regression("baseline.parquet", "bad.parquet", **POLICY)


def test_malformed(ghmlops):
    ghmlops.assert_no_regression("baseline.parquet", "bad.parquet", scroe="s", **POLICY)
"""
LATENCY = """
import pytest

POLICY = {
    "version": 1,
    "service": "scorer",
    "latency": {
        "request": {"method": "POST", "path": "/predict"},
        "payloads": "rows.jsonl",
        "arrivals": {"poisson": "100/s", "duration": "3s", "warmup": "0.2s"},
        "slo": {"p50": "%s"},
    },
}


@pytest.fixture
def service():
    return "%s"


@pytest.mark.ghmlops_latency(POLICY, url_fixture="service", fail_on="fail")
def test_latency():
    pass
"""


@pytest.fixture
def project(pytester: pytest.Pytester, root: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder of tests, with the metadata that an installation of this project writes."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = pytester.mkdir("site") / "ghmlops-0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: ghmlops\nVersion: 0\n", encoding="utf-8")
    groups = [
        f"[{group}]\n{name} = {value}\n"
        for group, names in project["entry-points"].items()
        for name, value in names.items()
    ]
    (metadata / "entry_points.txt").write_text("".join(groups), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{metadata.parent}:{root / 'src'}")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    for name, noise in (("baseline", 0.1), ("good", 0.1), ("bad", 2.0)):
        artifacts.write(pytester.path / f"{name}.parquet", artifacts.rows(6_000, 1, noise=noise))
    (pytester.path / "rows.jsonl").write_text('{"row": 1}\n', encoding="utf-8")
    return pytester


@pytest.fixture
def root(pytestconfig: pytest.Config) -> Path:
    """The root of the repository."""
    return pytestconfig.rootpath


def test_failures_have_the_sentence_of_the_comment(project: pytest.Pytester) -> None:
    """A regression fails its test with the sentence of the comment, a typing error with the nearest key."""
    project.makepyfile(PREDICTIONS)
    result = project.runpytest_subprocess("-W", "error", "--strict-markers")
    result.assert_outcomes(passed=1, failed=2)
    output = result.stdout.str()
    assert re.search(r"Error: fail: Predictions: log loss rose", output)
    assert "did you mean `score`?" in output


def test_disabled(project: pytest.Pytester) -> None:
    """Without the plugin there is no fixture, and pytest itself works."""
    project.makepyfile(PREDICTIONS)
    result = project.runpytest_subprocess("-p", "no:ghmlops")
    result.assert_outcomes(errors=3)
    assert "fixture 'ghmlops' not found" in result.stdout.str()


def test_the_start_of_pytest_is_light(project: pytest.Pytester) -> None:
    """pytest with the plugin imports neither the library nor a package that it needs."""
    project.makepyfile("""
import sys


def test_modules(request):
    assert request.config.pluginmanager.has_plugin("ghmlops")
    heavy = {"msgspec", "yaml", "numpy", "duckdb", "pandas", "ghmlops.api", "ghmlops.core"}
    assert not heavy & set(sys.modules)
""")
    project.runpytest_subprocess("-p", "no:hypothesispytest").assert_outcomes(passed=1)


@pytest.mark.parametrize(("limit", "passed"), [("2s", 1), ("1ms", 0)], ids=["fast", "slow"])
def test_latency_marker(project: pytest.Pytester, limit: str, passed: int) -> None:
    """A test with the marker fails if the service of its fixture misses an objective."""
    with scoring_service.started("--delay", "0.02") as service:
        project.makepyfile(LATENCY % (limit, service))
        result = project.runpytest_subprocess("--strict-markers")
    result.assert_outcomes(passed=passed, failed=1 - passed)
    assert ("fail: Latency: p50" in result.stdout.str()) is not bool(passed)


def test_a_test_that_fails_sends_nothing(project: pytest.Pytester) -> None:
    """The latency of a service is measured after its test passed; a marker without a service is an error."""
    project.makepyfile("""
import pytest


@pytest.mark.ghmlops_latency({}, url="http://127.0.0.1:9")
def test_failing():
    raise ValueError("its own error")


@pytest.mark.ghmlops_latency({})
def test_without_a_service():
    pass


@pytest.mark.ghmlops_latency({}, url_fixture="no_such_fixture")
def test_without_a_fixture():
    pass
""")
    result = project.runpytest_subprocess()
    counts = result.parseoutcomes()
    assert counts.get("failed", 0) + counts.get("errors", 0) == 3
    output = result.stdout.str()
    assert "its own error" in output
    assert "url_fixture" in output
    assert "no_such_fixture" in output
