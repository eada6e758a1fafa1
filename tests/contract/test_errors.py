"""The tree of errors: what it says about itself is what it is."""

from __future__ import annotations

import inspect
import re

from ghmlops.core import errors
from ghmlops.core.errors import GhmlopsError

CLASSES = {name: kind for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, GhmlopsError)}


def drawn() -> dict[str, int]:
    """Return the classes of the tree in the module's docstring, each with how deep it stands."""
    tree = re.findall(r"^([│├└─ ]*)(\w+)  ", errors.__doc__ or "", flags=re.MULTILINE)
    return {name: len(indent) // 4 for indent, name in tree}


def test_the_drawing_is_the_tree() -> None:
    """Every class is drawn, at the depth at which it stands, and nothing else."""
    assert {name: len(kind.__mro__) - len(GhmlopsError.__mro__) for name, kind in CLASSES.items()} == drawn()


def test_exit_codes() -> None:
    """2 for what could not be judged, 1 where a person must decide, and no other."""
    assert {"NeedsPerson"} == {name for name, kind in CLASSES.items() if kind.exit_code == 1}
    assert {1, 2} == {kind.exit_code for kind in CLASSES.values()}


def test_reason_codes() -> None:
    """Every class has a kebab-case code of its own for machines."""
    codes = [kind.default_reason for kind in CLASSES.values()]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


def test_a_reason_can_be_more_precise() -> None:
    """A raised error may carry a code of its own; message and hint are kept apart."""
    error = errors.DataError("m", hint="h", reason_code="no-rows")
    assert (error.message, error.hint, error.reason_code, error.exit_code) == ("m", "h", "no-rows", 2)
    assert errors.DataError("m").reason_code == "bad-data"
