"""Artifacts in object stores: S3 and Google Cloud Storage from local servers, Azure by its settings."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyarrow import fs  # type: ignore[import-untyped]

from ghmlops.core.artifacts.spec import CloudSpec, parse_spec
from ghmlops.core.errors import DataError, InputError
from ghmlops.measure.predictions.artifacts import object_listing
from ghmlops.measure.predictions.artifacts import object_store as cloud
from ghmlops.measure.predictions.artifacts.object_store import fetch, filesystem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.measure.predictions.artifacts.find import ArtifactFiles

LOCK = Path(__file__).parents[4] / "scripts" / "stores" / "requirements.txt"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ghmlops" / "tools"
STORES = Path(
    os.environ.get("GHMLOPS_STORES") or CACHE / f"stores-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}" / "bin"
)
SECRET = "vErYsEcReTkEy0123456789"


@contextlib.contextmanager
def run_store(program: str, *line: str) -> Iterator[str]:
    """Run a store on the loopback interface and yield its address."""
    if not (STORES / program).is_file() and os.environ.get("CI") != "true":
        pytest.skip(f"{program} is not installed: `scripts/test` installs it, in a separate environment")
    with socket.create_server(("127.0.0.1", 0)) as reservation:
        port = reservation.getsockname()[1]
    devnull = subprocess.DEVNULL
    child = subprocess.Popen([STORES / program, *line, f"--port={port}"], stdout=devnull, stderr=devnull)
    try:
        _wait(port, child)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.terminate()
        child.wait(30)


def _wait(port: int, child: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        assert child.poll() is None, "the server ended"
        with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), 5):
            return
        time.sleep(0.05)
    pytest.fail("the server did not start")


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, str]]:
    """The environment of a job with an S3 server."""
    with run_store("moto_server", "--host=127.0.0.1") as url:
        keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET}
        yield {"AWS_ENDPOINT_URL": url, **keys}


@pytest.fixture(scope="session")
def gcs() -> Iterator[dict[str, str]]:
    """The environment of a job with a server of Google's storage API."""
    with run_store("gcp-storage-emulator", "start", "--host=127.0.0.1", "--in-memory", "--default-bucket=shop") as url:
        yield {"STORAGE_EMULATOR_HOST": url}


@pytest.fixture
def bucket(s3: dict[str, str], request: pytest.FixtureRequest) -> str:
    """The name of a separate bucket for each test, with `OBJECTS`."""
    name = "b" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:20]
    for key, content in OBJECTS.items():
        put(s3, name, key, content)
    return name


def put(environ: dict[str, str], bucket: str, key: str, content: bytes) -> None:
    """Write an object with pyarrow's S3 client."""
    store = fs.S3FileSystem(
        access_key=environ["AWS_ACCESS_KEY_ID"],
        secret_key=environ["AWS_SECRET_ACCESS_KEY"],
        scheme="http",
        endpoint_override=environ["AWS_ENDPOINT_URL"].removeprefix("http://"),
        region="us-east-1",
        allow_bucket_creation=True,
    )
    if store.get_file_info(bucket).type == fs.FileType.NotFound:
        store.create_dir(bucket)
    with store.open_output_stream(f"{bucket}/{key}") as stream:
        stream.write(content)


def no_progress(_: str) -> None:
    return


def spec_of(url: str) -> CloudSpec:
    spec = parse_spec(url, "the baseline")
    assert isinstance(spec, CloudSpec)
    return spec


def get(environ: dict[str, str], url: str, into: Path) -> ArtifactFiles:
    return fetch(spec_of(url), into, environ, no_progress)


def contents(artifact: ArtifactFiles, into: Path) -> dict[str, bytes]:
    return {str(file.relative_to(into)): file.read_bytes() for file in artifact.files}


PARTS = {f"date=2026-01-0{day}/part-{part}.parquet": f"PAR1{day}{part}".encode() for day in (1, 2) for part in (0, 1)}
OBJECTS = {
    "one.parquet": b"PAR1one",
    **{f"p/{name}": content for name, content in PARTS.items()},
    "p/_SUCCESS": b"",
    "p/_temporary/0/x.parquet": b"PAR1no",
    "p/readme.md": b"hello",
    "flat/x[1].parquet": b"PAR1literal",
    "flat/x1.parquet": b"PAR1other",
    "flat/deep/er/y.parquet": b"PAR1deep",
}
"""A partitioned artifact with files that Spark adds, and other objects."""
SELECTIONS = [
    ("one.parquet", {"one.parquet": b"PAR1one"}, False),
    ("p", PARTS, True),
    ("p/", PARTS, True),
    ("p/date=*/*.parquet", PARTS, True),
    ("p/**/part-1.parquet", {k: v for k, v in PARTS.items() if "part-1" in k}, True),
    ("p/date=*2", {k: v for k, v in PARTS.items() if "-02/" in k}, True),
    ("p/date=2026-01-02", {"part-0.parquet": b"PAR120", "part-1.parquet": b"PAR121"}, False),
    ("p/readme.md", {"readme.md": b"hello"}, False),
    ("p/read*", {"readme.md": b"hello"}, False),
    ("flat/x[1].parquet", {"x[1].parquet": b"PAR1literal"}, False),
    ("flat/x?.parquet", {"x1.parquet": b"PAR1other"}, False),
    ("flat/*.parquet", {"x1.parquet": b"PAR1other", "x[1].parquet": b"PAR1literal"}, False),
    ("fl*/deep/**", {"flat/deep/er/y.parquet": b"PAR1deep"}, False),
]


