"""Reads the section `history`."""

from __future__ import annotations

import re

from ghmlops.core.policy.production.history import History, HypothesisRules, Page
from ghmlops.core.policyfile.scalars import SECONDS
from ghmlops.core.policyfile.yaml_reader import Located, listing, record, text

_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(/[!-~]*)?")
_ENVIRONMENT = re.compile(r"\S(.{0,253}\S)?")


def read_history(at: Located) -> History:
    """Read the section `history`.

    Raises:
        PolicyError: Names the file, line, key and the nearest valid one.
    """
    readers = {
        "keep": SECONDS,
        "page": record(Page, {"url": _url, "stale": SECONDS}),
        "hypothesis": record(HypothesisRules, {"required": listing(_environment)}),
    }
    history: History = record(History, readers)(at)
    return history


def _url(at: Located) -> str:
    url = text(at)
    if not _URL.fullmatch(url):
        raise at.error("expected an http or https address", "for example `https://acme.github.io/scorer/`")
    return url


def _environment(at: Located) -> str:
    name = text(at)
    if not _ENVIRONMENT.fullmatch(name):
        raise at.error(f'expected the name of an environment, got "{name[:80]}"', "for example `production`")
    return name
