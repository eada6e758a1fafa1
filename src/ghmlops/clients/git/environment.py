"""The environment that git runs in: no hooks, no prompts, no settings from environment variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ALLOWED_VARIABLES = ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH")
"""The only variables of git that are passed on; GIT_DIR, GIT_CONFIG_*, GIT_TRACE* and all others are dropped."""
SETTINGS = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("commit.gpgSign", "false"),
    ("push.gpgSign", "false"),
    ("push.followTags", "false"),
    ("push.recurseSubmodules", "no"),
    ("fetch.recurseSubmodules", "false"),
    ("submodule.recurse", "false"),
    ("rerere.enabled", "false"),
    ("merge.renames", "true"),
    ("merge.directoryRenames", "conflict"),
    ("merge.renormalize", "false"),
    ("merge.default", "text"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("core.quotePath", "false"),
)
"""Configuration that overrides the user's, as pairs of key and value."""


def safe_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for git, derived from those of the command.

    The token of ghmlops is dropped too, because git runs programs that the user configured (filters, helpers).
    """
    inherited = {
        name: value
        for name, value in environ.items()
        if (not name.startswith("GIT_") or name in ALLOWED_VARIABLES) and name != "GHMLOPS_TOKEN"
    }
    return {
        **inherited,
        **config_variables(SETTINGS),
        "LC_ALL": "C",
        "LANGUAGE": "",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "SSH_ASKPASS_REQUIRE": "never",
        "GIT_PAGER": "cat",
        "GIT_EDITOR": "true",
        "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
    }


def config_variables(settings: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the variables `GIT_CONFIG_*` that pass configuration to git without arguments or files."""
    variables = {"GIT_CONFIG_COUNT": str(len(settings))}
    for index, (key, value) in enumerate(settings):
        variables[f"GIT_CONFIG_KEY_{index}"], variables[f"GIT_CONFIG_VALUE_{index}"] = key, value
    return variables


def with_settings(environ: Mapping[str, str], settings: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the variables of git with settings in addition to those that they contain."""
    count = int(environ.get("GIT_CONFIG_COUNT", "0"))
    variables = dict(environ)
    for index, (key, value) in enumerate(settings, count):
        variables[f"GIT_CONFIG_KEY_{index}"], variables[f"GIT_CONFIG_VALUE_{index}"] = key, value
    variables["GIT_CONFIG_COUNT"] = str(count + len(settings))
    return variables