def test_url_selects_the_same_files_as_a_local_path(s3: dict[str, str], bucket: str, tmp_path: Path) -> None:
    """Objects, folders, partitions and patterns select the same files as on a disk; names are literal first."""
    for number, (path, expected, hive) in enumerate(SELECTIONS):
        into = tmp_path / str(number)
        artifact = get(s3, f"s3://{bucket}/{path}", into)
        assert contents(artifact, into) == expected, path
        assert artifact.hive_root == (into if hive else None), path


def test_google_cloud_storage_selects_the_same_objects(gcs: dict[str, str], tmp_path: Path) -> None:
    """The same URLs select the same objects on Google Cloud Storage, which has no folders."""
    store = filesystem(spec_of("gs://shop"), gcs)
    for key, content in OBJECTS.items():
        with store.open_output_stream(f"shop/{key}") as stream:
            stream.write(content)
    for number, (path, expected, hive) in enumerate(SELECTIONS):
        into = tmp_path / str(number)
        artifact = get(gcs, f"gs://shop/{path}", into)
        assert contents(artifact, into) == expected, path
        assert artifact.hive_root == (into if hive else None), path
    for url in ("gs://shop/none.parquet", "gs://shop/none/*.parquet", "gs://no-such-bucket/x"):
        with pytest.raises(DataError, match="not found in the store"):
            get(gcs, url, tmp_path / "x")


MISSING = [
    ("none.parquet", "not found in the store"),
    ("none/*.parquet", "not found in the store"),
    ("flat/*.csv", "no object matches"),
    ("p/_temporary/*.txt", "no object matches"),
]


