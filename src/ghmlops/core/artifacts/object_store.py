"""How an object store is reached: the arguments of its pyarrow file system, from the URL and the environment.

Read from the environment, as each store's own tools do; what is not given is left to pyarrow, which then looks in the
store's usual places (configuration files, workload identity, the machine's metadata service):

- s3: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION` or `AWS_DEFAULT_REGION`, and
  `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL` for another server that speaks S3.
- gs: `STORAGE_EMULATOR_HOST` for another server, which is asked without credentials; else those that
  `GOOGLE_APPLICATION_CREDENTIALS` names.
- az, abfs, abfss: `AZURE_STORAGE_CONNECTION_STRING` (with `BlobEndpoint` for another server), else
  `AZURE_STORAGE_ACCOUNT` with `AZURE_STORAGE_KEY` or `AZURE_STORAGE_SAS_TOKEN`. A key is used for its own account only:
  a URL that names another account is reached without it.
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

CONNECT_TIMEOUT = 10.0
"""Seconds."""
_SECRET_NAMES = re.compile(r"(?:AWS|AZURE|GOOGLE)_.*(?:KEY|SECRET|TOKEN|CONNECTION|PASSWORD).*")
_SIGNATURE = re.compile(r"((?:sig|signature|token|credential)=)[^&\s\"']+", re.IGNORECASE)
_LONGEST = 300


def s3(environ: Mapping[str, str]) -> dict[str, object]:
    """Return the arguments of `S3FileSystem`; without `region` where the bucket has to be asked for it.

    Raises:
        InputError: the endpoint is no http or https address.
    """
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    found: dict[str, object] = {"connect_timeout": CONNECT_TIMEOUT}
    for variable in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        if environ.get(variable):
            scheme, host = _server(variable, environ[variable])
            found |= {"scheme": scheme, "endpoint_override": host}
            region = region or "us-east-1"  # which servers other than Amazon's take
            break
    if environ.get("AWS_ACCESS_KEY_ID") and environ.get("AWS_SECRET_ACCESS_KEY"):
        found |= {"access_key": environ["AWS_ACCESS_KEY_ID"], "secret_key": environ["AWS_SECRET_ACCESS_KEY"]}
        found |= {"session_token": environ["AWS_SESSION_TOKEN"]} if environ.get("AWS_SESSION_TOKEN") else {}
    return found | ({"region": region} if region else {})


def gcs(environ: Mapping[str, str]) -> dict[str, object]:
    """Return the arguments of `GcsFileSystem`.

    Raises:
        InputError: the emulator's host is no address.
    """
    given = environ.get("STORAGE_EMULATOR_HOST", "")
    if not given:
        return {}
    scheme, host = _server("STORAGE_EMULATOR_HOST", given if "://" in given else f"http://{given}")
    return {"scheme": scheme, "endpoint_override": host, "anonymous": True}


def azure(spec: CloudSpec, environ: Mapping[str, str]) -> dict[str, object]:
    """Return the arguments of `AzureFileSystem`.

    Raises:
        InputError: no account is known, or the connection string is malformed.
    """
    held = _connection(environ)
    account = spec.account or held.get("AccountName", "")
    if not account:
        raise InputError(
            f"{spec.text}: the storage account is not known",
            hint="set AZURE_STORAGE_ACCOUNT, or write abfs://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH",
        )
    found: dict[str, object] = {"account_name": account}
    if account != held.get("AccountName"):
        return found | _domain(spec.authority.partition(".")[2])
    if key := held.get("AccountKey"):
        found["account_key"] = key
    elif token := held.get("SharedAccessSignature"):
        found["sas_token"] = token
    if spec.authority or not held.get("BlobEndpoint"):
        return found | _domain(spec.authority.partition(".")[2] or held.get("EndpointSuffix", ""))
    scheme, host = _server("AZURE_STORAGE_CONNECTION_STRING", held["BlobEndpoint"])
    host = host.removesuffix("/").removesuffix(f"/{account}")
    return found | {
        f"{part}_storage_{what}": value
        for part in ("blob", "dfs")
        for what, value in (("scheme", scheme), ("authority", host))
    }


def clean(text: str, environ: Mapping[str, str]) -> str:
    """Return the first line of a store's words, cut, without secrets of the environment and signatures."""
    line = text.strip().partition("\n")[0]
    for name, value in environ.items():
        if _SECRET_NAMES.fullmatch(name) and len(value) >= MIN_SECRET_LENGTH:
            line = line.replace(value, "***")
    return _SIGNATURE.sub(r"\1***", line)[:_LONGEST]


def _connection(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what a connection string would hold, whether there is one or its parts are given apart."""
    given = environ.get("AZURE_STORAGE_CONNECTION_STRING", "")
    if not given:
        apart = {
            "AccountName": "AZURE_STORAGE_ACCOUNT",
            "AccountKey": "AZURE_STORAGE_KEY",
            "SharedAccessSignature": "AZURE_STORAGE_SAS_TOKEN",
        }
        return {part: environ[name] for part, name in apart.items() if environ.get(name)}
    pairs = [part.partition("=") for part in given.split(";") if part]
    if not all(name and equals for name, equals, _ in pairs):  # not repeated: it holds a key
        raise InputError(
            "AZURE_STORAGE_CONNECTION_STRING is not a list of NAME=VALUE;",
            hint="copy it from the account's access keys",
        )
    return {name: value for name, _, value in pairs}


def _domain(domain: str) -> dict[str, object]:
    """Return the arguments for another domain than pyarrow's own."""
    if domain in ("", "core.windows.net"):
        return {}
    return {"blob_storage_authority": f".blob.{domain}", "dfs_storage_authority": f".dfs.{domain}"}


def _server(variable: str, address: str) -> tuple[str, str]:
    """Return scheme and the rest of an address, without a slash at the end."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query:
        raise InputError(  # not repeated: it may hold a password
            f"{variable} is not an http or https address without user and query",
            hint="for example http://localhost:9000",
        )
    return parts.scheme, (parts.netloc + parts.path).removesuffix("/")
