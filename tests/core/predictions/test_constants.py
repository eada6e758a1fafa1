"""Every constant of the prediction verdict stands once, in one file, with its reason."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ghmlops.core.predictions import constants

PACKAGE = Path(constants.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "constants.py")
ALLOWED = {
    "findings.py": {"_MAX_FIXED", "_MAX_DECIMALS"},  # how sentences write numbers; no verdict depends on it
}


def assignments(path: Path) -> dict[str, tuple[ast.expr, bool]]:
    """Return the values assigned at the level of the module, and whether a docstring follows each."""
    body = ast.parse(path.read_text()).body
    result = {}
    for statement, following in zip(body, [*body[1:], ast.Pass()], strict=True):
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            has_docstring = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            result[statement.targets[0].id] = statement.value, has_docstring
    return result


def is_number(value: ast.expr) -> bool:
    """Return whether an expression contains a literal number."""
    return any(isinstance(node, ast.Constant) and type(node.value) in (int, float) for node in ast.walk(value))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_other_module_defines_a_numeric_constant(path: Path) -> None:
    """Modules import the constants; exceptions have a reason and are still in use."""
    numeric = {name for name, (value, _) in assignments(path).items() if is_number(value)}
    assert numeric == ALLOWED.get(path.name, set())


def test_every_constant_has_a_docstring_and_no_two_the_same_name() -> None:
    """Unit, reason and evidence stand below the value."""
    defined = assignments(PACKAGE / "constants.py")
    assert len(defined) > 20
    assert [name for name, (_, has_docstring) in defined.items() if not has_docstring] == []
