"""Which hosts may be loaded: loopback, the preview's own, and those that the policy's `targets` names. Pure."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from ghmlops.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


def allowed(host: str, address: str, targets: Sequence[str], own: Sequence[str]) -> bool:
    """Tell whether `host` may be loaded.

    A name is loopback only where the numeric `address` that answered the probe is: whoever owns a name decides
    where it leads, so the connections must go to that address and not ask again.

    Args:
        host: name or address, as the user gave it.
        address: numeric, of the service that answered the probe.
        targets: of the policy: names, addresses, and `*.example.com` for all names below.
        own: hosts of the preview.
    """
    name = _plain(host)
    return _loopback(address) or any(_covers(_plain(known), name) for known in (*targets, *own))


def refusal(host: str, address: str, name: str) -> InputError:
    """Return the error that says why `host` of the input `name` is not loaded."""
    plain = _plain(host)
    where = f" ({address})" if address and address != plain else ""
    return InputError(
        f"input `{name}`: {plain}{where} is neither on this machine nor the preview's, and no target of the policy",
        hint=f"if you may load it, put this into the policy: `targets: [{_quoted(plain)}]`",
        reason_code="target-not-allowed",
    )


def is_address(text: str) -> bool:
    """Tell whether `text` is a numeric address, without brackets and port."""
    return _numeric(text) is not None


def _covers(known: str, name: str) -> bool:
    if known.startswith("*."):
        return name.endswith(known[1:]) and not _numeric(name)
    return known == name or (_numeric(known) is not None and _numeric(known) == _numeric(name))


def _plain(host: str) -> str:
    return host.strip("[]").lower().rstrip(".")


def _loopback(address: str) -> bool:
    numeric = _numeric(address)
    if isinstance(numeric, ipaddress.IPv6Address) and numeric.ipv4_mapped is not None:
        return numeric.ipv4_mapped.is_loopback
    return numeric is not None and numeric.is_loopback


def _numeric(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _quoted(host: str) -> str:
    return f'"{host}"' if ":" in host else host
