"""The hosts that may be loaded: loopback, the hosts of the preview, and those listed in the policy's `targets`."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from ghmlops.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


def is_allowed(host: str, address: str, targets: Sequence[str], preview_hosts: Sequence[str]) -> bool:
    """Return whether `host` may be loaded.

    A host name counts as loopback only if the numeric `address` that answered the probe is loopback. The owner of a
    name decides where it resolves to, so connections must use that address and not resolve the name again.

    Args:
        host: Name or address as written by the user.
        address: Numeric address of the service that answered the probe.
        targets: Policy entries: names, addresses, and `*.example.com` for all names below a domain.
        preview_hosts: Hosts of the preview deployment.
    """
    name = _normalize(host)
    patterns = (*targets, *preview_hosts)
    return _is_loopback(address) or any(_matches(_normalize(pattern), name) for pattern in patterns)


def refusal(host: str, address: str, input_name: str) -> InputError:
    """Return the error for a `host` that may not be loaded, with the policy line that would allow it.

    Args:
        host: Name or address as written by the user.
        address: Numeric address of the service that answered the probe; empty if unknown.
        input_name: Name of the input that contains the host.
    """
    name = _normalize(host)
    suffix = f" ({address})" if address and address != name else ""
    return InputError(
        f"input `{input_name}`: {name}{suffix} is not on this machine, not a host of the preview, and not listed in "
        "`targets` of the policy",
        hint=f"if you are authorised to load it, add it to the policy: `targets: [{_quote(name)}]`",
        reason_code="target-not-allowed",
    )


def is_address(text: str) -> bool:
    """Return whether `text` is a numeric address without brackets and port."""
    return _parse_address(text) is not None


def _matches(pattern: str, name: str) -> bool:
    if pattern.startswith("*."):
        return name.endswith(pattern[1:]) and not _parse_address(name)
    address = _parse_address(pattern)
    return pattern == name or (address is not None and address == _parse_address(name))


def _normalize(host: str) -> str:
    return host.strip("[]").lower().rstrip(".")


def _is_loopback(address: str) -> bool:
    parsed = _parse_address(address)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped.is_loopback
    return parsed is not None and parsed.is_loopback


def _parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _quote(host: str) -> str:
    return f'"{host}"' if ":" in host else host
