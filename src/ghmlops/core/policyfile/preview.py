"""Reads the section `preview`."""

from __future__ import annotations

from urllib.parse import urlsplit

from ghmlops.core import quantities
from ghmlops.core.load.host_names import unicode_host
from ghmlops.core.policy.preview import Preview
from ghmlops.core.policyfile.scalars import header_name, path, positive_count
from ghmlops.core.policyfile.yaml_reader import Located, record, scalar, table, text

_MAX_ANSWERS = 100


MAX_BUILD = 16_384
"""Characters of `build`: bash receives it as one argument."""


def _url(at: Located) -> str:
    value = text(at)
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:  # the message does not repeat the value, which may contain a password
        raise at.error("expected an http or https address", "for example `http://127.0.0.1:8000`")
    if why := unicode_host(value):
        raise at.error("the host name is not in ASCII", why)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise at.error("an address has no user name, query or fragment", "remove it; everybody can read the policy")
    return value.rstrip("/")


def _command(at: Located) -> str:
    value = text(at)
    if "{port}" not in value:
        raise at.error("the command has no `{port}`", "ghmlops chooses the port of the service: add `--port {port}`")
    return value


def _answers(at: Located) -> int:
    value = positive_count(at)
    if value > _MAX_ANSWERS:
        raise at.error(f"expected at most {_MAX_ANSWERS} answers", "the answers are requested four times per second")
    return value


def shell_commands(at: Located) -> str:
    """Read shell text that bash runs, which may have several lines."""
    value = at.value
    if not isinstance(value, str) or not value.strip():
        raise at.error("expected shell text", "for example `pip install .`")
    if any((ord(c) < 32 and c not in "\n\t") or 0xD800 <= ord(c) <= 0xDFFF for c in value):
        raise at.error("control characters and lone surrogates are not allowed here")
    if "{port}" in value:
        raise at.error("there is no port here", "the service receives it when it starts: use `{port}` in `command`")
    if len(value) > MAX_BUILD:
        raise at.error(f"expected shell text of at most {MAX_BUILD:,} characters", "move it to a script")
    return value


def read_preview(at: Located) -> Preview:
    """Read the section `preview`.

    Raises:
        PolicyError: It does not have exactly one of `command` and `url`, or a value is malformed.
    """
    readers = {
        "build": shell_commands,
        "build-timeout": scalar(quantities.duration),
        "command": _command,
        "url": _url,
        "baseline-url": _url,
        "ready": path,
        "timeout": scalar(quantities.duration),
        "headers": table(header_name, text),
        "ca-file": text,
        "ready-contains": text,
        "ready-answers": _answers,
    }
    preview = record(Preview, readers)(at)
    if bool(preview.command) == bool(preview.url):
        raise at.error("needs exactly one of `command` and `url`")
    if preview.build and preview.url:
        raise at.error("`build` needs `command`: a deployment at `url` is not built here", "remove `build`")
    return preview
