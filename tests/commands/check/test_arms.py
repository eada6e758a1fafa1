"""The arms of `check` run the code of their own commits: installed packages, builds, addresses, new services."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SERVICE = '''\
"""Answers after a fixed time, with the name of its code."""
import os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = "one"

class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    def do_GET(self):
        with open(os.environ["SEEN"], "a") as log:
            print(VERSION, os.getcwd(), __file__, sys.prefix, file=log)
        body = b"{}"
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass

class Server(ThreadingHTTPServer):
    request_queue_size = 128

def main():
    Server(("127.0.0.1", int(sys.argv[-1])), Answer).serve_forever()
'''
PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "svc-of-test"
version = "1"
"""
BACKEND = '''\
"""A build backend without dependencies: a wheel of `src`, or a path file that leads to it."""
import pathlib, zipfile

SOURCES = pathlib.Path("src").resolve()

def build_wheel(folder, config=None, metadata=None):
    return write(folder, {str(p.relative_to(SOURCES)): p.read_text() for p in SOURCES.rglob("*.py")})

def build_editable(folder, config=None, metadata=None):
    return write(folder, {"svc_of_test.pth": f"{SOURCES}\\n"})

def write(folder, files):
    name, info = "svc_of_test-1-py3-none-any.whl", "svc_of_test-1.dist-info"
    files[f"{info}/METADATA"] = "Metadata-Version: 2.1\\nName: svc-of-test\\nVersion: 1\\n"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files[f"{info}/RECORD"] = "".join(f"{file},,\\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
    return name
'''
POLICY = """\
version: 1
service: arms-test
preview:
  command: {command}
  ready: /
  timeout: 30s
{more}
latency:
  request: {{method: GET, path: /}}
  arrivals: {{poisson: 100/s, duration: 1s, warmup: 100ms}}
  slo: {{p50: 5s}}
"""


class Scene:
    """A repository with an installable service, and a Python in which the workflow installs packages."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seen_file = folder / "repo", folder / "seen.txt"
        self.venv = folder / "user"
        (self.folder / "src/svc").mkdir(parents=True)
        (self.folder / ".github").mkdir()
        self.git("init", "--quiet", "-b", "main")
        self.write("src/svc/__init__.py", SERVICE)
        self.write("src/svc/__main__.py", "from svc import main\nmain()\n")
        self.write("pyproject.toml", PROJECT)
        self.write("backend.py", BACKEND)
        self.write(".gitignore", "evidence/\n*.egg-info\nmodel.txt\nbuild/\n")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(self.venv)], check=True, timeout=120)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def policy(self, more: str = "", command: str = "python -m svc {port}") -> None:
        self.write(".github/ghmlops.yml", POLICY.format(more=more, command=json.dumps(command)))

    def git(self, *args: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *identity, *args], cwd=self.folder, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("commit", "--quiet", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def editable(self) -> None:
        """Do what `pip install -e .` does: a path file in the environment that leads to the sources."""
        (packages,) = self.venv.glob("lib/python*/site-packages")
        (packages / "__editable__.svc.pth").write_text(f"{self.folder / 'src'}\n", encoding="utf-8")

    def check(self, *argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
        foreign = ("GITHUB_", "GHMLOPS_", "RUNNER_", "ACTIONS_")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        path = f"{self.venv / 'bin'}:{inherited['PATH']}"
        return subprocess.run(
            [sys.executable, "-m", "ghmlops", "check", *argv],
            cwd=self.folder,
            env=inherited | {"PATH": path, "SEEN": str(self.seen_file)} | environ,
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
        )

    def evidence(self, name: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.folder / "evidence" / name).read_text(encoding="utf-8"))
        return value

    def findings(self, name: str = "preview.json") -> dict[str, str]:
        return {f["id"]: f["outcome"] for f in self.evidence(name)["findings"]}

    def versions(self) -> set[str]:
        return {line.split()[0] for line in self.seen_file.read_text(encoding="utf-8").splitlines()}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A scratch repository."""
    return Scene(tmp_path)


