"""A Python environment of its own for each arm, so that what one arm installs is never imported by the other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from ghmlops.core.errors import InputError
from ghmlops.core.text.secret_variables import without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECONDS = 180.0
"""Maximum time to create an environment."""
_FACTS = """
import importlib.util, json, sys, sysconfig
paths = [sysconfig.get_path(name) for name in ("purelib", "platlib")]
folders = [p for p in sys.path if p.rstrip("/").endswith(("site-packages", "dist-packages"))]
print(json.dumps({"folders": list(dict.fromkeys([*paths, *folders])), "pip": bool(importlib.util.find_spec("pip"))}))
"""
_IDENTITY = """
import importlib.metadata, platform, sys
names = sorted({f"{one.metadata['Name']}=={one.version}" for one in importlib.metadata.distributions()})
print(sys.version, platform.machine(), sys.executable, *names, sep="\\n")
"""
_REPLACED = ("PYTHONHOME", "UV_SYSTEM_PYTHON", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "CONDA_PREFIX")
"""Variables that would lead an installation out of the environment."""
_PIP = """#!/bin/sh
exec "{python}" -m pip "$@"
"""


def find_python(environ: Mapping[str, str]) -> str:
    """Return the path of the Python that a command of the user finds; empty if there is none."""
    path = environ.get("PATH", os.defpath)
    return shutil.which("python", path=path) or shutil.which("python3", path=path) or ""


def python_facts(environ: Mapping[str, str]) -> str:
    """Return version, place and installed packages of the Python that a command of the user finds; empty if none."""
    python = find_python(environ)
    return _run([python, "-c", _IDENTITY], environ) if python else ""


def create_environment(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Create a virtual environment in `folder` and return the variables that activate it.

    Packages of the Python that the user's commands find can be imported, too, so that what the workflow installed need
    not be installed again; what is installed here takes precedence. Editable packages of that Python are not imported,
    because they are the checkout of the change.

    Args:
        folder: folder of the environment, which must not exist.
        environ: environment of the step.

    Returns:
        The environment of the step with the virtual environment active; unchanged if there is no Python.

    Raises:
        InputError: The environment cannot be created.
    """
    python = find_python(environ)
    if not python:
        return dict(environ)
    facts = json.loads(_run([python, "-c", _FACTS], environ) or "{}")
    without_pip = ["--without-pip"] if facts.get("pip") else []
    _run([python, "-m", "venv", *without_pip, str(folder)], environ)
    own = folder / "bin" / "python"
    packages = next(folder.glob("lib*/python*/site-packages"), None)
    if packages is None or not own.exists():
        raise InputError(f"{python} -m venv created no environment", hint="install the package python3-venv")
    (packages / "zz_outer_packages.pth").write_text("\n".join(facts.get("folders", [])) + "\n", encoding="utf-8")
    if without_pip:
        for name in ("pip", "pip3"):
            (folder / "bin" / name).write_text(_PIP.format(python=own), encoding="utf-8")
            (folder / "bin" / name).chmod(0o755)
    return activate(environ, folder)


def activate(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the variables of the step with the environment in `folder` active."""
    inherited = {name: value for name, value in environ.items() if name not in _REPLACED}
    return inherited | {
        "VIRTUAL_ENV": str(folder),
        "PATH": f"{folder / 'bin'}{os.pathsep}{environ.get('PATH', os.defpath)}",
        "PYTHONNOUSERSITE": "1",
    }


def _run(words: list[str], environ: Mapping[str, str]) -> str:
    """Run a command of the environment's own making and return its output."""
    variables = without_secrets(environ)
    variables.pop("PYTHONPATH", None)
    try:
        done = subprocess.run(
            words, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"`{words[0]}` cannot create an environment: {error}", hint="is Python complete?") from None
    if done.returncode:
        tail = " ".join(done.stderr.split())[-500:] or " ".join(done.stdout.split())[-500:]
        raise InputError(
            f"`{words[0]} {' '.join(words[1:3])[:40]}` cannot create an environment: {tail}",
            hint="install the package python3-venv, or set up Python with actions/setup-python",
        )
    return done.stdout
