"""Generated files match their sources, and a change on either side is detected."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import jsonschema
import pytest

from ghmlops.core.evidence.schema import SCHEMAS, json_schema

if TYPE_CHECKING:
    from pathlib import Path


def check(root: Path) -> subprocess.CompletedProcess[str]:
    """Run `scripts/generate.py --check` of the tree at `root`."""
    command = [sys.executable, str(root / "scripts" / "generate.py"), "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def tree(root: Path, tmp_path: Path) -> Path:
    """Return a copy of the files that the generator reads and writes."""
    for name in ("actions", "src/ghmlops/schemas", "src/ghmlops/measure/load/protocols"):
        shutil.copytree(root / name, tmp_path / name)
    (tmp_path / "scripts").mkdir()
    for name in ("action.yml", "README.md", "scripts/generate.py", "src/ghmlops/explanations.json"):
        shutil.copy(root / name, tmp_path / name)
    return tmp_path


def test_nothing_has_drifted(root: Path) -> None:
    """`scripts/generate.py` would change nothing."""
    done = check(root)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("action.yml", 'default: "fail"', 'default: "warn"'),
        ("actions/gate/action.yml", "GHMLOPS_COMMIT: ${{ inputs.commit }}", "GHMLOPS_COMMIT: ${{ inputs.leg }}"),
        ("actions/gate/README.md", "| `dry-run` |", "| `dry` |"),
        ("actions/revert/README.md", "| `revert-sha` |", "| `sha` |"),
        ("src/ghmlops/schemas/evidence-v1.json", '"findings"', '"results"'),
        ("src/ghmlops/schemas/policy-v1.json", '"payloads"', '"bodies"'),
        ("src/ghmlops/explanations.json", "The verdict", "The result"),
        ("src/ghmlops/measure/load/protocols/open_inference_descriptor.py", "fp64_contents", "fp46_contents"),
    ],
)
def test_an_edit_is_detected(tree: Path, file: str, old: str, new: str) -> None:
    """A manual edit of a generated part is printed as a difference and fails the check."""
    text = (tree / file).read_text()
    assert old in text
    (tree / file).write_text(text.replace(old, new))
    done = check(tree)
    assert done.returncode == 1
    assert f"--- {file}" in done.stdout


def test_a_missing_region_is_an_error(tree: Path) -> None:
    """An action.yml without its markers is an error."""
    file = tree / "actions/report/action.yml"
    file.write_text(file.read_text().replace("# generated: environment", "#"))
    done = check(tree)
    assert done.returncode == 1
    assert "actions/report/action.yml: expected one region" in done.stderr


def test_only_known_schemas_are_shipped(root: Path) -> None:
    """The folder contains exactly the schemas of the table, each a valid JSON Schema."""
    folder = root / "src" / "ghmlops" / "schemas"
    assert sorted([*SCHEMAS, "policy-v1.json"]) == sorted(path.name for path in folder.iterdir())
    for name in SCHEMAS:
        written = json.loads((folder / name).read_text())
        jsonschema.Draft202012Validator.check_schema(written)
        assert json.loads(json.dumps(json_schema(name))) == written