def test_an_editable_installation_does_not_reach_the_baseline(scene: Scene) -> None:
    """With `pip install -e .` in the workflow, each arm imports the sources of its own commit, which `check` proves."""
    scene.policy()
    base = scene.commit()
    scene.write("src/svc/__init__.py", SERVICE.replace('"one"', '"two"'))
    scene.commit()
    scene.editable()
    done = scene.check("--base", base)
    assert scene.findings()["arms-differ"] == "pass", done.stderr
    assert scene.versions() == {"one", "two"}


def test_a_service_in_a_subfolder_runs_in_that_of_its_own_work_tree(scene: Scene) -> None:
    """The working directory of the baseline is the same folder of its work tree, not the top of the repository."""
    scene.policy(command="env PYTHONPATH=src python -m svc {port}")
    top = scene.folder
    (top / "model").mkdir()
    for name in ("src", ".github", "pyproject.toml"):
        (top / name).rename(top / "model" / name)
    scene.folder = top / "model"
    base = scene.commit()
    scene.write("src/svc/__init__.py", SERVICE.replace('"one"', '"two"'))
    scene.commit()
    done = scene.check("--base", base)
    assert scene.versions() == {"one", "two"}, done.stderr
    folders = {Path(line.split()[1]).name for line in scene.seen_file.read_text().splitlines()}
    assert folders == {"model"}


def test_each_arm_is_built_in_an_environment_of_its_own(scene: Scene) -> None:
    """`build` runs in both work trees, sees the commit and no token, and its output and key are kept."""
    build = "  build: |\n    printf '%s' {sha} > model.txt\n    echo \"{workdir} ${GITHUB_TOKEN:-none}\"\n"
    scene.policy(build)
    base = scene.commit()
    scene.write("src/svc/__init__.py", SERVICE.replace('"one"', '"two"'))
    head = scene.commit()
    scene.editable()
    done = scene.check("--base", base, GITHUB_TOKEN="t0ken")
    assert scene.versions() == {"one", "two"}, done.stderr
    assert (scene.folder / "model.txt").read_text() == head
    logs = [(scene.folder / "evidence" / f"build-{arm}.log").read_text() for arm in ("candidate", "baseline")]
    assert "t0ken" not in "".join(logs)
    prefixes = {line.split()[3] for line in scene.seen_file.read_text().splitlines()}
    assert len(prefixes) == 2
    assert str(scene.venv) not in prefixes
    assert done.stderr.count("its key is") == 2


@pytest.mark.parametrize("flags", ["", "-e"])
def test_an_installation_of_each_arm_is_its_own(scene: Scene, flags: str) -> None:
    """`pip install .` and `pip install -e .` of a package with the layout `src` install the commit of the arm."""
    scene.policy(f"  build: pip install --quiet --no-index {flags} .\n")
    base = scene.commit()
    scene.write("src/svc/__init__.py", SERVICE.replace('"one"', '"two"'))
    scene.commit()
    done = scene.check("--base", base)
    assert scene.findings()["arms-differ"] == "pass", done.stderr
    assert scene.versions() == {"one", "two"}


def test_both_arms_with_the_same_code_are_no_comparison(scene: Scene) -> None:
    """A build that installs one fixed copy in both arms hides the change, which is inconclusive."""
    scene.policy(f'  build: cp -r {scene.folder}/src/svc "$VIRTUAL_ENV"/lib/python*/site-packages/\n')
    base = scene.commit()
    scene.write("src/svc/__init__.py", SERVICE.replace('"one"', '"two"'))
    scene.commit()
    scene.check("--base", base)
    assert scene.findings()["arms-alike"] == "inconclusive"
    assert scene.versions() == {"two"}


