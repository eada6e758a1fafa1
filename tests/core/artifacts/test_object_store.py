"""How object stores are reached."""

from __future__ import annotations

import pytest

from ghmlops.core.artifacts import object_store as cloud_settings
from ghmlops.core.artifacts.spec import CloudSpec
from ghmlops.core.errors import InputError

KEYS = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "hunter22"}
CREDENTIALS = {"access_key": "AKIA", "secret_key": "hunter22"}
WAIT = {"connect_timeout": 10.0}
S3 = [
    ({}, {}),
    ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "x"}, {"region": "eu-west-1"}),
    ({"AWS_DEFAULT_REGION": "eu-west-2", **KEYS}, {"region": "eu-west-2", **CREDENTIALS}),
    ({**KEYS, "AWS_SESSION_TOKEN": "tok"}, {**CREDENTIALS, "session_token": "tok"}),
    ({"AWS_ACCESS_KEY_ID": "AKIA"}, {}),
    (
        {"AWS_ENDPOINT_URL": "http://localhost:9000/"},
        {"scheme": "http", "endpoint_override": "localhost:9000", "region": "us-east-1"},
    ),
    (
        {"AWS_ENDPOINT_URL_S3": "https://s3.example/base", "AWS_ENDPOINT_URL": "http://x", "AWS_REGION": "eu"},
        {"scheme": "https", "endpoint_override": "s3.example/base", "region": "eu"},
    ),
]


@pytest.mark.parametrize(("environ", "expected"), S3)
def test_s3(environ: dict[str, str], expected: dict[str, object]) -> None:
    """Keys are used in pairs; the endpoint of the service and the configured region take precedence."""
    assert cloud_settings.s3(environ) == {**WAIT, **expected}


GCS = [
    ({}, {}),
    ({"GOOGLE_APPLICATION_CREDENTIALS": "/key.json"}, {}),
    ({"STORAGE_EMULATOR_HOST": "localhost:9023"}, ("http", "localhost:9023")),
    ({"STORAGE_EMULATOR_HOST": "https://host/"}, ("https", "host")),
]


@pytest.mark.parametrize(("environ", "expected"), GCS)
def test_gcs(environ: dict[str, str], expected: object) -> None:
    """Google's client finds credentials by itself; an emulator is asked without any."""
    arguments = cloud_settings.gcs(environ)
    assert (arguments and (arguments["scheme"], arguments["endpoint_override"])) == expected
    assert arguments.get("anonymous", False) is bool(arguments)


PLAIN = CloudSpec(scheme="az", bucket="c", path="p")
NAMED = CloudSpec(scheme="abfs", bucket="c", account="acct2", authority="dfs.core.windows.net")
SOVEREIGN = CloudSpec(scheme="abfs", bucket="c", account="acct1", authority="dfs.core.usgovcloudapi.net")
AUTHORITIES = {
    "blob_storage_authority": ".blob.core.usgovcloudapi.net",
    "dfs_storage_authority": ".dfs.core.usgovcloudapi.net",
}
EMULATED = {f"{part}_storage_scheme": "http" for part in ("blob", "dfs")} | {
    f"{part}_storage_authority": "127.0.0.1:10000" for part in ("blob", "dfs")
}
OWN = {"AZURE_STORAGE_ACCOUNT": "acct1", "AZURE_STORAGE_KEY": "a2V5"}
STRING = "DefaultEndpointsProtocol=http;AccountName=acct1;AccountKey=a2V5==;BlobEndpoint=http://127.0.0.1:10000/acct1;"
AZURE = [
    (PLAIN, OWN, {"account_name": "acct1", "account_key": "a2V5"}),
    (PLAIN, {"AZURE_STORAGE_ACCOUNT": "acct1"}, {"account_name": "acct1"}),
    (
        PLAIN,
        {"AZURE_STORAGE_ACCOUNT": "acct1", "AZURE_STORAGE_SAS_TOKEN": "sv=1"},
        {"account_name": "acct1", "sas_token": "sv=1"},
    ),
    (NAMED, {}, {"account_name": "acct2"}),
    (NAMED, OWN, {"account_name": "acct2"}),
    (SOVEREIGN, OWN, {"account_name": "acct1", "account_key": "a2V5", **AUTHORITIES}),
    (
        PLAIN,
        {"AZURE_STORAGE_CONNECTION_STRING": STRING},
        {"account_name": "acct1", "account_key": "a2V5==", **EMULATED},
    ),
    (
        PLAIN,
        {"AZURE_STORAGE_CONNECTION_STRING": "AccountName=acct1;EndpointSuffix=core.usgovcloudapi.net"},
        {"account_name": "acct1", **AUTHORITIES},
    ),
]


@pytest.mark.parametrize(("spec", "environ", "expected"), AZURE)
def test_azure(spec: CloudSpec, environ: dict[str, str], expected: dict[str, object]) -> None:
    """The account is the URL's, else the environment's; a key goes to its own account only."""
    assert cloud_settings.azure(spec, environ) == expected


BAD = [
    ({"AWS_ENDPOINT_URL": "localhost:9000"}, "AWS_ENDPOINT_URL is not"),
    ({"AWS_ENDPOINT_URL": "http://me:hunter22@host"}, "AWS_ENDPOINT_URL is not"),
    ({"STORAGE_EMULATOR_HOST": "ftp://host"}, "STORAGE_EMULATOR_HOST is not"),
    ({"AZURE_STORAGE_CONNECTION_STRING": "hunter22"}, "AZURE_STORAGE_CONNECTION_STRING is not"),
    ({}, "the storage account is not known"),
]


@pytest.mark.parametrize(("environ", "words"), BAD)
def test_malformed_settings(environ: dict[str, str], words: str) -> None:
    """A malformed setting is named, without what it holds."""
    with pytest.raises(InputError, match=words) as caught:
        (cloud_settings.s3(environ), cloud_settings.gcs(environ), cloud_settings.azure(PLAIN, environ))
    assert "hunter22" not in caught.value.message + caught.value.hint


def test_secrets_are_kept_out_of_words() -> None:
    """Keys of the environment and signatures in addresses are hidden, and only the first line is returned."""
    words = "no hunter22hunter22 at https://h/x?sv=1&sig=abc%2B and X-Amz-Signature=123\nmore"
    environ = {"AWS_SECRET_ACCESS_KEY": "hunter22hunter22", "PATH": "https://h"}
    line = cloud_settings.clean(words, environ)
    assert line == "no *** at https://h/x?sv=1&sig=*** and X-Amz-Signature=***"
