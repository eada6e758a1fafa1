"""Readers of single values that several policy sections share, such as durations, ratios, paths, commands and hosts."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ghmlops.core import quantities
from ghmlops.core.load.allowed_hosts import is_address
from ghmlops.core.policyfile.yaml_reader import Located, one_of, scalar, text

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS, PER_SECOND, RATIO = scalar(quantities.duration), scalar(quantities.rate), scalar(quantities.ratio)

_HOST = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
_WORKFLOW = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\.ya?ml")


def header_name(name: str) -> str:
    """Read the name of a header, and return it in lower case.

    Raises:
        ValueError: It contains a character that no header name has.
    """
    if not name or not all(c.isascii() and (c.isalnum() or c in "!#$%&'*+-.^_`|~") for c in name):
        raise ValueError("is not a valid header name")
    return name.lower()


def seconds_or_zero(at: Located) -> float:
    """Read a duration, which may be 0.

    Raises:
        PolicyError: The value is not a duration.
    """
    return 0.0 if at.value in ("0", "0s", "0ms", "0m") else SECONDS(at)


def path(at: Located) -> str:
    """Read an absolute path on the service.

    Raises:
        PolicyError: The value does not start with `/`.
    """
    value = text(at)
    if not value.startswith("/"):
        raise at.error(f'expected a path that starts with "/", got "{value}"')
    return value


def relative_path(folder: str, example: str = "") -> Callable[[Located], str]:
    """Return a reader of a path that does not leave a folder; `*` and `**` are up to the caller.

    Args:
        folder: Name of the folder in messages.
        example: A path for the hint; empty: no hint.
    """

    def read(at: Located) -> str:
        value = text(at)
        if value.startswith("/") or "\\" in value or any(part in ("", ".", "..") for part in value.split("/")):
            hint = f"for example `{example}`" if example else ""
            raise at.error(f'expected a path below the {folder}, got "{value[:80]}"', hint)
        return value

    return read


def workflow_file(example: str) -> Callable[[Located], str]:
    """Return a reader of the file name of a workflow.

    Args:
        example: A name for the hint.
    """

    def read(at: Located) -> str:
        name = text(at)
        if not _WORKFLOW.fullmatch(name):
            raise at.error(f'expected the file name of a workflow, got "{name[:80]}"', f"for example `{example}`")
        return name

    return read


def moment(kind: str, example: str) -> Callable[[Located], str]:
    """Return a reader of a time, in ISO 8601 (UTC); without a time zone, it is UTC.

    Args:
        kind: What it is in messages, with its article.
        example: A time for the hint.
    """

    def read(at: Located) -> str:
        value = text(at)
        try:
            time = datetime.fromisoformat(value)
            return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
        except (ValueError, OverflowError):  # OverflowError: the ends of the calendar, in another zone
            raise at.error(f'expected {kind}, got "{value[:40]}"', f"for example `{example}`") from None

    return read


def command(at: Located) -> str:
    """Read a command that is split into words without a shell.

    Raises:
        PolicyError: It has an open quotation, or ends with a backslash.
    """
    value = text(at)
    try:
        shlex.split(value)
    except ValueError as error:
        raise at.error(
            f"the command cannot be split into words: {str(error)[:1].lower()}{str(error)[1:]}",
            'close it; an apostrophe within a word is written "\'"',
        ) from None
    return value


def positive_count(at: Located) -> int:
    """Read a whole number of at least 1.

    Raises:
        PolicyError: The value is not a whole number, or is 0.
    """
    value = scalar(quantities.count)(at)
    if value < 1:
        raise at.error("expected at least 1")
    return value


def host(at: Located) -> str:
    """Read a host name or IP address; a leading `*.` matches all subdomains.

    Raises:
        PolicyError: The value has a scheme, a port or a path.
    """
    value = text(at)
    if not (_HOST.fullmatch(value) or is_address(value)):
        raise at.error("expected a host without scheme, port and path", "for example `scorer.example.com`")
    return value.lower().rstrip(".")


def boolean(at: Located) -> bool:
    """Read `true` or `false`.

    Raises:
        PolicyError: The value is anything else.
    """
    return one_of("true", "false")(at) == "true"
