"""The exception tree matches its documentation."""

from __future__ import annotations

import inspect
import re

from ghmlops.core import errors
from ghmlops.core.errors import GhmlopsError

CLASSES = {name: kind for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, GhmlopsError)}


def documented_depths() -> dict[str, int]:
    """Return the depth of each class in the tree of the module's docstring."""
    tree = re.findall(r"^([│├└─ ]*)(\w+)  ", errors.__doc__ or "", flags=re.MULTILINE)
    return {name: len(indent) // 4 for indent, name in tree}


def test_the_docstring_shows_the_tree() -> None:
    """The docstring contains exactly the classes of the tree, each at its depth."""
    assert {
        name: len(kind.__mro__) - len(GhmlopsError.__mro__) for name, kind in CLASSES.items()
    } == documented_depths()


def test_exit_codes() -> None:
    """The exit code is 1 if a person must decide, otherwise 2."""
    assert {"NeedsPerson"} == {name for name, kind in CLASSES.items() if kind.exit_code == 1}
    assert {1, 2} == {kind.exit_code for kind in CLASSES.values()}


def test_reason_codes() -> None:
    """Every class has a unique reason code in kebab case."""
    codes = [kind.default_reason for kind in CLASSES.values()]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


def test_a_reason_can_be_more_precise() -> None:
    """An error may have a specific reason code; message and hint are separate."""
    error = errors.DataError("m", hint="h", reason_code="no-rows")
    assert (error.message, error.hint, error.reason_code, error.exit_code) == ("m", "h", "no-rows", 2)
    assert errors.DataError("m").reason_code == "bad-data"
