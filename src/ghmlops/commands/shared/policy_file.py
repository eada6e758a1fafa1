"""Loads the policy file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import PolicyError
from ghmlops.core.policyfile.document import read_policy

if TYPE_CHECKING:
    from pathlib import Path

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
