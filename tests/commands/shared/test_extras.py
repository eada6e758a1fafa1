"""A package that is not installed is one line that names the extra."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ghmlops.commands import COMMANDS
from ghmlops.commands.shared.extras import COMMAND_EXTRAS, EXTRAS, missing_extra

if TYPE_CHECKING:
    from collections.abc import Iterator

INDIRECT = {"hpack": "h2", "urllib3": "requests"}
"""Packages that are installed because another one requires them."""
DISTRIBUTIONS = {"grpc": "grpcio", "google": "protobuf"}
"""Importable package to the name under which it is installed."""
WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
from ghmlops.__main__ import main
sys.exit(main())
"""
SHA = "a" * 40
ROOT = Path(__file__).parents[3]
POLICY = {
    "version": 1,
    "service": "shop",
    "latency": {
        "request": {"method": "GET", "path": "/"},
        "arrivals": {"poisson": "20/s", "duration": "1s"},
        "slo": {"p99": "1s"},
    },
    "regression": {
        "task": "binary",
        "key": ["id"],
        "label": "y",
        "score": "s",
        "artifacts": {"baseline": "b.parquet", "candidate": "c.parquet"},
    },
    "preview": {"command": "python3 -m http.server {port}", "ready": "/"},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a policy for every command, and predictions."""
    import duckdb

    folder = tmp_path_factory.mktemp("place")
    for name, score in (("b", 0.5), ("c", 0.25)):
        rows = f"select i as id, i % 2 as y, {score} as s from range(100) t(i)"  # noqa: S608  (constants)
        duckdb.execute(f"copy ({rows}) to '{folder / name}.parquet' (format parquet)")
    (folder / ".github").mkdir()
    (folder / ".github/ghmlops.yml").write_text(yaml.safe_dump(POLICY))
    origin = {"repository": "acme/shop", "head_sha": SHA, "started": "2026-01-01T00:00:00Z"}
    evidence = {"schema": "ghmlops/evidence/v1", "command": "latency", "outcome": "pass", "provenance": origin}
    (folder / "evidence").mkdir()
    (folder / "evidence/latency.json").write_text(json.dumps(evidence))
    return folder


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Yield the port of a service that answers every request."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def extras_of_the_project() -> dict[str, set[str]]:
    """Return the distributions of each extra."""
    project: Any = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    return {name: {re.split(r"[>=<;\[ ]", line)[0] for line in lines} for name, lines in extras.items()}


def test_each_extra_contains_its_package() -> None:
    """The extras of the table are those of the project, and contain the package."""
    extras = extras_of_the_project()
    for package, names in EXTRAS.items():
        distribution = INDIRECT.get(package) or DISTRIBUTIONS.get(package, package)
        assert all(distribution in extras[name] for name in names), package


def test_commands_name_the_extras_that_their_actions_install() -> None:
    """A row of the table is the argument of `scripts/install.sh` in the action."""
    for command in COMMANDS:
        if command.name in COMMAND_EXTRAS:
            installed = re.search(r'install\.sh" ([a-z ]+)\)', (ROOT / command.action).read_text())
            assert installed, command.name
            assert installed[1].split() == list(COMMAND_EXTRAS[command.name])


def test_another_module_is_a_bug() -> None:
    """A module that belongs to no extra keeps its traceback, also one of this project."""
    assert missing_extra(ModuleNotFoundError("x", name="ghmlops.measure.typo"), "latency") is None
    assert missing_extra(ModuleNotFoundError("x"), "latency") is None


@pytest.mark.parametrize(
    ("command", "package", "extra"),
    [
        *((("regression",), p, "regression") for p in ("numpy", "scipy", "duckdb")),
        (("regression", "--engine", "spark"), "pyspark", "spark"),
        (("regression", "--baseline", "s3://bucket/p.parquet"), "pyarrow", "cloud"),
        *((("latency", "--url", "http://127.0.0.1:{port}"), p, "latency") for p in ("numpy", "uvloop", "httptools")),
        *((("capacity", "--url", "http://127.0.0.1:{port}"), p, "latency") for p in ("numpy",)),
        (("report",), "numpy", "github,verdict"),
        (("report", "--token", "x", "--pull-request", "1"), "requests", "github,verdict"),
        (("gate", "--token", "x"), "requests", "github,verdict"),
        (("preview",), "psutil", "preview"),
        (("baseline", "--token", "x"), "requests", "github"),
    ],
)
def test_a_missing_package_is_one_line(
    place: Path, port: int, command: tuple[str, ...], package: str, extra: str
) -> None:
    """Exit code 2 and one line that names the extra of the command; no traceback and no verdict."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "GHMLOPS_"))}
    environ |= {"GITHUB_SHA": SHA, "GITHUB_REPOSITORY": "acme/shop", "GITHUB_API_URL": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(package=package), *(arg.format(port=port) for arg in command)],
        cwd=place,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert last.startswith("ghmlops: error: ")
    assert package in last
    assert f'`pip install "ghmlops[{extra}]"`' in last
