"""The hosts that may be loaded: loopback, and those of the input `allow-hosts`, which the policy can only narrow.

The policy comes with the change under test, so it cannot extend the input. Addresses that are not public (private,
link-local, metadata services) are allowed by an entry that names the address or its network, never by a name: the owner
of a name decides where it resolves to.
"""

from __future__ import annotations

import ipaddress
import re

import msgspec

from ghmlops.core.errors import InputError
from ghmlops.core.load.host_names import ascii_form

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Azure, Google Cloud, OpenStack and others
        "169.254.170.2",  # AWS, credentials of a container
        "169.254.170.23",  # AWS, identity of a pod
        "fd00:ec2::254",  # AWS over IPv6
        "fd00:ec2::23",
        "168.63.129.16",  # Azure, host agent; a public address
        "100.100.100.200",  # Alibaba Cloud
        "192.0.0.192",  # Oracle Cloud
    )
)
"""Addresses of metadata services, which issue credentials; a network in `allow-hosts` does not include them."""
_EMBEDDING = tuple(ipaddress.IPv6Network(text) for text in ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96"))
"""IPv6 networks whose last 32 bits are an IPv4 address: NAT64 (RFC 6052), IPv4-compatible and translated addresses."""
_LOOPBACK, _UNSPECIFIED = ipaddress.IPv6Address("::1"), ipaddress.IPv6Address("::")
_NAME = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*")


class HostRules(msgspec.Struct, frozen=True, kw_only=True):
    """The hosts that a command may load.

    Attributes:
        allowed: entries of the input: names, `*.example.com` for all names below a domain, addresses, networks.
        targets: names and addresses of the policy, which narrow the input; empty: they do not.
    """

    allowed: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


def read_entries(text: str, name: str = "allow-hosts") -> tuple[str, ...]:
    """Read the entries of the input `name`, separated by commas or lines.

    Raises:
        InputError: An entry is not a host, an address or a network.
    """
    entries = tuple(entry.strip().strip("[]").lower().rstrip(".") for entry in re.split(r"[,\n]", text))
    for entry in filter(None, entries):
        if spelling := ascii_form(entry):
            raise InputError(
                f"input `{name}`: a host name is not in ASCII", hint=f'write it in its ASCII form, "{spelling}"'
            )
        if _network(entry) is None and not (_NAME.fullmatch(entry) and not entry.replace(".", "").isdigit()):
            raise InputError(
                f'input `{name}`: expected hosts, addresses or networks, got "{entry[:80]}"',
                hint=f"for example --{name} scorer.example.com,*.preview.example.com,10.0.0.0/8; no scheme and no port",
            )
    return tuple(entry for entry in entries if entry)


def is_allowed(host: str, address: str, rules: HostRules) -> bool:
    """Return whether `host` may be loaded at `address`.

    A host name counts as loopback only if the numeric `address` is loopback. The owner of a name decides where it
    resolves to, so connections must use the address that was checked and not resolve the name again.

    Args:
        host: Name or address as written by the user.
        address: Numeric address to connect to; empty if the name cannot be resolved.
        rules: The hosts that may be loaded.
    """
    name, numeric = _normalize(host), _parse_address(address or host)
    if numeric is not None and numeric.is_loopback:
        return True
    if rules.targets and not any(_matches(_normalize(target), name, numeric) for target in rules.targets):
        return False
    if numeric is not None and any(_includes(entry, numeric) for entry in rules.allowed):
        return True
    if numeric is not None and not _is_public(numeric):
        return False
    return any(_matches(entry, name, None) for entry in rules.allowed)


def is_loopback(address: str) -> bool:
    """Return whether a numeric address is on this machine."""
    numeric = _parse_address(address)
    return numeric is not None and numeric.is_loopback


def refusal(host: str, address: str, input_name: str, rules: HostRules) -> InputError:
    """Return the error for a `host` that may not be loaded, with the input that would allow it.

    Args:
        host: Name or address as written by the user.
        address: Numeric address that the name resolved to; empty if unknown.
        input_name: Name of the input that contains the host.
        rules: The hosts that may be loaded.
    """
    name, numeric = _normalize(host), _parse_address(address or host)
    suffix = f" ({address})" if address and address != name else ""
    subject = f"input `{input_name}`: {name}{suffix}"
    code = "target-not-allowed"
    if is_allowed(host, address, HostRules(allowed=rules.allowed)):
        return InputError(
            f"{subject} is allowed by `allow-hosts`, but `targets` of the policy does not include it",
            hint=f"add it to the policy: `targets: [{_quote(name)}]`",
            reason_code=code,
        )
    if numeric is not None and not _is_public(numeric):
        return InputError(
            f"{subject} is a private, link-local, metadata or otherwise special address, which `allow-hosts` does not "
            "include by its number",
            hint=f"if you are authorised to load it, pass `allow-hosts: {_quote(str(numeric))}`",
            reason_code=code,
        )
    return InputError(
        f"{subject} is not on this machine, and the input `allow-hosts` does not include it",
        hint=f"if you are authorised to load it, pass `allow-hosts: {_quote(name)}`",
        reason_code=code,
    )


def is_address(text: str) -> bool:
    """Return whether `text` is a numeric address without brackets and port."""
    return _parse_address(text) is not None


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and address not in METADATA


def _includes(entry: str, address: Address) -> bool:
    """Return whether an entry is the address, or a network that contains it."""
    network = _network(entry)
    if network is None or network.version != address.version:
        return False
    single = network.num_addresses == 1
    return address in network and (single or address not in METADATA)


def _matches(pattern: str, name: str, numeric: Address | None) -> bool:
    if pattern.startswith("*."):
        return name.endswith(pattern[1:]) and not _parse_address(name)
    address = _parse_address(pattern)
    return pattern == name or (address is not None and address in (numeric, _parse_address(name)))


def _normalize(host: str) -> str:
    return host.strip("[]").lower().rstrip(".")


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(_parse_address(text) or text, strict=False)
    except ValueError:
        return None


def _parse_address(text: str) -> Address | None:
    """Return the numeric address in `text`; of an IPv6 address that embeds an IPv4 address, that one."""
    try:
        address = ipaddress.ip_address(_normalize(text).partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address) or address in (_LOOPBACK, _UNSPECIFIED):
        return address
    embedded = address.ipv4_mapped or address.sixtofour
    if embedded is None and any(address in network for network in _EMBEDDING):
        embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return embedded or address


def _quote(host: str) -> str:
    return f'"{host}"' if ":" in host else host
