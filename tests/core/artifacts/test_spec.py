"""What a user names as a prediction artifact."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.artifacts.spec import CloudSpec, LocalSpec, WorkflowSpec, parse_spec, parse_specs
from ghmlops.core.errors import InputError

SHA = "0123456789abcdef0123456789ABCDEF01234567"
WHERE = "the baseline"

GOOD = [
    ("preds.parquet", LocalSpec(pattern="preds.parquet")),
    ("/data/date=*/x[1].parquet", LocalSpec(pattern="/data/date=*/x[1].parquet")),
    ("./artifact:odd@name", LocalSpec(pattern="./artifact:odd@name")),
    ("artifact:preds@main", WorkflowSpec(name="preds", branch="main")),
    ("artifact:my preds@feature/x#12", WorkflowSpec(name="my preds", branch="feature/x#12")),
    ("artifact:preds@user@fix", WorkflowSpec(name="preds", branch="user@fix")),
    ("artifact:preds@abcdef1", WorkflowSpec(name="preds", branch="abcdef1")),
    (f"artifact:preds@{SHA}", WorkflowSpec(name="preds", sha=SHA.lower())),
    ("artifact:preds#12345", WorkflowSpec(name="preds", run=12345)),
    ("artifact:preds#7:out/*.parquet", WorkflowSpec(name="preds", run=7, path="out/*.parquet")),
    ("artifact:preds@release/1.0:out/", WorkflowSpec(name="preds", branch="release/1.0", path="out/")),
    (f"artifact:preds@{SHA}:a", WorkflowSpec(name="preds", sha=SHA.lower(), path="a")),
    ("s3://bucket/a/date=*/b.parquet", CloudSpec(scheme="s3", bucket="bucket", path="a/date=*/b.parquet")),
    ("gs://bucket", CloudSpec(scheme="gs", bucket="bucket")),
    ("az://container/a/", CloudSpec(scheme="az", bucket="container", path="a")),
    (
        "abfss://c@acct1.dfs.core.windows.net/a",
        CloudSpec(scheme="abfss", bucket="c", path="a", account="acct1", authority="dfs.core.windows.net"),
    ),
]


@pytest.mark.parametrize(("text", "expected"), GOOD)
def test_each_form_is_read(text: str, expected: object) -> None:
    """Every form gives the value that it means, and gives its text back."""
    spec = parse_spec(text, WHERE)
    assert spec == expected
    assert parse_spec(spec.text, WHERE) == spec


BAD = [
    ("artifact:preds", "does not name a run"),
    ("artifact:@main", "is not the name of an artifact"),
    ("artifact:..@main", "is not the name of an artifact"),
    ("artifact:a/b@main", "is not the name of an artifact"),
    ("artifact:a*@main", "is not the name of an artifact"),
    ("artifact:preds@", "is not a branch"),
    ("artifact:preds@ma in", "is not a branch"),
    ("artifact:preds@a..b", "is not a branch"),
    ("artifact:preds@-x", "is not a branch"),
    ("artifact:preds@a*", "is not a branch"),
    ("artifact:preds@x.lock", "is not a branch"),
    ("artifact:preds#", "is not the id of a run"),
    ("artifact:preds#main", "is not the id of a run"),
    ("artifact:preds#0", "is not the id of a run"),
    ("artifact:preds@main:", "is not a path inside an artifact"),
    ("artifact:preds@main:/etc", "is not a path inside an artifact"),
    ("artifact:preds@main:a/../../b", "is not a path inside an artifact"),
    ("http://host/preds.parquet", "http:// cannot be read"),
    ("s3a://bucket/x", "s3a:// cannot be read"),
    ("s3://", "is not the name of a bucket"),
    ("s3://../x", "is not the name of a bucket"),
    ("s3://bucket/a//b", "is not a path inside a bucket"),
    ("abfs://c@acct1.dfs.evil.example/a", "more than a bucket"),
    ("abfs://c@acct1.dfs.core.windows.net.evil.example/a", "more than a bucket"),
    ("a\x00b", "control characters"),
    ("a" * 5000, "more than 4,096 characters"),
]


@pytest.mark.parametrize(("text", "words"), BAD)
def test_a_malformed_spec_is_one_clear_line(text: str, words: str) -> None:
    """What is malformed is an input error of one line that names the place, with a hint."""
    with pytest.raises(InputError) as caught:
        parse_spec(text, WHERE)
    assert words in caught.value.message
    assert caught.value.message.startswith(WHERE)
    assert "\n" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("text", ["s3://key:hunter22@bucket/x", "s3://hunter22@bucket/x", "az://c:hunter22/x"])
def test_a_password_in_a_url_is_refused_unrepeated(text: str) -> None:
    """Credentials in a URL are refused, and the message does not hold them."""
    with pytest.raises(InputError) as caught:
        parse_spec(text, WHERE)
    assert "hunter22" not in caught.value.message + caught.value.hint


LISTS = [
    ("a.parquet, b.parquet", ["a.parquet", "b.parquet"]),
    ("a.parquet,", ["a.parquet"]),
    ("a, b.parquet\nc.parquet\n", ["a, b.parquet", "c.parquet"]),
    ("\n a.parquet \n\n b.parquet\n", ["a.parquet", "b.parquet"]),
    (["a, b.parquet"], ["a, b.parquet"]),
    (["x", "artifact:p@m"], ["x", "artifact:p@m"]),
]


@pytest.mark.parametrize(("text", "expected"), LISTS)
def test_lists(text: str | list[str], expected: list[str]) -> None:
    """Commas divide one line, line breaks divide several, and an item of a list is whole."""
    assert [spec.text for spec in parse_specs(text, WHERE)] == expected


BAD_LISTS = [
    ("", "names no prediction artifact"),
    (" \n ", "names no prediction artifact"),
    ([], "names no prediction artifact"),
    (["a", ""], "names no prediction artifact"),
    ("a,a", "twice"),
    ([str(n) for n in range(1001)], "more than 1,000"),
]


@pytest.mark.parametrize(("text", "words"), BAD_LISTS)
def test_bad_lists(text: str | list[str], words: str) -> None:
    """An empty list, one with a hole, a double and a giant one are refused."""
    with pytest.raises(InputError, match=words):
        parse_specs(text, WHERE)


@given(st.text(max_size=60).map(lambda tail: "artifact:" + tail) | st.text(max_size=60))
def test_any_text_is_a_spec_or_an_input_error(text: str) -> None:
    """No text brings the parser down, and what it takes it reads the same again."""
    with contextlib.suppress(InputError):
        spec = parse_spec(text, WHERE)
        assert parse_spec(spec.text, WHERE) == spec
