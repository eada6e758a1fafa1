"""`scripts/install.sh` and plain pip where an organisation has a package index of its own, and on Debian's Python."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

INHERITED = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "PIP_CERT")
PACKAGES = ("msgspec", "pyyaml", "tabulate")
BASE_PYTHON: str = getattr(sys, "_base_executable", sys.executable)
"""The Python below the environment of the tests, which has pip."""
DEBIAN_PYTHON = Path("/usr/bin/python3")


class Index(ThreadingHTTPServer):
    """A package index on loopback that serves the files of one folder and records the paths of its requests."""

    def __init__(self, folder: Path) -> None:
        self.paths: list[str] = []
        super().__init__(("127.0.0.1", 0), functools.partial(_Handler, directory=str(folder)))

    @property
    def url(self) -> str:
        """Address of the index."""
        return f"http://127.0.0.1:{self.server_port}/simple"


class _Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Index)
        self.server.paths.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


def pinned(root: Path, package: str) -> str:
    """Return the requirement of uv.lock for a package."""
    match = re.search(rf'^name = "{package}"\nversion = "([^"]+)"', (root / "uv.lock").read_text(), re.MULTILINE)
    assert match, package
    return f"{package}=={match[1]}"


def download(folder: Path, *arguments: str) -> None:
    """Download wheels by pip, from the index of this machine."""
    command = [BASE_PYTHON, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*command, "--dest", str(folder), *arguments], check=True, capture_output=True, timeout=300)


@pytest.fixture(scope="module")
def files(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder `simple` with a page and the wheels of each package that an installation needs."""
    wheels, top = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("index")
    download(wheels, "--requirement", str(root / "scripts/uv.txt"))
    download(wheels, *(pinned(root, package) for package in PACKAGES), "uv-build>=0.8,<1")
    for wheel in wheels.iterdir():
        page = top / "simple" / wheel.name.partition("-")[0].replace("_", "-").lower()
        page.mkdir(parents=True, exist_ok=True)
        shutil.copy(wheel, page)
        (page / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    return top


@pytest.fixture
def index(files: Path, tmp_path: Path) -> Iterator[Index]:
    """Yield a running index with a copy of the files."""
    shutil.copytree(files, tmp_path / "index")
    with Index(tmp_path / "index") as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def environment(temp: Path, **more: str) -> dict[str, str]:
    """Return an environment from which nothing but loopback can be reached."""
    inherited = {k: v for k, v in os.environ.items() if k in INHERITED}
    closed = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:9")
    return {**inherited, **closed, "NO_PROXY": "127.0.0.1", "RUNNER_TEMP": str(temp), "PIP_NO_CACHE_DIR": "1", **more}


def install(root: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the script."""
    command = ["bash", str(root / "scripts/install.sh")]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)


def version_of(program: str) -> str:
    """Return what the installed program prints as its version."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "file of pip", "named"])
def test_everything_comes_from_the_mirror(root: Path, tmp_path: Path, index: Index, variable: str) -> None:
    """One setting of pip or of uv suffices: uv and all packages come from there, and no other address is needed."""
    settings = {"UV_INDEX": f"internal={index.url}"} if variable == "named" else {variable: index.url}
    if variable == "named":
        settings["PIP_INDEX_URL"] = index.url
    if variable == "file of pip":
        file = tmp_path / "home/.config/pip/pip.conf"
        file.parent.mkdir(parents=True)
        file.write_text(f"[global]\nindex-url = {index.url}\n")
        settings = {"HOME": str(tmp_path / "home")}
    done = install(root, environment(tmp_path / "temp", **settings))
    assert done.returncode == 0, done.stderr
    assert version_of(done.stdout.strip()).startswith("ghmlops ")
    served = {path.rpartition("/")[2].partition("-")[0].lower() for path in index.paths if path.endswith(".whl")}
    assert served >= {"uv", *PACKAGES}


def test_the_hashes_of_the_lock_hold_for_a_mirror(root: Path, tmp_path: Path, index: Index) -> None:
    """A mirror that serves another file under the pinned name installs nothing."""
    (wheel,) = (tmp_path / "index/simple/tabulate").glob("*.whl")
    with wheel.open("ab") as stream:
        stream.write(b"planted")
    done = install(root, environment(tmp_path / "temp", UV_DEFAULT_INDEX=index.url))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("ghmlops: error: ")
    assert list((tmp_path / "temp").glob("ghmlops-*/installed/ghmlops")) == []


@pytest.mark.skipif(
    not list(Path("/usr/lib").glob("python3*/EXTERNALLY-MANAGED")),
    reason="this machine's Python is not managed by Debian",
)
def test_an_externally_managed_python_is_enough(root: Path, tmp_path: Path, index: Index) -> None:
    """On a Python of Debian (PEP 668) nothing is installed into it, so that pip does not refuse."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "python3").symlink_to(DEBIAN_PYTHON)
    path = f"{tools}:/usr/bin:/bin"
    done = install(root, environment(tmp_path / "temp", UV_DEFAULT_INDEX=index.url, PATH=path))
    assert done.returncode == 0, done.stderr
    assert version_of(done.stdout.strip()).startswith("ghmlops ")


@pytest.mark.parametrize("source", ["folder", "git"])
def test_plain_pip_builds_and_installs(root: Path, tmp_path: Path, index: Index, source: str) -> None:
    """With build isolation, from a folder and from a git URL: the build backend is one that a lagging mirror has."""
    copy = tmp_path / "copy"
    shutil.copytree(root / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, copy / name)
    identity = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for arguments in (["init", "--quiet"], ["add", "-A"], ["commit", "--quiet", "--message", "release"]):
        subprocess.run([*identity, *arguments], cwd=copy, check=True)
    requirement = str(copy) if source == "folder" else f"git+file://{copy}"
    env = environment(tmp_path / "temp", PIP_INDEX_URL=index.url)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True, timeout=120)
    command = [str(tmp_path / "venv/bin/pip"), "install", "--quiet", requirement]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert version_of(str(tmp_path / "venv/bin/ghmlops")).startswith("ghmlops ")
    assert any("/uv-build/" in path for path in index.paths)
