"""Artifacts in object stores: S3 for real, from a server on loopback; the others by their settings."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
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
def serving(program: str, *line: str) -> Iterator[str]:
    """Run a store on loopback and give its address; it is ended by its process id."""
    if not (STORES / program).is_file() and os.environ.get("CI") != "true":
        pytest.skip(f"{program} is not installed: `scripts/test` does it, in an environment of its own")
    with socket.create_server(("127.0.0.1", 0)) as held_port:
        port = held_port.getsockname()[1]
    nothing = subprocess.DEVNULL
    child = subprocess.Popen([STORES / program, *line, f"--port={port}"], stdout=nothing, stderr=nothing)
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
    """The environment of a job beside an S3 server."""
    with serving("moto_server", "--host=127.0.0.1") as url:
        keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET}
        yield {"AWS_ENDPOINT_URL": url, **keys}


@pytest.fixture(scope="session")
def gcs() -> Iterator[dict[str, str]]:
    """The environment of a job beside a server of Google's API."""
    with serving("gcp-storage-emulator", "start", "--host=127.0.0.1", "--in-memory", "--default-bucket=shop") as url:
        yield {"STORAGE_EMULATOR_HOST": url}


@pytest.fixture
def bucket(s3: dict[str, str], request: pytest.FixtureRequest) -> str:
    """A bucket of the test's own, filled."""
    name = "b" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:20]
    for key, content in OBJECTS.items():
        put(s3, name, key, content)
    return name


def put(environ: dict[str, str], bucket: str, key: str, content: bytes) -> None:
    """Write an object by an S3 client's own means."""
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


def silent(_: str) -> None:
    return


def spec_of(url: str) -> CloudSpec:
    found = parse_spec(url, "the baseline")
    assert isinstance(found, CloudSpec)
    return found


def get(environ: dict[str, str], url: str, into: Path) -> ArtifactFiles:
    return fetch(spec_of(url), into, environ, silent)


