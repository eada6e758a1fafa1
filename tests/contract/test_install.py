"""`scripts/install.sh`, which every action calls: run with the package index or uv's cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

INHERITED = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "UV_CACHE_DIR", "XDG_CACHE_HOME")


def environment(temp: Path, **more: str) -> dict[str, str]:
    """Return the environment of a runner: settings of the package index, and RUNNER_TEMP."""
    inherited = {
        k: v for k, v in os.environ.items() if k in INHERITED or k.startswith("PIP_") or k.lower().endswith("_proxy")
    }
    return {**inherited, "RUNNER_TEMP": str(temp), **more}


def install(root: Path, env: dict[str, str], *extras: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the script."""
    command = ["bash", str(root / "scripts" / "install.sh"), *extras]
    return subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False, timeout=300)


def snapshot(folder: Path) -> dict[str, float]:
    """Return the modification time of every file in a folder."""
    return {str(p): p.stat().st_mtime for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def suite(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the suite as the runner unpacks it, a copy without `.git`; the tests of this module only read it."""
    copy = tmp_path_factory.mktemp("suite")
    for name in ("src", "scripts"):
        shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "uv.lock", "README.md", "LICENSE"):
        shutil.copy(root / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def temp(suite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a RUNNER_TEMP in which ghmlops is installed for `report`."""
    folder = tmp_path_factory.mktemp("runner temp")
    done = install(suite, environment(folder), "github")
    assert done.returncode == 0, done.stderr
    return folder


def test_the_installed_program_runs(suite: Path, temp: Path, tmp_path: Path) -> None:
    """It prints the path of a program that runs in any folder and ignores the modules of the caller."""
    (tmp_path / "yaml.py").write_text("raise SystemExit('the wrong yaml')")
    (tmp_path / "ghmlops.py").write_text("raise SystemExit('the wrong ghmlops')")
    env = environment(temp, PYTHONPATH=str(tmp_path))
    done = install(suite, env, "github", cwd=tmp_path)
    program = done.stdout.rstrip("\n")
    done = subprocess.run(
        [program, "init", "--starter"], env=env, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "wrote .github/ghmlops.yml" in done.stdout
    assert Path(program).parent.parent == temp
    assert Path(program).read_bytes() == (suite / "scripts" / "launcher.sh").read_bytes()


def test_ships_the_schemas(temp: Path) -> None:
    """The installed package contains the JSON Schemas and the starter policy."""
    (package,) = temp.glob("ghmlops-*/lib/python*/site-packages/ghmlops")
    assert (package / "schemas" / "evidence-v1.json").is_file()
    assert (package / "starter.yml").is_file()


def test_installs_only_requested_extras(temp: Path) -> None:
    """The extra `github` does not install numpy."""
    (packages,) = temp.glob("ghmlops-*/lib/python*/site-packages")
    assert (packages / "requests").is_dir()
    assert not (packages / "numpy").exists()


def test_does_not_change_its_checkout(suite: Path, tmp_path: Path) -> None:
    """No build folder, byte code or environment is written to the source."""
    before = snapshot(suite)
    done = install(suite, environment(tmp_path))
    assert done.returncode == 0
    assert before == snapshot(suite)


def test_a_second_call_installs_nothing(suite: Path, temp: Path) -> None:
    """If everything is installed, neither uv nor the network is used."""
    env = environment(
        temp, HTTPS_PROXY="http://127.0.0.1:9", https_proxy="http://127.0.0.1:9", UV_CACHE_DIR="/dev/null"
    )
    done = install(suite, env, "github")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_second_call_starts_no_python(suite: Path, temp: Path, tmp_path: Path) -> None:
    """It compares one digest: a step after the first costs milliseconds."""
    calls = tmp_path / "calls"
    python = tmp_path / "bin/python3"
    python.parent.mkdir()
    python.write_text(f'#!/bin/bash\necho call >>{calls}\nexec {shutil.which("python3")} "$@"\n')
    python.chmod(0o755)
    env = environment(temp, PATH=f"{python.parent}:{os.environ['PATH']}")
    first = install(suite, env, "github")
    assert calls.is_file()
    calls.unlink()
    second = install(suite, env, "github")
    assert (second.returncode, second.stdout, second.stderr) == (0, first.stdout, "")
    assert not calls.exists()


def test_the_environment_grows(suite: Path, tmp_path: Path) -> None:
    """Another action of the job adds its extra to the same environment, and removes nothing."""
    first = install(suite, environment(tmp_path), "github")
    (environment_folder,) = (p for p in tmp_path.glob("ghmlops-*") if (p / "installed").is_dir())
    before = (environment_folder / "installed" / "ghmlops").stat().st_mtime_ns
    second = install(suite, environment(tmp_path), "preview")
    (packages,) = environment_folder.glob("lib/python*/site-packages")
    assert first.stdout == second.stdout
    assert sorted(p.name for p in (environment_folder / "installed").iterdir()) == ["ghmlops", "github", "preview"]
    assert (packages / "requests").is_dir()
    assert (packages / "psutil").is_dir()
    assert before <= (environment_folder / "installed" / "ghmlops").stat().st_mtime_ns


def test_packages_of_another_job_are_not_trusted(suite: Path, tmp_path: Path) -> None:
    """Modules that an earlier job replaced in uv's unpacked cache, where no hash is checked, do not reach this job."""
    home, first, second = (tmp_path / name for name in ("home", "first job", "second job"))
    for folder in (home, first, second):
        folder.mkdir()
    jobs = [environment(temp, HOME=str(home)) for temp in (first, second)]
    for job in jobs:
        job.pop("UV_CACHE_DIR", None)
        job.pop("XDG_CACHE_HOME", None)
    assert install(suite, jobs[0]).returncode == 0
    shared = list((home / ".cache").glob("uv/**/msgspec/__init__.py"))
    for module in [*shared, *first.glob("**/msgspec/__init__.py")]:
        module.chmod(0o644)
        module.unlink()
        module.write_text("raise SystemExit('planted')\n")
    done = install(suite, jobs[1])
    assert done.returncode == 0, done.stderr
    program = subprocess.run(
        [done.stdout.strip(), "--version"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (program.returncode, program.stderr) == (0, "")
    assert shared == []


def test_several_steps_at_once(suite: Path, tmp_path: Path) -> None:
    """Concurrent calls wait for each other and produce the same environment."""
    with ThreadPoolExecutor(4) as pool:
        calls = [("github",), ("preview",), (), ("github", "preview")]
        results = list(pool.map(lambda extras: install(suite, environment(tmp_path), *extras), calls))
    assert [done.returncode for done in results] == [0] * 4
    assert len({done.stdout for done in results}) == 1


def test_the_lock_of_busybox_suffices(suite: Path, tmp_path: Path) -> None:
    """On Alpine, `flock` has only short options and no time limit."""
    busybox = tmp_path / "bin/flock"
    busybox.parent.mkdir()
    busybox.write_text(f'#!/bin/bash\n[[ $1 == -[sxnu] ]] || exit 1\nexec {shutil.which("flock")} "$@"\n')
    busybox.chmod(0o755)
    env = environment(tmp_path / "temp", PATH=f"{busybox.parent}:{os.environ['PATH']}")
    done = install(suite, env)
    assert (done.returncode, done.stderr) == (0, "")


def test_settings_of_the_caller_are_ignored(suite: Path, temp: Path, tmp_path: Path) -> None:
    """The caller's project, environment and uv settings neither affect the installation nor change."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "theirs"\nversion = "1"\n[tool.uv]\noffline = true\n')
    theirs = {
        "UV_PROJECT_ENVIRONMENT": str(tmp_path / "theirs"),
        "UV_OFFLINE": "1",
        "UV_PYTHON": "2.7",
        "UV_NO_SYNC": "1",
        "VIRTUAL_ENV": str(tmp_path / "venv"),
        "PYTHONHOME": str(tmp_path),
        "PIP_USER": "1",
        "PIP_REQUIRE_VIRTUALENV": "1",
        "PIP_TARGET": str(tmp_path / "target"),
    }
    fresh = tmp_path / "temp"
    done = install(suite, environment(fresh, **theirs), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pyproject.toml", "temp"]
    assert done.stdout != install(suite, environment(temp)).stdout


def test_outside_of_actions(suite: Path, tmp_path: Path) -> None:
    """Without RUNNER_TEMP the environment is in the user's cache folder."""
    env = environment(tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"), UV_CACHE_DIR=str(Path.home() / ".cache" / "uv"))
    del env["RUNNER_TEMP"]
    done = install(suite, env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path}/cache/ghmlops/ghmlops-")


def test_no_home(suite: Path, tmp_path: Path) -> None:
    """Without HOME, XDG_CACHE_HOME and RUNNER_TEMP one line names them, with the outputs of an action."""
    outputs = tmp_path / "outputs"
    done = install(suite, {"PATH": os.environ["PATH"], "GITHUB_OUTPUT": str(outputs)}, "github")
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith("ghmlops: error: ")
    assert all(name in line for name in ("HOME", "XDG_CACHE_HOME", "RUNNER_TEMP"))
    assert outputs.read_text() == "outcome=error\nreason-code=install-failed\n"


def test_no_python(suite: Path, tmp_path: Path) -> None:
    """Without a recent Python: one line, exit code 2, an annotation, and the outputs that every action has."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "mktemp"):
        path = shutil.which(name)
        assert path is not None
        (tools / name).symlink_to(path)
    (tools / "python3").write_text('#!/bin/bash\necho ""\n')
    (tools / "python3").chmod(0o755)
    outputs = tmp_path / "outputs"
    env = {"PATH": str(tools), "RUNNER_TEMP": str(tmp_path), "GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(outputs)}
    done = install(suite, env, "github")
    assert (done.returncode, done.stdout) == (2, "")
    message = "no Python 3.11 or newer with pip was found; on GitHub, run actions/setup-python before this step"
    assert [f"ghmlops: error: {message}", f"::error title=ghmlops::{message}"] == done.stderr.splitlines()
    assert outputs.read_text() == "outcome=error\nreason-code=install-failed\n"


def test_a_python_without_pip_is_named(suite: Path, tmp_path: Path) -> None:
    """A self-hosted runner whose Python has no pip: one line says how Debian and Alpine install it."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "mktemp"):
        path = shutil.which(name)
        assert path is not None
        (tools / name).symlink_to(path)
    (tools / "python3").write_text('#!/bin/bash\n[[ " $* " != *find_spec* ]] || exit 1\necho "$0"\n')
    (tools / "python3").chmod(0o755)
    done = install(suite, {"PATH": str(tools), "RUNNER_TEMP": str(tmp_path)}, "github")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"ghmlops: error: {tools}/python3 has no pip; ")
    assert "apt-get install python3-pip" in line
    assert "apk add py3-pip" in line


def test_no_network(suite: Path, tmp_path: Path) -> None:
    """If the package index is unreachable, the last line reports it with a hint, and no partial file remains."""
    nowhere = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_NO_INDEX": "0",
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "0",
    }
    env = environment(tmp_path, **nowhere, PIP_EXTRA_INDEX_URL="", PIP_NO_CACHE_DIR="1")
    done = install(suite, env)
    assert (done.returncode, done.stdout) == (2, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ghmlops: error: uv ")
    assert last.endswith(" reach the package index?")
    assert [p.name for p in tmp_path.iterdir() if not p.name.endswith(".lock")] == []


def test_a_tampered_file_is_refused(suite: Path, tmp_path: Path) -> None:
    """uv is installed only if its hash is the pinned one."""
    spoiled = tmp_path / "suite"
    shutil.copytree(suite, spoiled)
    pins = spoiled / "scripts" / "uv.txt"
    lines = [line[:-1] + ("0" if line[-1] != "0" else "1") if "sha256" in line else line for line in _unfolded(pins)]
    pins.write_text(" \\\n".join(lines) + "\n")
    done = install(spoiled, environment(tmp_path / "temp"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].endswith(" pinned: do not use it")


def _unfolded(pins: Path) -> list[str]:
    return [line.rstrip(" \\") for line in pins.read_text().splitlines() if not line.startswith("#")]


def test_an_unknown_extra(suite: Path, temp: Path) -> None:
    """An invalid name of an extra is an error before any command runs."""
    done = install(suite, environment(temp), "-x")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r'ghmlops: error: "-x" .*; usage: install\.sh \[EXTRA \.\.\.\]\n', done.stderr)


@pytest.mark.parametrize(
    ("inputs", "extras", "expected"),
    [
        ({}, ["regression"], ["regression"]),
        ({"GHMLOPS_ENGINE": "spark"}, ["regression"], ["regression", "spark"]),
        ({"GHMLOPS_BASELINE": "artifact:predictions@main"}, ["regression"], ["regression", "github"]),
        ({"GHMLOPS_LABELS": "gs://bucket/labels.parquet"}, ["regression"], ["regression", "cloud"]),
        ({"GHMLOPS_REBUILD": "python build.py"}, ["regression"], ["regression", "preview"]),
        ({"GHMLOPS_POLICY": "policy.yml"}, ["preview", "regression"], ["preview", "regression", "github", "cloud"]),
        ({"GHMLOPS_POLICY": "missing.yml"}, ["regression"], ["regression"]),
        (
            {"GHMLOPS_POLICY": "policy.yml", "GHMLOPS_WORKING_DIRECTORY": "a"},
            ["regression"],
            ["regression", "github", "cloud"],
        ),
        ({"GHMLOPS_POLICY": "policy.yml", "GHMLOPS_WORKING_DIRECTORY": "b"}, ["regression"], ["regression"]),
        ({"GHMLOPS_POLICY": "policy.yml", "GHMLOPS_ENGINE": "spark"}, ["latency"], ["latency"]),
        ({"GHMLOPS_POLICY": "policy.yml"}, [], []),
        ({"GHMLOPS_POLICY": "described.yml"}, ["latency"], ["latency", "schemathesis"]),
        ({"GHMLOPS_POLICY": "described.yml"}, ["github"], ["github"]),
    ],
)
def test_extras_follow_from_the_inputs_of_regression(
    root: Path, tmp_path: Path, inputs: dict[str, str], extras: list[str], expected: list[str]
) -> None:
    """Spark, GitHub and the stores are installed only if inputs or policy require them."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/policy.yml").symlink_to("../policy.yml")
    (tmp_path / "policy.yml").write_text("artifacts: {baseline: 'artifact:p@main', candidate: 's3://b/c.parquet'}\n")
    (tmp_path / "described.yml").write_text("synthetic: {schemathesis: {schema: openapi.json}}\n")
    script = (root / "scripts" / "install.sh").read_text()
    function = script[
        script.index("required_extras() {") : script.index("\n}\n", script.index("required_extras() {")) + 3
    ]
    command = ["bash", "-euo", "pipefail", "-c", f'{function}required_extras "$@"', "install.sh", *extras]
    done = subprocess.run(
        command, env={"PATH": os.environ["PATH"], **inputs}, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert (done.stdout.split(), done.stderr) == (expected, "")


@pytest.mark.parametrize(
    ("triple", "extras", "refused"),
    [
        ("x86_64-alpine-linux-musl", ["preview", "latency"], "latency"),
        ("x86_64-alpine-linux-musl", ["github", "preview"], ""),
        ("x86_64-pc-linux-gnu", ["latency", "regression"], ""),
        ("None", ["latency"], ""),
    ],
)
def test_a_missing_wheel_for_alpine_is_one_line(
    root: Path, tmp_path: Path, triple: str, extras: list[str], refused: str
) -> None:
    """On musl, what needs DuckDB is refused before uv compiles it; everything else is installed."""
    script = (root / "scripts" / "install.sh").read_text()
    start = script.index("require_wheels() {")
    function = script[start : script.index("\n}\n", start) + 3]
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho {triple}\n")
    python.chmod(0o755)
    fail = 'fail() { echo "$1; $2" >&2; exit 2; }\n'
    command = [
        "bash",
        "-euo",
        "pipefail",
        "-c",
        f'{fail}{function}require_wheels "$@"',
        "install.sh",
        str(python),
        *extras,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == (2 if refused else 0)
    assert len(done.stderr.splitlines()) == bool(refused)
    assert refused in done.stderr


def test_the_extras_without_a_wheel_for_alpine(root: Path) -> None:
    """The list names the extras with DuckDB, as long as the lock file has no wheel of it for musl."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    script = (root / "scripts" / "install.sh").read_text()
    (listed,) = re.findall(r"^      ([a-z |]+)\)\n        fail \"DuckDB", script, re.MULTILINE)
    assert sorted(listed.split(" | ")) == sorted(n for n, deps in project.items() if any("duckdb" in d for d in deps))
    lock = tomllib.loads((root / "uv.lock").read_text())
    (duckdb,) = (package for package in lock["package"] if package["name"] == "duckdb")
    assert not any("musllinux" in wheel["url"] for wheel in duckdb["wheels"])
