"""Header values from environment variables, so that the policy does not contain secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import InputError, PolicyError
from ghmlops.core.text.secret_variables import is_withheld

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ghmlops.core.policy.latency import Request

_FIELD = re.compile(r"\$\$\{|\$\{([^}]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RUNNER_PREFIXES = ("ACTIONS_", "GITHUB_", "RUNNER_", "INPUT_")
_RENAME_HINT = "the policy comes with the pull request; give the service a separate token under another name"
_VALUE_HINT = "a header value is one line of printable latin-1 text"


def read_names(text: str) -> frozenset[str]:
    """Read the input `allow-env`: names of variables, separated by commas or lines.

    Raises:
        InputError: An entry is not the name of a variable, or a credential of the job.
    """
    names = frozenset(name.strip() for name in re.split(r"[,\n]", text) if name.strip())
    for name in sorted(names):
        if not _NAME.fullmatch(name):
            raise InputError(
                f'input `allow-env`: "{name[:80]}" is not the name of a variable', hint="--allow-env SCORER_TOKEN"
            )
        if _is_reserved(name):
            raise InputError(f"input `allow-env`: the variable {name} is never sent to a service", hint=_RENAME_HINT)
    return names


def has_variables(endpoints: Sequence[Request]) -> bool:
    """Return whether a header contains the value of a variable."""
    values = (value for endpoint in endpoints for value in endpoint.headers.values())
    return any(match[0] != "$${" for value in values for match in _FIELD.finditer(value))


def fill_headers(
    values: Mapping[str, str], environ: Mapping[str, str], allowed: Collection[str] = ()
) -> dict[str, str]:
    """Return headers with each `${NAME}` in a value replaced from `environ`, as `fill` does for endpoints.

    Raises:
        PolicyError: As `fill`.
    """
    variables = {name: environ.get(name, "") for name in allowed}
    return {name: _fill_value(name, value, variables) for name, value in values.items()}


def fill(
    endpoints: Sequence[Request], environ: Mapping[str, str], allowed: Collection[str] = ()
) -> tuple[Request, ...]:
    """Return the endpoints with each `${NAME}` in a header value replaced from `environ`; `$${` is a literal `${`.

    The policy comes with the pull request, so it must not be able to send a variable of the job to a host: the input
    `allow-env` names the variables that may be sent.

    Args:
        endpoints: endpoints of the policy.
        environ: the variables of the job.
        allowed: names of the variables that may be sent.

    Raises:
        PolicyError: A variable is not allowed, unset, empty, malformed or a credential of the job, or a value cannot be
            sent in a header. The message names the header and the variable, never the value.
    """
    return tuple(
        msgspec.structs.replace(endpoint, headers=fill_headers(endpoint.headers, environ, allowed))
        for endpoint in endpoints
    )


def _fill_value(header: str, value: str, variables: Mapping[str, str]) -> str:
    def substitute(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        return _read_variable(header, match[1] or "", variables)

    result = _FIELD.sub(substitute, value)
    if not _is_sendable(result):
        raise PolicyError(f"header `{header}`: its value cannot be sent in a header", hint=_VALUE_HINT)
    return result


def _read_variable(header: str, name: str, variables: Mapping[str, str]) -> str:
    if not _NAME.fullmatch(name):
        raise PolicyError(
            f"header `{header}`: `${{` is not followed by the name of a variable and `}}`",
            hint="for example `Bearer ${SCORER_TOKEN}`; write `$${` for a literal `${`",
        )
    if _is_reserved(name):
        raise PolicyError(
            f"header `{header}`: the variable {name} belongs to the runner or the job and is never sent to a service",
            hint=_RENAME_HINT,
        )
    value = variables.get(name)
    if value is None:
        raise PolicyError(
            f"header `{header}`: the input `allow-env` does not name the variable {name}",
            hint=f"if the service may see it, pass `allow-env: {name}`; the policy alone cannot send a variable",
        )
    if not value:
        raise PolicyError(
            f"header `{header}`: the variable {name} is not set",
            hint=f"pass it to the step: `env: {{{name}: ${{{{ secrets.{name} }}}}}}`",
        )
    if not _is_sendable(value):
        raise PolicyError(f"header `{header}`: the value of {name} cannot be sent in a header", hint=_VALUE_HINT)
    return value


def _is_reserved(name: str) -> bool:
    return is_withheld(name) or name.upper().startswith(_RUNNER_PREFIXES)


def _is_sendable(value: str) -> bool:
    return all(c == "\t" or " " <= c <= "~" or "\xa0" <= c <= "\xff" for c in value)