def held(found: ArtifactFiles, into: Path) -> dict[str, bytes]:
    return {str(file.relative_to(into)): file.read_bytes() for file in found.files}


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
"""A partitioned artifact, what Spark puts beside it, and others."""
GIVEN = [
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


def test_what_a_url_means(s3: dict[str, str], bucket: str, tmp_path: Path) -> None:
    """Objects, folders, partitions and patterns mean in a bucket what they mean on a disk; names are literal first."""
    for number, (path, expected, hive) in enumerate(GIVEN):
        into = tmp_path / str(number)
        found = get(s3, f"s3://{bucket}/{path}", into)
        assert held(found, into) == expected, path
        assert found.hive_root == (into if hive else None), path


def test_googles_store_gives_the_same(gcs: dict[str, str], tmp_path: Path) -> None:
    """The same URLs mean the same on Google's store, where folders are no objects."""
    store = filesystem(spec_of("gs://shop"), gcs)
    for key, content in OBJECTS.items():
        with store.open_output_stream(f"shop/{key}") as stream:
            stream.write(content)
    for number, (path, expected, hive) in enumerate(GIVEN):
        into = tmp_path / str(number)
        found = get(gcs, f"gs://shop/{path}", into)
        assert held(found, into) == expected, path
        assert found.hive_root == (into if hive else None), path
    for url in ("gs://shop/none.parquet", "gs://shop/none/*.parquet", "gs://no-such-bucket/x"):
        with pytest.raises(DataError, match="not found in the store"):
            get(gcs, url, tmp_path / "x")


BAD = [
    ("none.parquet", "not found in the store"),
    ("none/*.parquet", "not found in the store"),
    ("flat/*.csv", "no object matches"),
    ("p/_temporary/*.txt", "no object matches"),
]


def test_what_is_not_there(s3: dict[str, str], bucket: str, tmp_path: Path) -> None:
    """What is missing is one data error, and no folder is made."""
    for path, words in BAD:
        with pytest.raises(DataError, match=words):
            get(s3, f"s3://{bucket}/{path}", tmp_path / "x")
    with pytest.raises(DataError, match="not found in the store"):
        get(s3, "s3://no-such-bucket/x.parquet", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_folder_without_parquet_and_a_delta_table(s3: dict[str, str], bucket: str, tmp_path: Path) -> None:
    """A folder of other things, and one with files that are no longer part of a table, are refused."""
    put(s3, bucket, "other/readme.md", b"x")
    put(s3, bucket, "delta/_delta_log/0.json", b"{}")
    put(s3, bucket, "delta/a.parquet", b"PAR1")
    with pytest.raises(DataError, match="the folder contains no Parquet file"):
        get(s3, f"s3://{bucket}/other", tmp_path / "x")
    with pytest.raises(DataError, match="a Delta table"):
        get(s3, f"s3://{bucket}/delta", tmp_path / "x")


def test_bounds(s3: dict[str, str], bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes, files and names that are looked at are bounded, before anything is fetched."""
    spec = spec_of(f"s3://{bucket}/p")
    with pytest.raises(DataError, match="24 bytes, more than the 23"):
        fetch(spec, tmp_path / "x", s3, silent, 23)
    monkeypatch.setattr(cloud, "MAX_FILES", 3)
    with pytest.raises(DataError, match="more than 3 files"):
        fetch(spec, tmp_path / "x", s3, silent)
    monkeypatch.setattr(cloud, "MAX_ENTRIES", 3)
    with pytest.raises(DataError, match="more than 3 entries"):
        fetch(spec, tmp_path / "x", s3, silent)
    assert list(tmp_path.iterdir()) == []


def test_larger_objects_come_whole_with_progress(s3: dict[str, str], bucket: str, tmp_path: Path) -> None:
    """Objects of many chunks come byte for byte, and the progress ends at all of them."""
    content = os.urandom(3_500_000)
    for n in range(3):
        put(s3, bucket, f"large/{n}.parquet", content + bytes([n]))
    told: list[str] = []
    found = fetch(spec_of(f"s3://{bucket}/large"), tmp_path / "x", s3, told.append)
    assert [file.read_bytes() for file in found.files] == [content + bytes([n]) for n in range(3)]
    assert told[-1] == f"downloading s3://{bucket}/large: 10 of 10 MiB"


def test_names_that_lead_elsewhere(s3: dict[str, str], bucket: str, tmp_path: Path) -> None:
    """An object whose name leads out of the folder is refused, and nothing is written."""
    signed = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request"
    host = s3["AWS_ENDPOINT_URL"].removeprefix("http://")
    with contextlib.closing(http.client.HTTPConnection(host, timeout=10)) as raw:  # others make the path shorter
        raw.request("PUT", f"/{bucket}/evil/../../x.parquet", body=b"PAR1", headers={"Authorization": signed})
        assert raw.getresponse().status == 200
    with pytest.raises(DataError, match="leads out of its folder"):
        get(s3, f"s3://{bucket}/evil", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_an_object_that_changes_is_noticed(
    s3: dict[str, str], bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes other than were listed are an error: half of one version and half of another is no artifact."""
    choose = cloud._list_objects

    def then_overwritten(store: fs.FileSystem, spec: CloudSpec) -> list[cloud.RemoteObject]:
        found = choose(store, spec)
        put(s3, bucket, "one.parquet", b"PAR1another")
        return found

    monkeypatch.setattr(cloud, "_list_objects", then_overwritten)
    with pytest.raises(DataError, match=r"one\.parquet changed during the download"):
        get(s3, f"s3://{bucket}/one.parquet", tmp_path / "x")


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    """A store that cannot be reached is one line without keys."""
    with socket.socket() as held_port:
        held_port.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held_port.getsockname()[1]}"
        environ = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": SECRET}
        with pytest.raises(DataError, match="cannot be read") as caught:
            get(environ, "s3://bucket/x.parquet", tmp_path / "x")
    assert SECRET not in caught.value.message
    assert "\n" not in caught.value.message


SCHEMES = [
    ("s3://b/x", {"AWS_REGION": "eu-west-1"}, "s3"),
    ("gs://b/x", {"STORAGE_EMULATOR_HOST": "localhost:1"}, "gcs"),
    ("az://c/x", {"AZURE_STORAGE_ACCOUNT": "acct", "AZURE_STORAGE_KEY": "a2V5"}, "abfs"),
    ("abfss://c@acct.dfs.core.windows.net/x", {"AZURE_STORAGE_ACCOUNT": "acct", "AZURE_STORAGE_KEY": "a2V5"}, "abfs"),
]


@pytest.mark.parametrize(("url", "environ", "kind"), SCHEMES)
def test_each_scheme_has_its_store(url: str, environ: dict[str, str], kind: str) -> None:
    """Every scheme is served by pyarrow's own file system, made from the environment without a request."""
    assert filesystem(spec_of(url), environ).type_name == kind


def test_without_the_extra() -> None:
    """Without pyarrow the error names the extra, and the import of the module is where it is raised."""
    program = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from ghmlops.core.errors import InputError\n"
        "try:\n    import ghmlops.measure.predictions.artifacts.object_store\n"
        "except InputError as error:\n    print(error.message, '|', error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == (
        "s3://, gs:// and az:// need pyarrow, which is not installed | "
        "install the extra: `pip install 'ghmlops[cloud]'`\n"
    )


def test_a_store_that_is_not_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pyarrow without a store says so in one line."""
    monkeypatch.delattr(fs, "AzureFileSystem")
    with pytest.raises(InputError, match="not built into the installed pyarrow"):
        filesystem(spec_of("az://c/x"), {"AZURE_STORAGE_ACCOUNT": "acct"})
