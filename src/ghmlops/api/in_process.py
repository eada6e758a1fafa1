"""Runs functions of commands in the process of a caller: its environment, and errors that carry their hint."""

from __future__ import annotations

import contextlib
import io
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ghmlops.core.errors import GhmlopsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.commands.shared.base import Services


def services() -> Services:
    """Return the services of a command that prints nothing."""
    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.shared.console import Console
    from ghmlops.core.context import Context

    return Services(
        context=Context(),
        environ=dict(os.environ),
        cwd=Path.cwd(),
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )


@contextlib.contextmanager
def with_hint(command: str = "regression") -> Iterator[None]:
    """Add the hint of an error as a note, which a traceback shows below the message; name the extra of a package."""
    from ghmlops.commands.shared.extras import missing_extra

    try:
        try:
            yield
        except ModuleNotFoundError as error:
            extra = missing_extra(error, command)
            if extra is None:
                raise
            raise extra from None
    except GhmlopsError as error:
        if error.hint:
            error.add_note(error.hint)
        raise
