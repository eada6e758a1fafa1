"""Artifact specifications: how a user names prediction artifacts, and their parser.

    spec      = local | workflow | cloud
    local     = a file, a folder, or a pattern of `*`, `?`, `[...]` and `**`; absolute, or from the working directory
    workflow  = "artifact:" NAME ( "@" BRANCH | "@" SHA | "#" RUN ) [ ":" PATH ]
    cloud     = ( "s3" | "gs" | "az" | "abfs" | "abfss" ) "://" BUCKET [ "/" PATH ]

- NAME ends at the first `@` or `#`, because branch names may contain both and artifact names rarely do. It contains no
  character that GitHub rejects in an artifact name and is not a single dot.
- BRANCH selects the newest successful push run of that branch; SHA (40 hexadecimal digits) that of the commit (GitHub
  rejects branches with such a name; fewer digits are a branch); RUN (a number) the run with this id.
- PATH selects files inside the artifact, as a local spec does in a folder; without it all Parquet files are read.
  A branch name cannot contain `:`.
- The container of an Azure URL may be followed by its account: `abfs://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH`.
- A local file whose name looks like another kind of spec is written with a leading `./`.

Text with several lines is a list of specs, one per line; otherwise text with commas is split at the commas. A name that
contains a comma must be an item of a YAML list, or one line of several.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

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
"""Domains that an Azure URL may name. Only they receive credentials."""
_ACCOUNT = re.compile(rf"([a-z0-9]{{3,24}})\.((?:dfs|blob)\.(?:{'|'.join(map(re.escape, AZURE_DOMAINS))}))")
_NOT_IN_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|^[./-]|[./]$|\.lock(?:/|$)|^@$")


class LocalSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Files on the local machine."""

    pattern: str

    @property
    def text(self) -> str:
        """The spec as the user wrote it."""
        return self.pattern


