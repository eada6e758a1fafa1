"""A double of actions/cache: a folder with one archive per reference and key.

It has the behaviour that the suite relies on: a run saves for its own reference only, and restores what its reference
saved before what the base and default branch saved, each by the exact key before one that starts with it.
"""

from __future__ import annotations

import json
import os
import sys
import tarfile
import urllib.request
from pathlib import Path
from urllib.parse import quote

STORE = Path(os.environ["E2E_CACHES"])
KEY, FOLDER = os.environ["IN_KEY"], Path(os.environ["IN_PATH"])


def save() -> None:
    """Store the folder under the key, unless this reference has it already."""
    reference = os.environ["GITHUB_REF"]
    target = STORE / quote(reference, safe="") / KEY
    if target.exists():
        print(f"Failed to save: another job may have created this cache: {KEY}")
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, "w") as archive:
        archive.add(FOLDER, arcname=".")
    row = {"caches": [{"key": KEY, "ref": reference}]}
    request = urllib.request.Request(f"{os.environ['E2E_API']}/_seed", json.dumps(row).encode())  # noqa: S310
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310  (the tests' own server)
    print(f"Cache saved for {reference} with key: {KEY}")


def restore() -> None:
    """Unpack the archive of this key; a miss is no error."""
    base = os.environ.get("GITHUB_BASE_REF", "")
    for reference in dict.fromkeys((os.environ["GITHUB_REF"], f"refs/heads/{base}", "refs/heads/main")):
        stored = sorted((STORE / quote(reference, safe="")).glob("*"), key=lambda path: path.name != KEY)
        for archive in stored:
            if archive.name.startswith(KEY):
                with tarfile.open(archive) as content:
                    content.extractall(FOLDER, filter="fully_trusted")  # noqa: S202  (written by the double)
                print(f"Cache restored from {reference} with key: {archive.name}")
                return
    print(f"Cache not found for key: {KEY}")


if __name__ == "__main__":
    {"save": save, "restore": restore}[sys.argv[1]]()
