"""What an arm imports: its own sources before an installation of the checkout, and what is its own already."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ghmlops.measure.builds.import_path import ArmPlace, digest, own_code, packages_of


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout and the work tree of another commit, each with a package in `src` and a module at the top."""
    for name in ("checkout", "base"):
        package = tmp_path / name / "src" / "svc"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"version = '{name}'\n")
        (tmp_path / name / "serve.py").write_text("import svc\n")
        (tmp_path / name / "tests").mkdir()
        (tmp_path / name / "tests" / "__init__.py").touch()
    return tmp_path / "checkout"


def environment(folder: Path, path_file: str) -> dict[str, str]:
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True, timeout=120)
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "x.pth").write_text(path_file)
    return {"PATH": f"{venv / 'bin'}:{os.environ['PATH']}"}


def test_packages_are_found_at_the_top_and_in_src(checkout: Path) -> None:
    """Tests, folders without `__init__.py` and hidden files are no packages."""
    assert set(packages_of(checkout, checkout)) == {"svc", "serve"}


def test_an_installed_checkout_gives_way_to_the_own_sources(checkout: Path, tmp_path: Path) -> None:
    """The baseline receives its sources by PYTHONPATH; the candidate is installed already and keeps its path."""
    environ = environment(tmp_path, f"{checkout / 'src'}\n")
    base = tmp_path / "base"
    code = own_code(ArmPlace(tree=base, cwd=base, top=checkout), environ, environ)
    assert code.environ["PYTHONPATH"] == str(base / "src")
    assert code.loaded == {"svc": base / "src/svc", "serve": base / "serve.py"}
    own = own_code(ArmPlace(tree=checkout, cwd=checkout, top=checkout), environ, environ)
    assert "PYTHONPATH" not in own.environ
    assert own.loaded["svc"] == checkout / "src/svc"


def test_an_import_path_in_the_checkout_moves_with_the_arm(checkout: Path, tmp_path: Path) -> None:
    """`PYTHONPATH: ${{ github.workspace }}/src` names the sources of each arm."""
    base = tmp_path / "base"
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{checkout / 'src'}:/opt/other"}
    code = own_code(ArmPlace(tree=base, cwd=base, top=checkout), environ, environ)
    assert code.environ["PYTHONPATH"] == f"{base / 'src'}:/opt/other"
    assert code.loaded["svc"] == base / "src/svc"


def test_what_python_does_not_find_is_unknown(checkout: Path) -> None:
    """A package in `src` that nobody installed may be found by the service itself, or not."""
    environ = {"PATH": os.environ["PATH"]}
    code = own_code(ArmPlace(tree=checkout, cwd=checkout, top=checkout), environ, environ)
    assert set(code.loaded) == {"serve"}


def test_a_digest_is_that_of_the_sources(checkout: Path) -> None:
    """Compiled files of Python change nothing, sources do."""
    package = checkout / "src" / "svc"
    before = digest(package)
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "x.pyc").write_bytes(b"1")
    assert digest(package) == before
    (package / "more.py").write_text("1\n")
    assert digest(package) != before
