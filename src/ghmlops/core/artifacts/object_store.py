"""Derives the arguments of the pyarrow file system of an object store from the URL and the environment.

The variables are those of each store's official tools. If one is absent, pyarrow looks in the usual places of the store
(configuration files, workload identity, the metadata service of the machine):

- s3: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION` or `AWS_DEFAULT_REGION`, and
  `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL` for another server with the S3 protocol.
- gs: `STORAGE_EMULATOR_HOST` for another server, used anonymously; otherwise the credentials that
  `GOOGLE_APPLICATION_CREDENTIALS` names.
- az, abfs, abfss: `AZURE_STORAGE_CONNECTION_STRING` (with `BlobEndpoint` for another server), otherwise
  `AZURE_STORAGE_ACCOUNT` with `AZURE_STORAGE_KEY` or `AZURE_STORAGE_SAS_TOKEN`. The key is used only for its account: a
  URL that names another account is accessed without it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ghmlops.core.errors import InputError
from ghmlops.core.text.redaction import MIN_SECRET_LENGTH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.artifacts.spec import CloudSpec

MISSING_OBJECT = "object-missing"
"""Reason code of an object that does not exist; every other failure may be one of the network or of the rights."""
CONNECT_TIMEOUT = 10.0
"""Time limit of a connection attempt in seconds."""
_SECRET_NAMES = re.compile(r"(?:AWS|AZURE|GOOGLE)_.*(?:KEY|SECRET|TOKEN|CONNECTION|PASSWORD).*")
_SIGNATURE = re.compile(r"((?:sig|signature|token|credential)=)[^&\s\"']+", re.IGNORECASE)
_MAX_MESSAGE = 300
"""Characters of a store's message that are reported."""


def s3(environ: Mapping[str, str]) -> dict[str, object]:
    """Return the arguments of `S3FileSystem`; without `region` if it must be read from the bucket.

    Raises:
        InputError: The endpoint is not an http or https address.
    """
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    arguments: dict[str, object] = {"connect_timeout": CONNECT_TIMEOUT}
    for variable in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        if environ.get(variable):
            scheme, host = _server(variable, environ[variable])
            arguments |= {"scheme": scheme, "endpoint_override": host}
            region = region or "us-east-1"  # the default region of S3-compatible servers
            break
    if environ.get("AWS_ACCESS_KEY_ID") and environ.get("AWS_SECRET_ACCESS_KEY"):
        arguments |= {"access_key": environ["AWS_ACCESS_KEY_ID"], "secret_key": environ["AWS_SECRET_ACCESS_KEY"]}
        arguments |= {"session_token": environ["AWS_SESSION_TOKEN"]} if environ.get("AWS_SESSION_TOKEN") else {}
    return arguments | ({"region": region} if region else {})


def gcs(environ: Mapping[str, str]) -> dict[str, object]:
    """Return the arguments of `GcsFileSystem`.

    Raises:
        InputError: The host of the emulator is not an address.
    """
    emulator = environ.get("STORAGE_EMULATOR_HOST", "")
    if not emulator:
        return {}
    scheme, host = _server("STORAGE_EMULATOR_HOST", emulator if "://" in emulator else f"http://{emulator}")
    return {"scheme": scheme, "endpoint_override": host, "anonymous": True}


def azure(spec: CloudSpec, environ: Mapping[str, str]) -> dict[str, object]:
    """Return the arguments of `AzureFileSystem`.

    Raises:
        InputError: No account is named, or the connection string is malformed.
    """
    connection = _connection(environ)
    account = spec.account or connection.get("AccountName", "")
    if not account:
        raise InputError(
            f"{spec.text}: the storage account is not known",
            hint="set AZURE_STORAGE_ACCOUNT, or write abfs://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH",
        )
    arguments: dict[str, object] = {"account_name": account}
    if account != connection.get("AccountName"):
        return arguments | _domain(spec.authority.partition(".")[2])
    if key := connection.get("AccountKey"):
        arguments["account_key"] = key
    elif token := connection.get("SharedAccessSignature"):
        arguments["sas_token"] = token
    if spec.authority or not connection.get("BlobEndpoint"):
        return arguments | _domain(spec.authority.partition(".")[2] or connection.get("EndpointSuffix", ""))
    scheme, host = _server("AZURE_STORAGE_CONNECTION_STRING", connection["BlobEndpoint"])
    host = host.removesuffix("/").removesuffix(f"/{account}")
    return arguments | {
        f"{service}_storage_{name}": value
        for service in ("blob", "dfs")
        for name, value in (("scheme", scheme), ("authority", host))
    }


def clean(text: str, environ: Mapping[str, str]) -> str:
    """Return the first line of a message, truncated, with signatures and secrets of the environment redacted."""
    line = text.strip().partition("\n")[0]
    for name, value in environ.items():
        if _SECRET_NAMES.fullmatch(name) and len(value) >= MIN_SECRET_LENGTH:
            line = line.replace(value, "***")
    return _SIGNATURE.sub(r"\1***", line)[:_MAX_MESSAGE]


def _connection(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of the connection string, or the same fields from separate variables if there is none."""
    text = environ.get("AZURE_STORAGE_CONNECTION_STRING", "")
    if not text:
        variables = {
            "AccountName": "AZURE_STORAGE_ACCOUNT",
            "AccountKey": "AZURE_STORAGE_KEY",
            "SharedAccessSignature": "AZURE_STORAGE_SAS_TOKEN",
        }
        return {part: environ[name] for part, name in variables.items() if environ.get(name)}
    pairs = [part.partition("=") for part in text.split(";") if part]
    # The message does not repeat the value, which contains a key.
    if not all(name and equals for name, equals, _ in pairs):
        raise InputError(
            "AZURE_STORAGE_CONNECTION_STRING is not a list of NAME=VALUE;",
            hint="copy it from the account's access keys",
        )
    return {name: value for name, _, value in pairs}


def _domain(domain: str) -> dict[str, object]:
    """Return the arguments for a domain other than the default of pyarrow."""
    if domain in ("", "core.windows.net"):
        return {}
    return {"blob_storage_authority": f".blob.{domain}", "dfs_storage_authority": f".dfs.{domain}"}


def _server(variable: str, address: str) -> tuple[str, str]:
    """Return the scheme and the rest of an address, without a trailing slash."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query:
        raise InputError(  # the message does not repeat the value, which may contain a password
            f"{variable} is not an http or https address without user and query",
            hint="for example http://localhost:9000",
        )
    return parts.scheme, (parts.netloc + parts.path).removesuffix("/")
