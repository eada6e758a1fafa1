"""Loads the policy file."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import TYPE_CHECKING

from ghmlops.core.errors import PolicyError
from ghmlops.core.policyfile.document import read_policy

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.document import Policy

MAX_POLICY_BYTES = 1 << 20
REVIEWED_EVENTS = ("push", "schedule", "workflow_dispatch", "workflow_run", "repository_dispatch", "deployment")
"""Events of commits whose policy is part of the branch: it judges alone, and the gate decides whether it may."""


def load_policy(path: Path, name: str) -> Policy:
    """Read the policy file at `path`, called `name` in messages.

    Raises:
        PolicyError: The file is missing, unreadable or invalid.
    """
    if not name:
        raise PolicyError("the name of the policy file is empty", hint="name the policy file with --policy")
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_POLICY_BYTES).decode()
    except FileNotFoundError:
        raise PolicyError(f"{name}: no such file", hint=_missing_hint(path, name)) from None
    except OSError as error:
        raise PolicyError(f"{name}: {error.strerror}", hint="name the policy file with --policy") from None
    except UnicodeDecodeError as error:
        raise PolicyError(f"{name}: not UTF-8 at byte {error.start}", hint="save the file as UTF-8 text") from None
    return read_policy(content, name)


def _missing_hint(path: Path, name: str) -> str:
    """Return how to get a policy: the one with the other ending, that of a parent folder, or a new one.

    A policy of a parent folder is named and not used, because its paths are relative to the folder of the command.
    """
    for ending, other in ((".yml", ".yaml"), (".yaml", ".yml")):
        if path.suffix == ending and path.with_suffix(other).is_file():
            similar = name.removesuffix(ending) + other
            return f"{similar} exists: rename it to {name}, or pass --policy {similar}"
    folder = path.parent
    for _ in PurePath(name).parent.parts:
        folder = folder.parent
    for steps, parent in enumerate(folder.parents, start=1):
        if (folder / ".git").exists() or PurePath(name).is_absolute():
            break
        if (parent / name).is_file():
            up = "/".join([".."] * steps)
            return f"{up}/{name} exists: run the command in {up}, or pass --policy {up}/{name}"
        folder = parent
    return "`ghmlops init` writes a policy for this repository"


def history_policies(commit: str, name: str, services: Services) -> dict[str, Policy | None]:
    """Return the policy of a commit by its fingerprint, if the commit is part of the history that is checked out.

    The checkout is that of the trusted branch, so that a policy from its history was reviewed as well.

    Args:
        commit: full SHA; may be empty.
        name: path of the policy file.
        services: services of the command.

    Returns:
        At most one entry; `None` in place of a policy that this release cannot read.
    """
    from ghmlops.measure import checkout

    if not commit or not checkout.is_ancestor_of_head(services.cwd, commit):
        return {}
    path = os.path.relpath(services.cwd / name, services.cwd)
    content = checkout.content_at(services.cwd, commit, path)
    if content is None:
        return {}
    return {checkout.fingerprint_of(content): parse_policy(content, f"{name} of {commit[:12]}")}


def base_policy(name: str, services: Services) -> Policy | None:
    """Return the policy of the commit that a change is compared with, which the change cannot weaken.

    Args:
        name: path of the policy file, as the user named it.
        services: services of the command.

    Returns:
        `None` if the commit is unknown or not in the checkout, if it has no policy or one that this release cannot
        read, and for a commit of a branch, whose own policy was reviewed.
    """
    from ghmlops.measure.checkout import content_at

    context = services.context
    if not context.base_sha or context.event_name in REVIEWED_EVENTS:
        return None
    content = content_at(services.cwd, context.base_sha, os.path.relpath(services.cwd / name, services.cwd))
    return None if content is None else parse_policy(content, f"{name} of {context.base_sha[:12]}")


def parse_policy(content: str, name: str) -> Policy | None:
    """Return the policy in a text; `None` if it is not valid."""
    try:
        return read_policy(content, name)
    except PolicyError:
        return None


def repository_file(name: str, services: Services) -> str:
    """Return the path of a file from the top folder of the checkout, as GitHub's API names it."""
    from ghmlops.measure import checkout

    top = checkout.top_folder(services.cwd) or services.cwd
    return os.path.relpath((services.cwd / name).resolve(), top.resolve())
