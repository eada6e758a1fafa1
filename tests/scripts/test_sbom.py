"""The bill of materials lists every package that the actions may install, with the version of the lock file."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_lock_file_is_listed(tmp_path: Path) -> None:
    """Every package of the project's extras is a component with the locked version; development tools are not."""
    file = tmp_path / "sbom.json"
    subprocess.run([str(ROOT / "scripts" / "sbom"), str(file)], check=True, capture_output=True, timeout=120)
    components = {c["name"]: c["version"] for c in json.loads(file.read_text())["components"]}
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    versions = {package["name"]: package["version"] for package in lock["package"]}
    (project,) = (package for package in lock["package"] if package["name"] == "ghmlops")
    extras = {d["name"] for names in project["optional-dependencies"].values() for d in names}
    expected = extras | {d["name"] for d in project["dependencies"]}
    assert expected <= set(components)
    assert all(versions[name] == version for name, version in components.items() if name in versions)
    assert "mypy" not in components


def test_a_missing_argument_is_one_line() -> None:
    """Without a file name the script says how to call it."""
    done = subprocess.run([str(ROOT / "scripts" / "sbom")], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert "usage: scripts/sbom FILE" in done.stderr