def test_a_build_that_fails_names_arm_commit_and_output(scene: Scene) -> None:
    """The candidate's build ends with an error: exit 2, with the last line of its output; nothing is measured."""
    scene.policy("  build: |\n    true\n")
    scene.editable()
    base = scene.commit()
    scene.policy("  build: |\n    false | cat\n    echo unreachable\n  build-timeout: 30s\n")
    head = scene.commit()
    done = scene.check("--base", base)
    assert done.returncode == 2
    reason = scene.evidence("latency.json")["reason"]
    assert head[:12] in reason
    assert "exit status 1" in reason
    assert "unreachable" not in (scene.folder / "evidence/build-candidate.log").read_text()


def test_a_cached_build_is_not_repeated(scene: Scene) -> None:
    """The baseline's build is kept by its key; another run restores it with its environment."""
    scene.policy('  build: |\n    date +%s%N > model.txt\n    echo built >> "$SEEN.builds"\n')
    base = scene.commit()
    scene.write("src/svc/__init__.py", SERVICE.replace('"one"', '"two"'))
    scene.commit()
    scene.editable()
    cache = scene.folder.parent / "cache"
    for restored in (False, True):
        done = scene.check("--base", base, "--build-cache", str(cache))
        assert ("was restored from the cache" in done.stderr) is restored, done.stderr
        assert scene.versions() == {"one", "two"}
    builds = Path(f"{scene.seen_file}.builds").read_text().count("built")
    assert builds == 3  # twice the candidate, once the baseline


def test_a_change_that_adds_the_service_is_judged_alone(scene: Scene) -> None:
    """Where the baseline's commit has no policy and no service, the objectives judge the candidate."""
    (scene.folder / "src/svc").rename(scene.folder.parent / "svc")
    base = scene.commit()
    (scene.folder.parent / "svc").rename(scene.folder / "src/svc")
    scene.policy(command="env PYTHONPATH=src python -m svc {port}")
    scene.commit()
    scene.check("--base", base)
    assert scene.findings()["baseline-absent"] == "warn"
    assert scene.findings("latency.json")["objective-p50"] == "pass"
    assert "latency-p50" not in scene.findings("latency.json")


def test_an_image_per_commit_serves_both_arms(scene: Scene) -> None:
    """`docker run image:{sha}` starts the image of each commit; without `{sha}` both arms may be the same."""
    archive = f"git --git-dir={scene.folder}/.git archive ${{1#svc:}} | tar x"
    script = f"#!/bin/sh\ncd $(mktemp -d)\n{archive}\nshift\nexec env PYTHONPATH=src python -m svc $1\n"
    engine = scene.venv / "bin" / "docker"
    engine.write_text(script)
    engine.chmod(0o755)
    scene.policy(command="docker svc:{sha} {port}")
    base = scene.commit()
    scene.write("src/svc/__init__.py", SERVICE.replace('"one"', '"two"'))
    scene.commit()
    done = scene.check("--base", base)
    assert scene.versions() == {"one", "two"}, done.stderr
    scene.policy(command=f"docker svc:{base} {{port}}")
    scene.commit()
    scene.check("--base", scene.git("rev-parse", "HEAD~1"))
    assert scene.findings()["arms-unproven"] == "warn"


def test_an_address_per_commit_is_found_for_both_arms(scene: Scene) -> None:
    """`{sha}` in `url` is the commit of each arm; nothing is started here."""
    scene.write(
        ".github/ghmlops.yml",
        POLICY.format(more="", command="''").replace("  command: ''\n", "  url: 'http://{sha}.localhost:1'\n"),
    )
    base = scene.commit()
    scene.write("README.md", "x")
    head = scene.commit()
    done = scene.check("--base", base, "--allow-hosts", "*.localhost")
    reason = scene.evidence("latency.json")["reason"]
    assert done.returncode == 2
    assert base in reason or head in reason
    assert "{sha}" not in reason


def test_a_baseline_that_breaks_is_an_error(scene: Scene) -> None:
    """Where the baseline's own policy has a service, one that does not start says nothing about the change."""
    scene.policy(command="python -m absent {port}")
    base = scene.commit()
    scene.policy(command="env PYTHONPATH=src python -m svc {port}")
    scene.commit()
    done = scene.check("--base", base)
    assert done.returncode == 2
    assert base[:12] in scene.evidence("latency.json")["reason"]
