"""Headers whose values come from the environment, so that no token stands in the policy. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.policy.latency import Request

_FIELD = re.compile(r"\$\$\{|\$\{([^}]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OWN = ("GITHUB_TOKEN", "GHMLOPS_TOKEN")
_PREFIXES = ("ACTIONS_", "GITHUB_", "RUNNER_", "INPUT_")
"""What belongs to the runner: a policy comes with the pull request, and must not send the job's own token anywhere."""


def fill(endpoints: Sequence[Request], environ: Mapping[str, str]) -> tuple[Request, ...]:
    """Return the endpoints with every `${NAME}` of a header's value taken from `environ`; `$${` is a plain `${`.

    Raises:
        PolicyError: a variable is unset, empty, malformed or belongs to the runner, or a value cannot stand in a
            header. The message names the header and the variable, never a value.
    """
    return tuple(
        msgspec.structs.replace(
            endpoint, headers={name: _value(name, value, environ) for name, value in endpoint.headers.items()}
        )
        for endpoint in endpoints
    )


def _value(header: str, value: str, environ: Mapping[str, str]) -> str:
    def put(found: re.Match[str]) -> str:
        if found[0] == "$${":
            return "${"
        return _variable(header, found[1] or "", environ)

    filled = _FIELD.sub(put, value)
    if not _sendable(filled):
        raise PolicyError(f"header `{header}`: its value cannot stand in a header", hint=_PLAIN)
    return filled


_PLAIN = "a value is one line of printable latin-1 text"


def _variable(header: str, name: str, environ: Mapping[str, str]) -> str:
    if not _NAME.fullmatch(name):
        raise PolicyError(
            f"header `{header}`: `${{` is not followed by the name of a variable and `}}`",
            hint="for example `Bearer ${SCORER_TOKEN}`; a plain `${` is written `$${`",
        )
    if name.upper() in _OWN or name.upper().startswith(_PREFIXES):
        raise PolicyError(
            f"header `{header}`: the variable {name} is the runner's own and is not sent to a service",
            hint="a policy comes with the pull request; give the service a token of its own, under another name",
        )
    value = environ.get(name, "")
    if not value:
        raise PolicyError(
            f"header `{header}`: the variable {name} is not set",
            hint=f"hand it to the step: `env: {{{name}: ${{{{ secrets.{name} }}}}}}`",
        )
    if not _sendable(value):
        raise PolicyError(f"header `{header}`: the value of {name} cannot stand in a header", hint=_PLAIN)
    return value


def _sendable(value: str) -> bool:
    return all(c == "\t" or " " <= c <= "~" or "\xa0" <= c <= "\xff" for c in value)
