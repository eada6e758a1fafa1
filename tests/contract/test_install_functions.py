"""Functions of `scripts/install.sh` and `scripts/uv.sh`: what a second step skips, Python, certificates."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

EXECUTABLE = 0o755
KEY = "0123456789abcdef"


def shell(root: Path, script: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script after the functions of both files are defined, with `root` and `log` of a test."""
    functions = (root / "scripts/install.sh").read_text().replace('\nmain "$@"\n', "\n")
    functions = re.sub(r"(?m)^(root=|source ).*$", "", functions)
    source = f"root={cwd / 'suite'} log={cwd / 'log'}\nsource {root / 'scripts/uv.sh'}\n{functions}\n{script}\n"
    env = {"PATH": os.environ["PATH"], "HOME": str(cwd), **variables}
    bash = shutil.which("bash")
    assert bash
    return subprocess.run([bash], input=source, env=env, cwd=cwd, capture_output=True, text=True, check=False)


def program(path: Path, text: str) -> Path:
    """Write a program of bash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(EXECUTABLE)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a small suite and a Python."""
    for name in ("uv.lock", "pyproject.toml", "scripts/uv.txt", "scripts/uv.sh", "src/ghmlops/cli.py"):
        (tmp_path / "suite" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "suite" / name).write_text(name)
    program(tmp_path / "bin/python3", "exit 1")
    return tmp_path


def digest(root: Path, folder: Path, **variables: str) -> str:
    """Return the digest that `identify` computes, with the Python of the test first in PATH."""
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    done = shell(root, 'identify; echo "$digest"', folder, **{"PATH": path, **variables})
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch("[0-9a-f]{16}\n", done.stdout)
    return done.stdout


def test_the_digest_of_unchanged_files_is_equal(root: Path, folder: Path) -> None:
    """Byte code and other files of the repository do not count."""
    before = digest(root, folder)
    (folder / "suite/src/ghmlops/__pycache__").mkdir()
    (folder / "suite/src/ghmlops/__pycache__/cli.cpython-311.pyc").write_text("x")
    (folder / "suite/README.md").write_text("x")
    assert digest(root, folder) == before


@pytest.mark.parametrize("name", ["uv.lock", "scripts/uv.txt", "src/ghmlops/cli.py", "src/ghmlops/core/new.py"])
def test_the_digest_changes_with_the_files(root: Path, folder: Path, name: str) -> None:
    """A changed or added file of the package, the lock or the scripts is another installation."""
    before = digest(root, folder)
    (folder / "suite" / name).parent.mkdir(exist_ok=True)
    (folder / "suite" / name).write_text("changed")
    assert digest(root, folder) != before


def test_the_digest_changes_with_python(root: Path, folder: Path) -> None:
    """Another Python in PATH, another version at the same path, another tool cache."""
    digests = {digest(root, folder), digest(root, folder, RUNNER_TOOL_CACHE="/opt")}
    program(folder / "bin/python3", "exit 2 # another version")
    digests.add(digest(root, folder))
    program(folder / "other/python3", "exit 1")
    digests.add(digest(root, folder, PATH=f"{folder / 'other'}:{os.environ['PATH']}"))
    assert len(digests) == 4


def test_without_tools_there_is_no_digest(root: Path, folder: Path) -> None:
    """A runner without `sha256sum` installs as before."""
    done = shell(root, 'identify || echo "none"', folder, PATH=str(folder / "bin"))
    assert done.stdout == "none\n"


RECALLED = [
    ("", True),
    (f"rm {KEY}/installed/latency", False),
    (f"rm {KEY}/installed/ghmlops", False),
    (f"rm {KEY}/bin/python", False),
    ("echo ../../etc >ghmlops-known-d", False),
    (": >ghmlops-known-d", False),
    ("rm ghmlops-known-d", False),
]


@pytest.mark.parametrize(("change", "recalled"), RECALLED)
def test_recall(root: Path, folder: Path, change: str, recalled: bool) -> None:
    """An environment that is complete is used at once; anything else is installed as before, without a message."""
    env = folder / f"ghmlops-{KEY}"
    program(env / "bin/python", "")
    (env / "installed").mkdir()
    for name in ("ghmlops", "github", "latency"):
        (env / "installed" / name).touch()
    (folder / "ghmlops-known-d").write_text(f"{KEY}\n")
    done = shell(root, f"{change.replace(KEY, f'ghmlops-{KEY}')}\ndigest=d; recall {folder} github latency", folder)
    assert (done.returncode, done.stderr) == (0 if recalled else 1, "")
    assert done.stdout == (f"{env}/ghmlops\n" if recalled else "")


def test_python_of_the_tool_cache(root: Path, folder: Path) -> None:
    """Without a usable Python in PATH, the newest of the runner is used; not 3.10, and no build without wheels."""
    cache = folder / "tools"
    for name in ("3.10.9/x64", "3.12.4/x64", "3.13.1/arm64", "3.14.2/x64-freethreaded"):
        program(cache / "Python" / name / "bin/python3", '[[ $* == *pip* ]] || echo "$0"')
    path = f"{folder / 'bin'}:/nowhere"
    done = shell(root, "find_python", folder, PATH=path, RUNNER_TOOL_CACHE=str(cache))
    assert done.stdout == f"{cache}/Python/3.13.1/arm64/bin/python3\n"
    assert shell(root, "find_python", folder, PATH=path).returncode == 2
    program(folder / "bin/python3", '[[ $* == *pip* ]] || echo "$0"')
    done = shell(root, "find_python", folder, PATH=path, RUNNER_TOOL_CACHE=str(cache))
    assert done.stdout == f"{folder}/bin/python3\n"


UNTRUSTED = {
    "uv": "  Caused by: invalid peer certificate: UnknownIssuer",
    "pip": "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed'))",
}


@pytest.mark.parametrize("message", UNTRUSTED.values(), ids=UNTRUSTED)
def test_certificates_of_the_system(root: Path, folder: Path, message: str) -> None:
    """A second try trusts the authorities of the system, quietly; a choice of the caller is not overridden."""
    tool = program(folder / "tool", f'[[ ${{UV_SYSTEM_CERTS:-}} == 1 ]] || {{ echo "{message}" >&2; exit 1; }}')
    done = shell(root, f"trustingly {tool}", folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = shell(root, f"trustingly {tool} || advice", folder, SSL_CERT_FILE="/own.pem")
    assert message in done.stderr
    assert "SSL_CERT_FILE" in done.stdout


def test_other_failures_are_not_repeated(root: Path, folder: Path) -> None:
    """A wrong hash or a missing package is reported after one try."""
    tool = program(folder / "tool", "echo x >>tries; echo 'hash mismatch'; exit 1")
    done = shell(root, f"trustingly {tool} || advice", folder)
    assert (folder / "tries").read_text() == "x\n"
    assert "pinned" in done.stdout
