"""Header values from environment variables, so that the policy does not contain secrets."""

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
# The policy comes with the pull request, so it must not be able to send the job's credentials to a host of its choice.
_RESERVED_NAMES = ("GITHUB_TOKEN", "GHMLOPS_TOKEN")
_RESERVED_PREFIXES = ("ACTIONS_", "GITHUB_", "RUNNER_", "INPUT_")
_VALUE_HINT = "a header value is one line of printable latin-1 text"


def fill(endpoints: Sequence[Request], environ: Mapping[str, str]) -> tuple[Request, ...]:
    """Return the endpoints with each `${NAME}` in a header value replaced from `environ`; `$${` is a literal `${`.

    Raises:
        PolicyError: A variable is unset, empty, malformed or reserved by the runner, or a value cannot be sent in a
            header. The message names the header and the variable, never the value.
    """
    return tuple(
        msgspec.structs.replace(
            endpoint, headers={name: _fill_value(name, value, environ) for name, value in endpoint.headers.items()}
        )
        for endpoint in endpoints
    )


def _fill_value(header: str, value: str, environ: Mapping[str, str]) -> str:
    def substitute(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        return _read_variable(header, match[1] or "", environ)

    result = _FIELD.sub(substitute, value)
    if not _is_sendable(result):
        raise PolicyError(f"header `{header}`: its value cannot be sent in a header", hint=_VALUE_HINT)
    return result


def _read_variable(header: str, name: str, environ: Mapping[str, str]) -> str:
    if not _NAME.fullmatch(name):
        raise PolicyError(
            f"header `{header}`: `${{` is not followed by the name of a variable and `}}`",
            hint="for example `Bearer ${SCORER_TOKEN}`; write `$${` for a literal `${`",
        )
    if name.upper() in _RESERVED_NAMES or name.upper().startswith(_RESERVED_PREFIXES):
        raise PolicyError(
            f"header `{header}`: the variable {name} belongs to the runner and is not sent to a service",
            hint="the policy comes with the pull request; give the service a separate token under another name",
        )
    value = environ.get(name, "")
    if not value:
        raise PolicyError(
            f"header `{header}`: the variable {name} is not set",
            hint=f"pass it to the step: `env: {{{name}: ${{{{ secrets.{name} }}}}}}`",
        )
    if not _is_sendable(value):
        raise PolicyError(f"header `{header}`: the value of {name} cannot be sent in a header", hint=_VALUE_HINT)
    return value


def _is_sendable(value: str) -> bool:
    return all(c == "\t" or " " <= c <= "~" or "\xa0" <= c <= "\xff" for c in value)
