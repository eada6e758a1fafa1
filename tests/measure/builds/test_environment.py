"""The environment of an arm: its own installations first, those of the workflow after them, no editable package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ghmlops.core.errors import InputError
from ghmlops.measure.builds.environment import create_environment, find_python


def python(environ: dict[str, str], code: str) -> str:
    done = subprocess.run(
        [find_python(environ), "-c", code],
        env=environ,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_an_environment_shares_packages_and_not_editable_ones(tmp_path: Path) -> None:
    """What the workflow installed is imported; a path file that leads to the checkout is not followed."""
    outer = tmp_path / "outer"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(outer)], check=True, timeout=120)
    (packages,) = outer.glob("lib/python*/site-packages")
    (packages / "shared_package.py").write_text("value = 1\n")
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "edited_package.py").write_text("value = 1\n")
    (packages / "__editable__.x.pth").write_text(f"{tmp_path / 'checkout'}\n")
    step = {"PATH": f"{outer / 'bin'}:{os.environ['PATH']}", "PYTHONHOME": "", "HOME": str(tmp_path)}
    del step["PYTHONHOME"]
    assert python(step, "import edited_package; print(edited_package.value)") == "1"
    active = create_environment(tmp_path / "own", step)
    assert python(active, "import sys; print(sys.prefix)") == str(tmp_path / "own")
    assert python(active, "import shared_package; print(shared_package.value)") == "1"
    assert "No module named" in python(active, "import edited_package")
    (own,) = (tmp_path / "own").glob("lib/python*/site-packages")
    (own / "shared_package.py").write_text("value = 2\n")
    assert python(active, "import shared_package; print(shared_package.value)") == "2"
    assert (active["VIRTUAL_ENV"], Path(active["PATH"].split(":")[0])) == (str(tmp_path / "own"), tmp_path / "own/bin")


def test_without_python_nothing_is_created(tmp_path: Path) -> None:
    """A service in another language needs no Python."""
    assert create_environment(tmp_path / "own", {"PATH": str(tmp_path)}) == {"PATH": str(tmp_path)}
    assert not (tmp_path / "own").exists()


def test_a_python_without_environments_is_one_error(tmp_path: Path) -> None:
    """The message names the Python and the package to install."""
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no venv >&2\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(InputError, match="no venv") as caught:
        create_environment(tmp_path / "own", {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert "python3-venv" in caught.value.hint
