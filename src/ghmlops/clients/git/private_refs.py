"""Private references of the user's repository, which exist during one block only."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ghmlops.clients.owned_folders import is_abandoned, owned_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.clients.git.client import Git

PRIVATE = "refs/ghmlops/"
"""Where the private references are."""
OTHER = "_other"
"""Suffix of a second reference of the same block."""
_PREFIX = "run-"


@contextlib.contextmanager
def private_ref(git: Git) -> Iterator[str]:
    """Yield the name of a reference that nobody else uses; it is removed at the end, with those of killed runs."""
    _sweep(git)
    ref = PRIVATE + owned_name(_PREFIX)
    try:
        yield ref
    finally:
        for name in (ref, ref + OTHER):
            git.run("update-ref", "-d", name)


def _sweep(git: Git) -> None:
    """Remove the private references of killed runs; they would keep the objects of their branches for ever."""
    for ref in git.run("for-each-ref", "--format=%(refname)", PRIVATE).stdout.split():
        if is_abandoned(ref.removeprefix(PRIVATE), _PREFIX):
            git.run("update-ref", "-d", ref)