class WorkflowSpec(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact of a workflow run, selected by exactly one of `branch`, `run` (the id) and `sha`."""

    name: str
    branch: str = ""
    run: int = 0
    sha: str = ""
    path: str = ""
    """Pattern of files inside the artifact; if empty, all Parquet files."""

    @property
    def text(self) -> str:
        """The spec as the user wrote it."""
        selector = f"#{self.run}" if self.run else f"@{self.branch or self.sha}"
        return f"artifact:{self.name}{selector}" + (f":{self.path}" if self.path else "")


class CloudSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Objects in a store: `bucket` is a bucket of S3 or Google Cloud Storage, or a container of an Azure account."""

    scheme: str
    bucket: str
    path: str = ""
    """Key, folder or pattern; if empty, the entire bucket."""
    account: str = ""
    """Azure storage account, if the URL names one."""
    authority: str = ""
    """Host of that account without the account name: `dfs.core.windows.net`."""

    @property
    def text(self) -> str:
        """The spec as the user wrote it. It contains no password, since the parser rejects URLs with one."""
        host = f"@{self.account}.{self.authority}" if self.account else ""
        return f"{self.scheme}://{self.bucket}{host}" + (f"/{self.path}" if self.path else "")


Spec = LocalSpec | WorkflowSpec | CloudSpec


def parse_specs(specs: str | Sequence[str], source: str) -> tuple[Spec, ...]:
    """Parse a text with one or several specs, or a list with one spec per item.

    Args:
        specs: Text or list in the notation of the module's docstring.
        source: Origin of the specs for error messages, for example "input `baseline`".

    Raises:
        InputError: No spec is given, one is given twice, there are more than `MAX_SPECS`, or one is malformed.
    """
    texts = [text.strip() for text in (_split(specs) if isinstance(specs, str) else specs)]
    if not texts or not all(texts):
        raise InputError(f"{source} names no prediction artifact", hint="name a file, a folder or a pattern")
    if len(texts) > MAX_SPECS:
        raise InputError(f"{source} names {len(texts):,} artifacts, more than {MAX_SPECS:,}", hint="name their folder")
    for text in texts:
        if texts.count(text) > 1:
            raise InputError(f'{source} names "{_truncate(text)}" twice', hint="name it once")
    return tuple(parse_spec(text, source) for text in texts)


def _split(text: str) -> list[str]:
    stripped = text.strip()
    parts = stripped.splitlines() if "\n" in stripped else stripped.split(",")
    return [part for part in parts if part.strip()]


def parse_spec(text: str, source: str) -> Spec:
    """Parse one spec.

    Raises:
        InputError: The spec is malformed.
    """
    if any(not c.isprintable() for c in text) or len(text) > MAX_LENGTH:
        raise InputError(
            f"{source} contains control characters, or more than 4,096 characters",
            hint="name a file, a folder or a pattern",
        )
    if text.startswith("artifact:"):
        return _workflow(text, source)
    if match := _SCHEME.fullmatch(text):
        return _cloud(match[1], match[2], source)
    return LocalSpec(pattern=text)


def _workflow(text: str, source: str) -> WorkflowSpec:
    body = text.removeprefix("artifact:")
    at = min((i for i in (body.find("@"), body.find("#")) if i >= 0), default=-1)
    if at < 0:
        raise InputError(f'{source}: "{_truncate(text)}" does not name a run', hint=f"write {_FORMS}")
    name, kind = body[:at], body[at]
    selector, colon, path = body[at + 1 :].partition(":")
    if not _NAME.fullmatch(name) or name != name.strip() or set(name) == {"."}:
        raise InputError(f'{source}: "{_truncate(name)}" is not the name of an artifact', hint=f"write {_FORMS}")
    if colon and not _is_relative(path):
        raise InputError(
            f'{source}: "{_truncate(path)}" is not a path inside an artifact',
            hint="for example `predictions/*.parquet`",
        )
    if kind == "#":
        if not _RUN.fullmatch(selector):
            raise InputError(
                f'{source}: "{_truncate(selector)}" is not the id of a run',
                hint="it is the number in the address of the run",
            )
        return WorkflowSpec(name=name, run=int(selector), path=path)
    if _SHA.fullmatch(selector):
        return WorkflowSpec(name=name, sha=selector.lower(), path=path)
    if not selector or len(selector) > 255 or _NOT_IN_BRANCH.search(selector):
        raise InputError(f'{source}: "{_truncate(selector)}" is not a branch', hint=f"write {_FORMS}")
    return WorkflowSpec(name=name, branch=selector, path=path)


def _is_relative(path: str) -> bool:
    """True if the path is relative and does not leave its folder."""
    return "\\" not in path and all(part not in ("", ".", "..") for part in path.removesuffix("/").split("/"))


def _cloud(scheme: str, rest: str, source: str) -> CloudSpec:
    if scheme not in SCHEMES:
        options = tuple(f"{name}://" for name in SCHEMES)
        raise InputError(f"{source}: {scheme}:// cannot be read", hint=nearest(f"{scheme}://", options))
    host, _, path = rest.partition("/")
    bucket, at, server = host.partition("@")
    account = _ACCOUNT.fullmatch(server)
    # The message does not repeat the URL, which may contain a password.
    if ":" in host or (at and (scheme in ("s3", "gs") or not account)):
        raise InputError(
            f"{source}: a {scheme}:// address contains more than a bucket before its path",
            hint="credentials come from the environment; an Azure account as CONTAINER@ACCOUNT.dfs.core.windows.net",
        )
    if not _BUCKET.fullmatch(bucket):
        raise InputError(
            f'{source}: "{_truncate(bucket)}" is not the name of a bucket', hint=f"write {scheme}://BUCKET/PATH"
        )
    if path and not _is_relative(path):
        raise InputError(
            f'{source}: "{_truncate(path)}" is not a path inside a bucket', hint=f"write {scheme}://BUCKET/PATH"
        )
    name, domain = account.groups() if account else ("", "")
    return CloudSpec(scheme=scheme, bucket=bucket, path=path.removesuffix("/"), account=name, authority=domain)


def _truncate(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
