"""Reads the section `preview`."""

from __future__ import annotations

from urllib.parse import urlsplit

from ghmlops.core import quantities
from ghmlops.core.policy.preview import Preview
from ghmlops.core.policyfile.scalars import path
from ghmlops.core.policyfile.yaml_reader import Located, record, scalar, text


def _url(at: Located) -> str:
    value = text(at)
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:  # the message does not repeat the value, which may contain a password
        raise at.error("expected an http or https address", "for example `http://127.0.0.1:8000`")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise at.error("an address has no user name, query or fragment", "remove it; everybody can read the policy")
    return value.rstrip("/")


def _command(at: Located) -> str:
    value = text(at)
    if "{port}" not in value:
        raise at.error("the command has no `{port}`", "ghmlops chooses the port of the service: add `--port {port}`")
    return value


def read_preview(at: Located) -> Preview:
    """Read the section `preview`.

    Raises:
        PolicyError: It does not have exactly one of `command` and `url`, or a value is malformed.
    """
    readers = {
        "command": _command,
        "url": _url,
        "baseline-url": _url,
        "ready": path,
        "timeout": scalar(quantities.duration),
    }
    preview = record(Preview, readers)(at)
    if bool(preview.command) == bool(preview.url):
        raise at.error("needs exactly one of `command` and `url`")
    return preview
