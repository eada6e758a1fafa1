"""What a user names as a prediction artifact, as values.

    spec      = local | workflow | cloud
    local     = a file, a folder, or a pattern of `*`, `?`, `[...]` and `**`; absolute, or from the working directory
    workflow  = "artifact:" NAME ( "@" BRANCH | "@" SHA | "#" RUN ) [ ":" PATH ]
    cloud     = ( "s3" | "gs" | "az" | "abfs" | "abfss" ) "://" BUCKET [ "/" PATH ]

- NAME ends at the first `@` or `#`, because branches may hold both and artifacts rarely do. It holds none of the
  characters that GitHub refuses in a name, nor a dot alone.
- BRANCH means the newest successful push run of that branch; SHA, 40 hexadecimal digits, that of that commit (GitHub
  refuses branches of such a name; fewer digits are a branch); RUN, a number, is that very run.
- PATH chooses files inside the artifact, as a local spec does in a folder; without it every Parquet file in it counts.
  Branches hold no `:`, so it is never part of one.
- The container of an Azure URL may be followed by its account: `abfs://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH`.
- A local file whose name looks like another kind of spec is named with `./` before it.

A text of several lines is a list of lines; else one that holds commas is a list of what stands between them. A name
with a comma is therefore an item of a YAML list, or a line of two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.core.errors import InputError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_SPECS = 1000
MAX_LENGTH = 4096
SCHEMES = ("s3", "gs", "az", "abfs", "abfss")
_FORMS = "`artifact:NAME@BRANCH`, `artifact:NAME#RUN` or `artifact:NAME@SHA`"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_NAME = re.compile(r'[^":<>|*?\r\n\\/]{1,255}')
_SHA = re.compile(r"[0-9a-fA-F]{40}")
_RUN = re.compile(r"[1-9][0-9]{0,18}")
_BUCKET = re.compile(r"[A-Za-z0-9$][A-Za-z0-9._-]{0,221}")
AZURE_DOMAINS = (
    "core.windows.net",
    "core.usgovcloudapi.net",
    "core.chinacloudapi.cn",
    "core.cloudapi.de",
    "fabric.microsoft.com",
)
"""Hosts that an Azure URL may name: they are sent credentials."""
_ACCOUNT = re.compile(rf"([a-z0-9]{{3,24}})\.((?:dfs|blob)\.(?:{'|'.join(map(re.escape, AZURE_DOMAINS))}))")
_NOT_IN_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|^[./-]|[./]$|\.lock(?:/|$)|^@$")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSpec:
    """Files on this machine."""

    pattern: str

    @property
    def text(self) -> str:
        """The spec as the user wrote it."""
        return self.pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowSpec:
    """An artifact of a workflow run; exactly one of `branch`, `run` (its id) and `sha` is given."""

    name: str
    branch: str = ""
    run: int = 0
    sha: str = ""
    path: str = ""
    """Pattern inside the artifact; empty for every Parquet file in it."""

    @property
    def text(self) -> str:
        """The spec as the user wrote it."""
        chosen = f"#{self.run}" if self.run else f"@{self.branch or self.sha}"
        return f"artifact:{self.name}{chosen}" + (f":{self.path}" if self.path else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudSpec:
    """Objects of a store: `bucket` is what S3 and Google call so, and the container of an Azure account."""

    scheme: str
    bucket: str
    path: str = ""
    """Key, folder or pattern; empty for the whole bucket."""
    account: str = ""
    """Azure's storage account, where the URL names one."""
    authority: str = ""
    """Host of that account, without its name: `dfs.core.windows.net`."""

    @property
    def text(self) -> str:
        """The spec as the user wrote it; a URL that holds a password is refused, so this holds none."""
        host = f"@{self.account}.{self.authority}" if self.account else ""
        return f"{self.scheme}://{self.bucket}{host}" + (f"/{self.path}" if self.path else "")


Spec = LocalSpec | WorkflowSpec | CloudSpec


