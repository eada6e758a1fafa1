"""From what a user names to files, wherever they are."""

from __future__ import annotations

import base64
import io
import stat
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ghmlops.commands.shared.base import Services
from ghmlops.commands.shared.console import Console
from ghmlops.commands.shared.resolve_artifact import Resolved, resolve
from ghmlops.core.context import Context
from ghmlops.core.errors import DataError, GitHubError, InputError
from github_api import spec
from github_api.server import Api, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHA = "c" * 40
PARQUET = b"PAR1"


@pytest.fixture
def api() -> Iterator[Api]:
    """The server with one repository; at the end nothing may have broken the specification."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    with running({"repositories": {"acme/shop": {}}}) as server:
        yield server
        assert server.violations == []


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The private folder of a command."""
    (tmp_path / "work").mkdir(mode=0o700)
    return tmp_path / "work"


def services(cwd: Path, api_url: str = "", environ: dict[str, str] | None = None) -> Services:
    return Services(
        context=Context(repository="acme/shop", api_url=api_url),
        environ=environ or {},
        cwd=cwd,
        now=lambda: datetime.now(UTC),
        console=Console(stream=io.StringIO()),
    )


def upload(api: Api, run: int, *names: str, artifact: str = "preds") -> None:
    """A successful push run of `main` with an artifact of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            if name.startswith("link"):
                info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, b"text" if name.endswith((".txt", ".md")) else PARQUET)
    api.seed(
        runs=[{"id": run, "head_sha": SHA, "event": "push", "head_branch": "main"}],
        artifacts=[{"run_id": run, "name": artifact, "zip_base64": base64.b64encode(buffer.getvalue()).decode()}],
    )


def names(resolved: Resolved, root: Path) -> list[str]:
    return [str(file.relative_to(root.resolve())) for file in resolved.files]


def test_local_files(tmp_path: Path, work: Path) -> None:
    """Local files are used in place, for one spec or several, and the provenance contains the source."""
    for name in ("a.parquet", "p/date=1/b.parquet"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(PARQUET)
    one = resolve("p", "baseline", token="", services=services(tmp_path), work=work)
    two = resolve("a.parquet, p/date=1/", "candidate", token="", services=services(tmp_path), work=work)
    assert (names(one, tmp_path), one.hive_root, one.display_name) == (
        ["p/date=1/b.parquet"],
        (tmp_path / "p").resolve(),
        "p",
    )
    assert names(two, tmp_path) == ["a.parquet", "p/date=1/b.parquet"]
    assert (two.hive_root, two.display_name) == (None, "a.parquet and 1 more")
    assert two.provenance == {"source": "a.parquet", "source-2": "p/date=1/"}
    assert list(work.iterdir()) == []


def test_an_artifact_of_a_branch(api: Api, tmp_path: Path, work: Path) -> None:
    """It is fetched and unpacked into a private folder, and its run is part of the provenance and of the notes."""
    upload(api, 7, "date=1/a.parquet", "date=2/b.parquet", "log.txt")
    here = services(tmp_path, api.url)
    resolved = resolve("artifact:preds@main", "baseline", token="t", services=here, work=work)
    assert names(resolved, work) == ["baseline-1/date=1/a.parquet", "baseline-1/date=2/b.parquet"]
    assert resolved.hive_root == (work / "baseline-1").resolve()
    assert resolved.provenance == {
        "source": "artifact:preds@main",
        "run-id": "7",
        "run-attempt": "1",
        "run-event": "push",
        "run-conclusion": "success",
        "head-sha": SHA,
        "head-branch": "main",
        "head-repository": "acme/shop",
        "created-at": api.state.runs[0]["created_at"],
        "artifact-id": str(api.state.artifacts[0]["id"]),
        "artifact-digest": api.state.artifacts[0]["digest"],
    }
    unpacked = sorted(p.name for p in (work / "baseline-1").rglob("*"))
    assert unpacked == ["a.parquet", "b.parquet", "date=1", "date=2", "log.txt"]
    assert [p.name for p in work.iterdir()] == ["baseline-1"]
    assert isinstance(here.console.stream, io.StringIO)
    assert here.console.stream.getvalue() == f"artifact:preds@main: run 7 (push) of commit {SHA[:12]}\n"


def test_a_path_inside_an_artifact(api: Api, tmp_path: Path, work: Path) -> None:
    """A path chooses files inside, whatever they are called; several artifacts become one."""
    upload(api, 7, "out/part-0", "out/part-1", "other/c.parquet")
    upload(api, 8, "d.parquet", artifact="more")
    here = services(tmp_path, api.url)
    specs = ["artifact:preds#7:out/part-*", "artifact:more@main"]
    resolved = resolve(specs, "candidate", token="t", services=here, work=work)
    assert names(resolved, work) == ["candidate-1/out/part-0", "candidate-1/out/part-1", "candidate-2/d.parquet"]
    assert (resolved.provenance["run-id"], resolved.provenance["run-id-2"]) == ("7", "8")
    with pytest.raises(DataError, match="artifact:preds#7:nothing: no such file or folder"):
        resolve("artifact:preds#7:nothing", "labels", token="t", services=here, work=work)


def test_a_hostile_artifact(api: Api, tmp_path: Path, work: Path) -> None:
    """An artifact with a link or a way out is refused as a whole, and nothing is written."""
    upload(api, 7, "a.parquet", "link.parquet")
    upload(api, 8, "../a.parquet", artifact="way-out")
    upload(api, 9, "readme.md", artifact="empty")
    here = services(tmp_path, api.url)
    for name, message in (
        ("preds", "is a link"),
        ("way-out", "leads out"),
        ("empty", "no Parquet file"),
    ):
        with pytest.raises(DataError, match=message) as caught:
            resolve(f"artifact:{name}@main", name, token="t", services=here, work=work)
        assert caught.value.message.startswith(f"artifact:{name}@main: ")
    assert list(tmp_path.rglob("*.parquet")) == []


def test_without_token_or_artifact(api: Api, tmp_path: Path, work: Path) -> None:
    """No token, no artifact and a malformed spec are one line each."""
    here = services(tmp_path, api.url)
    with pytest.raises(InputError, match=r"artifact:preds@main: .* need a token"):
        resolve("artifact:preds@main", "baseline", token="", services=here, work=work)
    with pytest.raises(GitHubError, match=r"branch main of acme/shop .* no artifact"):
        resolve("artifact:preds@main", "baseline", token="t", services=here, work=work)
    with pytest.raises(InputError, match='the baseline: "artifact:preds"'):
        resolve("artifact:preds", "baseline", token="t", services=here, work=work)


def test_a_store_is_asked_with_the_commands_environment(tmp_path: Path, work: Path) -> None:
    """URLs of stores are read with the environment that the command was given."""
    here = services(tmp_path, environ={"AWS_ENDPOINT_URL": "ftp://nowhere"})
    with pytest.raises(InputError, match="AWS_ENDPOINT_URL is not an http"):
        resolve("s3://bucket/x.parquet", "baseline", token="", services=here, work=work)
