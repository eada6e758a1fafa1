"""`ghmlops explain`: every finding of the source has a section, typos are corrected."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from ghmlops.cli import main
from ghmlops.core.adoption.explanations import FINDINGS, PAGES, examples, section, sections_of

ROOT = Path(__file__).resolve().parents[2]


def literal_ids() -> list[str]:
    """Return the ids of all findings that the source writes as literals, and of the contract's."""
    ids = set()
    for path in (ROOT / "src" / "ghmlops").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "Finding(" not in text and "contract_finding(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name.endswith("Finding"):
                values = [k.value for k in node.keywords if k.arg == "id"]
                ids |= {str(v.value) for v in values if isinstance(v, ast.Constant) and v.value}
            if name == "contract_finding" and isinstance(node.args[0], ast.Constant):
                ids.add(f"contract-{node.args[0].value!s}")
    return sorted(ids)


@pytest.mark.parametrize("finding", [*literal_ids(), *examples()])
def test_every_finding_is_explained(finding: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The text of each of its sections is printed, with the address."""
    assert main(["explain", finding, "--json"]) == 0
    pages = json.loads(capsys.readouterr().out)["pages"]
    assert pages == list(sections_of(finding))
    assert main(["explain", finding]) == 0
    output = capsys.readouterr().out
    assert output.startswith("#")
    assert all(page in output for page in pages)


@pytest.mark.parametrize(
    ("typo", "suggestion"),
    [("regresion-auc", "regression-auc"), ("latncy-p99", "latency-p99"), ("no-baselin", "no-baseline")],
)
def test_typos(typo: str, suggestion: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown finding is an error with the nearest one."""
    assert main(["explain", typo]) == 2
    assert f"`{suggestion}`" in capsys.readouterr().err


def test_every_linked_section_is_shipped() -> None:
    """Each heading of a page that a constant `DOCS` of the source names belongs to a finding of the table."""
    linked = {
        node.value
        for path in (ROOT / "src" / "ghmlops").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value.startswith(("actions/", "README.md#")) and "/README.md#" in node.value
    }
    assert len(linked) > 10
    assert linked - set(PAGES) == set()


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    """Without an argument all findings are listed."""
    assert main(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(FINDINGS)


def test_section() -> None:
    """A section ends at the next heading of its level; code is no heading."""
    text = "# A\n## B c\nx\n### D\n```\n# no\n```\ny\n## E\nz\n"
    assert section(text, "b-c") == "## B c\nx\n### D\n```\n# no\n```\ny"
    assert section(text, "f") == ""


def test_the_package_contains_the_sections() -> None:
    """Each page of the table is shipped."""
    shipped = json.loads((ROOT / "src" / "ghmlops" / "explanations.json").read_text(encoding="utf-8"))
    assert list(shipped) == list(PAGES)
    assert all(text.startswith("#") for text in shipped.values())