def parse_specs(given: str | Sequence[str], where: str) -> tuple[Spec, ...]:
    """Parse one text, or a list of which each item is one spec.

    Args:
        given: as in the module's docstring.
        where: what messages call it: "input `baseline`".

    Raises:
        InputError: nothing is named, one is named twice, there are more than `MAX_SPECS`, or one is malformed.
    """
    texts = [text.strip() for text in (_split(given) if isinstance(given, str) else given)]
    if not texts or not all(texts):
        raise InputError(f"{where} names no prediction artifact", hint="name a file, a folder or a pattern")
    if len(texts) > MAX_SPECS:
        raise InputError(f"{where} names {len(texts):,} artifacts, more than {MAX_SPECS:,}", hint="name their folder")
    for text in texts:
        if texts.count(text) > 1:
            raise InputError(f'{where} names "{_cut(text)}" twice', hint="name it once")
    return tuple(parse_spec(text, where) for text in texts)


def _split(text: str) -> list[str]:
    stripped = text.strip()
    parts = stripped.splitlines() if "\n" in stripped else stripped.split(",")
    return [part for part in parts if part.strip()]


def parse_spec(text: str, where: str) -> Spec:
    """Parse one spec.

    Raises:
        InputError: it is malformed.
    """
    if any(not c.isprintable() for c in text) or len(text) > MAX_LENGTH:
        raise InputError(
            f"{where} holds control characters, or more than 4,096 characters",
            hint="name a file, a folder or a pattern",
        )
    if text.startswith("artifact:"):
        return _workflow(text, where)
    if found := _SCHEME.fullmatch(text):
        return _cloud(found[1], found[2], where)
    return LocalSpec(pattern=text)


def _workflow(text: str, where: str) -> WorkflowSpec:
    body = text.removeprefix("artifact:")
    at = min((i for i in (body.find("@"), body.find("#")) if i >= 0), default=-1)
    if at < 0:
        raise InputError(f'{where}: "{_cut(text)}" does not say of which run', hint=f"write {_FORMS}")
    name, kind = body[:at], body[at]
    chosen, colon, path = body[at + 1 :].partition(":")
    if not _NAME.fullmatch(name) or name != name.strip() or set(name) == {"."}:
        raise InputError(f'{where}: "{_cut(name)}" is no name of an artifact', hint=f"write {_FORMS}")
    if colon and not _inside(path):
        raise InputError(
            f'{where}: "{_cut(path)}" is no path inside an artifact', hint="for example `predictions/*.parquet`"
        )
    if kind == "#":
        if not _RUN.fullmatch(chosen):
            raise InputError(f'{where}: "{_cut(chosen)}" is no id of a run', hint="the number in the run's address")
        return WorkflowSpec(name=name, run=int(chosen), path=path)
    if _SHA.fullmatch(chosen):
        return WorkflowSpec(name=name, sha=chosen.lower(), path=path)
    if not chosen or len(chosen) > 255 or _NOT_IN_BRANCH.search(chosen):
        raise InputError(f'{where}: "{_cut(chosen)}" is no branch', hint=f"write {_FORMS}")
    return WorkflowSpec(name=name, branch=chosen, path=path)


def _inside(path: str) -> bool:
    """True for a relative path that leads nowhere but down."""
    return "\\" not in path and all(part not in ("", ".", "..") for part in path.removesuffix("/").split("/"))


def _cloud(scheme: str, rest: str, where: str) -> CloudSpec:
    if scheme not in SCHEMES:
        known = tuple(f"{name}://" for name in SCHEMES)
        raise InputError(f"{where}: {scheme}:// cannot be read", hint=nearest(f"{scheme}://", known))
    host, _, path = rest.partition("/")
    bucket, at, server = host.partition("@")
    account = _ACCOUNT.fullmatch(server)
    if ":" in host or (at and (scheme in ("s3", "gs") or not account)):  # not repeated: it may hold a password
        raise InputError(
            f"{where}: a {scheme}:// address holds more than a bucket before its path",
            hint="credentials come from the environment; an Azure account as CONTAINER@ACCOUNT.dfs.core.windows.net",
        )
    if not _BUCKET.fullmatch(bucket):
        raise InputError(f'{where}: "{_cut(bucket)}" is no name of a bucket', hint=f"write {scheme}://BUCKET/PATH")
    if path and not _inside(path):
        raise InputError(f'{where}: "{_cut(path)}" is no path inside a bucket', hint=f"write {scheme}://BUCKET/PATH")
    held = account.groups() if account else ("", "")
    return CloudSpec(scheme=scheme, bucket=bucket, path=path.removesuffix("/"), account=held[0], authority=held[1])


def _cut(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
