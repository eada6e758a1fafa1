"""Loads the policy file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ghmlops.core.errors import PolicyError
from ghmlops.core.policyfile.document import read_policy

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.document import Policy

MAX_POLICY_BYTES = 1 << 20


def load_policy(path: Path, name: str) -> Policy:
    """Read the policy file at `path`, called `name` in messages.

    Raises:
        PolicyError: The file is missing, unreadable or invalid.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_POLICY_BYTES).decode()
    except FileNotFoundError:
        raise PolicyError(f"{name}: no such file", hint="`ghmlops policy init` writes a starter policy") from None
    except OSError as error:
        raise PolicyError(f"{name}: {error.strerror}", hint="name the policy file with --policy") from None
    except UnicodeDecodeError as error:
        raise PolicyError(f"{name}: not UTF-8 at byte {error.start}", hint="save the file as UTF-8 text") from None
    return read_policy(content, name)


def policy_fingerprints(commit: str, name: str, services: Services) -> frozenset[str]:
    """Return the fingerprint of a commit's policy, if the commit is part of the history that is checked out.

    The checkout is that of the trusted branch, so that a policy from its history was reviewed as well.

    Args:
        commit: full SHA; may be empty.
        name: path of the policy file.
        services: services of the command.
    """
    from ghmlops.measure import checkout

    if not commit or not checkout.is_ancestor_of_head(services.cwd, commit):
        return frozenset()
    path = os.path.relpath(services.cwd / name, services.cwd)
    fingerprint = checkout.fingerprint_at(services.cwd, commit, path)
    return frozenset({fingerprint}) if fingerprint else frozenset()