def test_missing_object_is_a_data_error(s3: dict[str, str], bucket: str, tmp_path: Path) -> None:
    """A missing object, folder or bucket is a data error, and no folder is created."""
    for path, message in MISSING:
        with pytest.raises(DataError, match=message) as caught:
            get(s3, f"s3://{bucket}/{path}", tmp_path / "x")
        assert caught.value.reason_code == "object-missing"
    with pytest.raises(DataError, match="not found in the store"):
        get(s3, "s3://no-such-bucket/x.parquet", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_folder_without_parquet_and_delta_table_are_rejected(s3: dict[str, str], bucket: str, tmp_path: Path) -> None:
    """A folder without Parquet files, and a Delta table, whose folder also has obsolete files, are errors."""
    put(s3, bucket, "other/readme.md", b"x")
    put(s3, bucket, "delta/_delta_log/0.json", b"{}")
    put(s3, bucket, "delta/a.parquet", b"PAR1")
    with pytest.raises(DataError, match="contains no Parquet file"):
        get(s3, f"s3://{bucket}/other", tmp_path / "x")
    with pytest.raises(DataError, match="a Delta table"):
        get(s3, f"s3://{bucket}/delta", tmp_path / "x")


@pytest.mark.parametrize(
    ("marker", "path"),
    [
        (".hoodie/x.properties", "t"),
        ("metadata/v2.metadata.json", "t"),
        ("metadata/v2.metadata.json", "t/data"),
        ("metadata/v2.metadata.json", "t/data/*.parquet"),
        ("_spark_metadata/0", "t/data"),
        ("_delta_log/0.json", ""),
    ],
)
def test_table_formats_in_a_store_are_rejected(
    s3: dict[str, str], bucket: str, tmp_path: Path, marker: str, path: str
) -> None:
    """The folder of a table, one above it and one within it: the files on their own are not the table."""
    put(s3, bucket, f"t/{marker}", b"{}")
    put(s3, bucket, "t/data/a.parquet", b"PAR1")
    with pytest.raises(DataError, match="no longer part of it"):
        get(s3, f"s3://{bucket}/{path}".removesuffix("/"), tmp_path / "x")


def test_objects_without_a_suffix_are_read_or_rejected_by_name(s3: dict[str, str], bucket: str, tmp_path: Path) -> None:
    """Athena's and Trino's objects have no suffix; one that is no Parquet is an error, a marker of Hadoop is not."""
    put(s3, bucket, "q/000000_0", b"PAR1zero")
    put(s3, bucket, "q/run_$folder$", b"")
    put(s3, bucket, "q/b.parquet", b"PAR1b")
    artifact = get(s3, f"s3://{bucket}/q", tmp_path / "q")
    assert contents(artifact, tmp_path / "q") == {"000000_0": b"PAR1zero", "b.parquet": b"PAR1b"}
    put(s3, bucket, "q/000001_0", b"id,y,p")
    with pytest.raises(DataError, match="000001_0"):
        get(s3, f"s3://{bucket}/q", tmp_path / "x")


def test_bytes_files_and_entries_are_limited(
    s3: dict[str, str], bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Limits of bytes, files and entries are checked before anything is downloaded."""
    spec = spec_of(f"s3://{bucket}/p")
    with pytest.raises(DataError, match="24 bytes, more than the 23"):
        fetch(spec, tmp_path / "x", s3, no_progress, 23)
    monkeypatch.setattr(cloud, "MAX_FILES", 3)
    with pytest.raises(DataError, match="more than 3 files"):
        fetch(spec, tmp_path / "x", s3, no_progress)
    monkeypatch.setattr(object_listing, "MAX_ENTRIES", 3)
    with pytest.raises(DataError, match="more than 3 entries"):
        fetch(spec, tmp_path / "x", s3, no_progress)
    assert list(tmp_path.iterdir()) == []


def test_large_objects_are_downloaded_with_progress(s3: dict[str, str], bucket: str, tmp_path: Path) -> None:
    """Objects of many blocks are identical after the download, and the last message has the total size."""
    content = os.urandom(3_500_000)
    for n in range(3):
        put(s3, bucket, f"large/{n}.parquet", content + bytes([n]))
    messages: list[str] = []
    artifact = fetch(spec_of(f"s3://{bucket}/large"), tmp_path / "x", s3, messages.append)
    assert [file.read_bytes() for file in artifact.files] == [content + bytes([n]) for n in range(3)]
    assert messages[-1] == f"downloading s3://{bucket}/large: 10 of 10 MiB"


def test_object_name_that_leaves_the_folder_is_rejected(s3: dict[str, str], bucket: str, tmp_path: Path) -> None:
    """An object whose name leads out of the folder is an error, and nothing is written."""
    signed = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request"
    host = s3["AWS_ENDPOINT_URL"].removeprefix("http://")
    with contextlib.closing(http.client.HTTPConnection(host, timeout=10)) as raw:  # other clients normalise the path
        raw.request("PUT", f"/{bucket}/evil/../../x.parquet", body=b"PAR1", headers={"Authorization": signed})
        assert raw.getresponse().status == 200
    with pytest.raises(DataError, match="leads out of its folder"):
        get(s3, f"s3://{bucket}/evil", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_object_that_changes_during_the_download_is_an_error(
    s3: dict[str, str], bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A size other than the size that was listed is an error: the artifact may mix two versions."""
    list_objects = object_listing.list_objects

    def list_and_overwrite(store: fs.FileSystem, spec: CloudSpec) -> list[object_listing.RemoteObject]:
        objects = list_objects(store, spec)
        put(s3, bucket, "one.parquet", b"PAR1another")
        return objects

    monkeypatch.setattr(cloud, "list_objects", list_and_overwrite)
    with pytest.raises(DataError, match=r"one\.parquet changed during the download"):
        get(s3, f"s3://{bucket}/one.parquet", tmp_path / "x")


def test_unreachable_store_is_a_data_error(tmp_path: Path) -> None:
    """An unreachable store is an error of one line without keys."""
    with socket.socket() as reservation:
        reservation.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reservation.getsockname()[1]}"
        environ = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": SECRET}
        with pytest.raises(DataError, match="cannot be read") as excinfo:
            get(environ, "s3://bucket/x.parquet", tmp_path / "x")
    assert SECRET not in excinfo.value.message
    assert "\n" not in excinfo.value.message


SCHEMES = [
    ("s3://b/x", {"AWS_REGION": "eu-west-1"}, "s3"),
    ("gs://b/x", {"STORAGE_EMULATOR_HOST": "localhost:1"}, "gcs"),
    ("az://c/x", {"AZURE_STORAGE_ACCOUNT": "acct", "AZURE_STORAGE_KEY": "a2V5"}, "abfs"),
    ("abfss://c@acct.dfs.core.windows.net/x", {"AZURE_STORAGE_ACCOUNT": "acct", "AZURE_STORAGE_KEY": "a2V5"}, "abfs"),
]


@pytest.mark.parametrize(("url", "environ", "kind"), SCHEMES)
def test_each_scheme_has_its_file_system(url: str, environ: dict[str, str], kind: str) -> None:
    """Every scheme has a file system of pyarrow, created from the environment without a request."""
    assert filesystem(spec_of(url), environ).type_name == kind


def test_missing_pyarrow_is_an_input_error() -> None:
    """Without pyarrow, the import of the module raises an error that names the extra."""
    program = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from ghmlops.core.errors import InputError\n"
        "try:\n    import ghmlops.measure.predictions.artifacts.object_store\n"
        "except InputError as error:\n    print(error.message, '|', error.hint)\n"
    )
    process = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    message, hint = process.stdout.rstrip("\n").split(" | ")
    assert re.findall(r"\w+://", message) == ["s3://", "gs://", "az://"]
    assert "pyarrow" in message
    assert "ghmlops[cloud]" in hint


def test_store_that_is_not_built_in_is_an_input_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pyarrow that was built without a store is reported."""
    monkeypatch.delattr(fs, "AzureFileSystem")
    with pytest.raises(InputError, match=r"not built into .* pyarrow"):
        filesystem(spec_of("az://c/x"), {"AZURE_STORAGE_ACCOUNT": "acct"})
