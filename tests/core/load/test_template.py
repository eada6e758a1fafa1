"""Templates: fields become JSON, escaped text or percent-encoded text; fields without a value are errors."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghmlops.core.errors import DataError, PolicyError
from ghmlops.core.load.template import body_template, fill, path_template

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
ROW = {"id": b"7", "x": b"1.0", "name": '"A \\"ü\\"\\n"'.encode(), "no": b"null", "l": b'[1, "a"]', "t": b"true"}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"id": {{id}}, "x": {{ x }}}', '{"id": 7, "x": 1.0}'),
        ('{"n": {{name}}, "o": {{no}}, "t": {{t}}}', '{"n": "A \\"ü\\"\\n", "o": null, "t": true}'),
        ('{"a":{"b":{{l}}}}', '{"a":{"b":[1, "a"]}}'),
        ('{"u": "user-{{id}}/{{name}}!"}', '{"u": "user-7/A \\"ü\\"\\n!"}'),
        ('{"q": "say \\"{{id}}\\" {{l}}", "x": {{id}}}', '{"q": "say \\"7\\" [1, \\"a\\"]", "x": 7}'),
        ('{"back": "\\\\", "n": {{name}}}', '{"back": "\\\\", "n": "A \\"ü\\"\\n"}'),
        ("{{id}}{{id}}", "77"),
        ("{{{name}}: {{id}}}", '{"A \\"ü\\"\\n": 7}'),
        ("no field at all {0} %s }}", "no field at all {0} %s }}"),
    ],
)
def test_fields_of_a_body(template: str, expected: str) -> None:
    """Outside a string a field becomes the JSON of its value as spelled in the row; inside, its escaped text."""
    assert fill(body_template(template), ROW, "r:1").decode() == expected


@settings(deadline=None)
@given(value=VALUES, prefix=st.text())
def test_any_value_stays_json(value: object, prefix: str) -> None:
    """For any value and any preceding text, the filled body is JSON that contains exactly that value."""
    row = {"v": json.dumps(value, ensure_ascii=False).encode()} if _encodable(value) else {"v": b"1"}
    expected = json.loads(row["v"])
    start = json.dumps(prefix.replace("{", "")) if _encodable(prefix) else '"p"'
    body = json.loads(fill(body_template(f'{{"p": {start}, "v": {{{{v}}}}}}'), row, "r:1"))
    assert body == {"p": json.loads(start), "v": expected}
    if isinstance(expected, str):
        inside = json.loads(fill(body_template('["<{{v}}>", {{v}}]'), row, "r:1"))
        assert inside == [f"<{expected}>", expected]


@settings(deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_one_segment_of_a_path(text: str) -> None:
    """Text in a path is percent-encoded, so that no value can leave its segment or start a query."""
    path = fill(path_template("/items/{{v}}/x"), {"v": json.dumps(text).encode()}, "r:1").decode()
    assert [unquote(part) for part in path.split("/")] == ["", "items", text, "x"]
    assert path.isascii()
    assert not set(path) & set("?# \r\n")


def test_fields_of_a_path() -> None:
    """Numbers, booleans and text are encoded in a path and in its query, including `/`."""
    path = path_template("/m/{{id}}/{{name}}?t={{t}}&p={{p}}")
    assert fill(path, ROW | {"p": b'"a/b&c"'}, "r:1") == b"/m/7/A%20%22%C3%BC%22%0A?t=true&p=a%2Fb%26c"
    assert path.fields == ("id", "name", "t", "p")


@pytest.mark.parametrize("template", ["{{}}", "{{ }}", "{{id", '{"a": {{id}', "{{a{b}}"])
def test_malformed_templates_are_refused(template: str) -> None:
    """A field without a name, or one that is not closed, is an error when the template is parsed."""
    for parse in (body_template, path_template):
        with pytest.raises(PolicyError, match=r"\{\{") as caught:
            parse(template)
        assert caught.value.hint


def test_an_unknown_column_suggests_the_nearest_name() -> None:
    """A field that the row does not have is an error that names the row, the field and the nearest column."""
    with pytest.raises(DataError, match=r"r: row 3: .*`nam`.*`\{\{nam\}\}`") as caught:
        fill(body_template("{{nam}}"), ROW, "r: row 3")
    assert "`name`" in caught.value.hint


@pytest.mark.parametrize(("template", "context"), [('"a-{{no}}"', "a string"), ("/a/{{no}}", "a path")])
def test_null_has_no_text(template: str, context: str) -> None:
    """Null is valid JSON, but cannot be part of a string or of a path."""
    parse = path_template if template.startswith("/") else body_template
    with pytest.raises(DataError, match=f"r:1: `no` .*{context}"):
        fill(parse(template), ROW, "r:1")


def test_format_specifiers_are_literal_text() -> None:
    """Values and templates with `{}` or `%s` are never formatted."""
    assert fill(body_template("{0} {{v}} {v.__class__}"), {"v": b'"{0} %s"'}, "r") == b'{0} "{0} %s" {v.__class__}'


def _encodable(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
