"""What differs between the policies and between the lock files of two commits: keys and packages, not lines of text.

Both files are read with patterns: a file that is not valid yields what can be recognised, and no error.
"""

from __future__ import annotations

import re

from ghmlops.core.evidence.document import ComparedPart

MAX_KEYS, MAX_PACKAGES = 60, 120
"""Differing keys and packages that are listed."""
MAX_CHARACTERS = 4_000_000
"""Characters of a file that are read."""
MAX_VALUE = 120
SECRET_KEYS = frozenset({"headers", "env", "environ", "environment"})
"""Keys below which values are not repeated, because they may be secrets; `(changed)` stands for them."""
_KEY = re.compile(r"^( *)(- +)?([A-Za-z0-9_.-]{1,80}):(?: +(.*))?$")
_ITEM = re.compile(r"^( *)- +(.*)$")
_TABLES = re.compile(r'^\[\[package\]\]\nname = "([^"\n]{1,200})"\nversion = "([^"\n]{1,100})"', re.MULTILINE)
_PATTERNS = {
    "uv.lock": _TABLES,
    "poetry.lock": _TABLES,
    "pdm.lock": _TABLES,
    "Pipfile.lock": re.compile(r'"([A-Za-z0-9._-]{1,200})": \{[^{}]{0,20000}?"version": "==([^"]{1,100})"'),
    "requirements.txt": re.compile(
        r"^([A-Za-z0-9][A-Za-z0-9._-]{0,199})(?:\[[^\]\n]*\])? *== *([^\s;#\\]{1,100})", re.MULTILINE
    ),
    "environment.yml": re.compile(r"^ *- *([A-Za-z0-9][A-Za-z0-9._-]{0,199})={1,2}([^=\s]{1,100})", re.MULTILINE),
}
"""Name and version of a package, by the name of the lock file."""


def policy_parts(baseline: str, candidate: str) -> list[ComparedPart]:
    """Return the keys of two policies whose values differ, by their paths such as `latency.margins.p50`."""
    first, second = _values(baseline), _values(candidate)
    names = [name for name in dict.fromkeys([*second, *first]) if first.get(name) != second.get(name)]
    return [_policy_part(name, first.get(name), second.get(name)) for name in names[:MAX_KEYS]]


def _policy_part(name: str, before: str | None, after: str | None) -> ComparedPart:
    if SECRET_KEYS & set(re.split(r"[.\[]", name)):
        before, after = ("(changed)" if value is not None else None for value in (before, after))
    return ComparedPart(kind="policy-key", name=name, baseline=_display(before), candidate=_display(after))


def _display(value: str | None) -> str:
    """Return a value that may be empty; the empty string stands for a side without the key."""
    return "" if value is None else value[:MAX_VALUE] or "(empty)"


def _values(text: str) -> dict[str, str]:
    """Return the values of the block mappings of YAML by path; items of lists have their number."""
    values: dict[str, str] = {}
    stack: list[tuple[int, str]] = []
    items: dict[str, int] = {}
    for line in text[:MAX_CHARACTERS].splitlines():
        bare = line.split(" #")[0].rstrip()
        if not bare.strip() or bare.lstrip().startswith("#"):
            continue
        indent = len(bare) - len(bare.lstrip())
        item = _ITEM.match(bare)
        while stack and stack[-1][0] >= indent + (1 if item else 0):
            stack.pop()
        parent = ".".join(name for _, name in stack)
        if item:
            items[parent] = number = items.get(parent, -1) + 1
            parent = f"{parent}[{number}]"
            bare, indent = " " * (len(bare) - len(item[2])) + item[2], len(bare) - len(item[2])
            stack.append((indent - 1, f"[{number}]"))
        match = _KEY.match(bare)
        if match is None:
            values[parent] = f"{values.get(parent, '')} {bare.strip()}".strip()
            continue
        path = f"{parent}.{match[3]}" if parent else match[3]
        if match[4]:
            values[path] = match[4].strip()
        stack.append((indent, match[3]))
    return {name.replace(".[", "["): value for name, value in values.items()}


def package_parts(file: str, baseline: str, candidate: str) -> list[ComparedPart]:
    """Return the packages whose versions differ between two lock files; empty if the format is not known.

    Args:
        file: Name of the lock file.
        baseline: Its content at the commit of the baseline.
        candidate: Its content at the commit under test.
    """
    pattern = _PATTERNS.get(file)
    if pattern is None:
        return []
    first, second = (_versions(pattern, text) for text in (baseline, candidate))
    names = sorted(name for name in {*first, *second} if first.get(name) != second.get(name))
    return [
        ComparedPart(kind="package", name=name, baseline=first.get(name, ""), candidate=second.get(name, ""))
        for name in names[:MAX_PACKAGES]
    ]


def _versions(pattern: re.Pattern[str], text: str) -> dict[str, str]:
    versions: dict[str, set[str]] = {}
    for name, version in pattern.findall(text[:MAX_CHARACTERS].replace("\r\n", "\n")):
        versions.setdefault(name, set()).add(version)
    return {name: ", ".join(sorted(several))[:MAX_VALUE] for name, several in versions.items()}
