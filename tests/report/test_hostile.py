"""Hostile text in evidence, events and policies never becomes markup of a report."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ghmlops.core.evidence.document import Evidence, Verdict
from ghmlops.core.evidence.loaded import Loaded
from ghmlops.core.steps.github_limits import SUMMARY_LIMIT
from ghmlops.report.content.layout import lay_out
from ghmlops.report.content.run_facts import Facts
from ghmlops.report.formats import html, markdown
from ghmlops.report.formats.annotations import annotate
from ghmlops.report.formats.junit import junit
from ghmlops.report.formats.script import SCRIPT, STATIC_ROWS
from report import samples
from report.hostile_samples import ATTACKS, evidence_with
from report.reading import ACTIVE, ParsedDocument, columns, read_html, read_markdown, tables

if TYPE_CHECKING:
    from ghmlops.report.text.blocks import Report

OWN_MARKDOWN_TAGS = frozenset(
    {"h2", "h3", "p", "strong", "em", "blockquote", "table", "thead", "tbody", "tr", "th", "td", "code", "a", "details"}
    | {"summary", "ul", "li", "br", "pre"}
)
OWN_PAGE_TAGS = frozenset(
    {"html", "head", "meta", "title", "style", "body", "main", "header", "section", "h1", "h2", "p", "strong", "span"}
    | {"code", "bdi", "a", "div", "table", "caption", "thead", "tbody", "tr", "th", "td", "ul", "li", "details"}
    | {"summary", "pre", "footer", "svg", "rect", "line", "circle", "path", "text", "figure", "figcaption", "br"}
    | {"script", "noscript", "button", "label", "input", "select", "option", "output"}
)
OWN_ATTRIBUTES = frozenset(
    {"lang", "charset", "http-equiv", "content", "name", "class", "href", "rel", "role", "tabindex", "aria-label"}
    | {"aria-hidden", "scope", "colspan", "open", "viewbox", "width", "height", "x", "y", "x1", "x2", "y1", "y2"}
    | {"cx", "cy", "r", "d", "style", "type", "hidden", "value", "autocomplete", "spellcheck"}
    | {"data-rows", "data-sentence", "fill-opacity"}
)
OWN_HEADINGS = re.compile(r"The worst (\d+ of [\d,]+ )?findings|Not measured")
PIECES = st.lists(st.sampled_from(ATTACKS[:31])).map("".join)
HOSTILE = st.one_of(st.sampled_from(ATTACKS), st.text(max_size=60), PIECES)


def hostile_verdict(bad: str) -> tuple[Verdict, Evidence]:
    """Return a verdict over hostile evidence, and over an unreadable file with a hostile name."""
    file = evidence_with(bad)
    verdict = samples.merged(file, extra=(Loaded(bad, bad, None, bad),), required=(bad,))
    return msgspec.structs.replace(verdict, service=bad, environment=bad, override=bad), file


def hostile_report(bad: str) -> Report:
    """Return the report over hostile evidence in a hostile run."""
    verdict, file = hostile_verdict(bad)
    return lay_out(verdict, [file], hostile_facts(bad))


def hostile_facts(bad: str) -> Facts:
    """Return the facts of a hostile run."""
    return Facts(
        workflow=bad,
        server_url="https://github.example",
        repository=bad,
        base_sha=bad,
        run_id=bad,
        run_url=bad,
        artifact_url=bad,
        page_url=bad,
        docs_url="https://github.example/docs/",
        policy=bad,
        required=(bad,),
        evidence_dir=bad,
        current_head=bad,
    )


def assert_inactive(document: ParsedDocument, tags: frozenset[str]) -> None:
    """Assert that a document has only our tags, attributes and addresses."""
    assert set(document.tags) <= tags
    assert {name for _, name, _ in document.attributes} <= OWN_ATTRIBUTES
    assert [link for link in document.links() if not link.startswith("https://github.example/")] == []


def check_markdown(bad: str) -> None:
    """Assert that the Markdown of a hostile report has only our markup."""
    text = markdown.summary(hostile_report(bad))
    assert len(text.encode()) <= SUMMARY_LIMIT
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
    document = read_markdown(text)
    assert_inactive(document, OWN_MARKDOWN_TAGS)
    assert document.comments == []
    assert (document.tags.count("h2"), document.tags.count("details"), document.tags.count("summary")) == (1, 5, 5)
    assert all(OWN_HEADINGS.fullmatch(text) for tag, text in document.texts if tag == "h3")
    assert not ACTIVE.search(document.text(code=False).replace("ghmlops:", ""))
    prose = re.sub(r"(?ms)^`{3,}sh$.*?^`{3,}$", "", text)
    assert "$" not in re.sub(r"\\\$|`[^`\n]*`", "", prose)
    for table in tables(text):
        assert {columns(line) for line in table} == {columns(table[0])}
    assert document.tags.count("tr") == sum(len(table) - 1 for table in tables(text))


@pytest.mark.parametrize("bad", ATTACKS, ids=lambda bad: ascii(bad[:24]))
def test_markdown_of_each_attack(bad: str) -> None:
    """No attack becomes a tag, a row, a heading, a link, a mention or a reference."""
    check_markdown(bad)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(HOSTILE)
def test_markdown_of_any_text(bad: str) -> None:
    """No other text does either."""
    check_markdown(bad)


def long_report(bad: str) -> Report:
    """Return the hostile report with its table of findings repeated until the page has its rows as data too."""
    report = hostile_report(bad)
    first, *others = report.sections
    (table,) = first.tables
    table = replace(table, rows=table.rows * (1 + 2 * STATIC_ROWS // len(table.rows)))
    return replace(report, sections=[replace(first, tables=[table]), *others])


def check_page(bad: str) -> None:
    """Assert that the page of a hostile report has only our markup, and one script, whatever its data."""
    document = read_html(html.page(long_report(bad)))
    assert_inactive(document, OWN_PAGE_TAGS)
    assert document.comments == []
    assert document.declarations == ["doctype html"]
    assert (document.tags.count("main"), document.tags.count("h1"), document.tags.count("style")) == (1, 1, 1)
    assert [name for _, name, _ in document.attributes if name.startswith("on") or name in ("src", "style")] == []
    *data, script = (text for tag, text in document.texts if tag == "script")
    assert (script, document.tags.count("script")) == (SCRIPT, len(data) + 1)
    for block in data:
        assert "<" not in block
        content = json.loads(block)
        cells = [cell for row in [content["cells"], *content["rows"]] for cell in row]
        pieces = [piece for cell in cells if isinstance(cell, list) for piece in cell if isinstance(piece, list)]
        addresses = {piece[2] for piece in pieces if piece[0] == "a"}
        assert [link for link in addresses if link and not link.startswith("https://github.example/")] == []


@pytest.mark.parametrize("bad", ATTACKS, ids=lambda bad: ascii(bad[:24]))
def test_page_of_each_attack(bad: str) -> None:
    """No attack becomes a tag, an attribute or an address of the page."""
    check_page(bad)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(HOSTILE)
def test_page_of_any_text(bad: str) -> None:
    """No other text does either."""
    check_page(bad)


@pytest.mark.parametrize("bad", ATTACKS, ids=lambda bad: ascii(bad[:24]))
def test_test_report_of_each_attack(bad: str) -> None:
    """The JUnit file remains well-formed, with one test case per finding."""
    verdict, file = hostile_verdict(bad)
    root = ElementTree.fromstring(junit(verdict, [file]).encode())  # noqa: S314  (our own output)
    assert {element.tag for element in root.iter()} <= {"testsuites", "testsuite", "testcase", "failure", "error"}
    assert len(list(root.iter("testcase"))) == len(verdict.findings)


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_test_report_of_any_text(bad: str) -> None:
    """No text that JSON can contain breaks it."""
    verdict, file = hostile_verdict(bad)
    ElementTree.fromstring(junit(verdict, [file]).encode())  # noqa: S314  (our own output)


@pytest.mark.parametrize("bad", ATTACKS, ids=lambda bad: ascii(bad[:24]))
def test_annotations_of_each_attack(bad: str) -> None:
    """An annotation is one line and starts with our command."""
    for line in annotate(hostile_verdict(bad)[0].findings):
        assert re.match(r"::(error|warning) title=[^\n\r:,]*::", line)
        assert not set(line) & set("\n\r\x1b\x00")


def test_addresses_that_are_not_http_are_not_links() -> None:
    """Only a plain http address becomes a link."""
    for url in (
        "javascript:alert(1)",
        "https://",
        "http://a b",
        "data:text/html,x",
        "//x",
        "https://x/>)<b>",
        "http://[",
    ):
        facts = msgspec.structs.replace(samples.FACTS, artifact_url=url, run_url=url)
        report = lay_out(samples.merged(samples.latency()), [samples.latency()], facts)
        for document in (read_markdown(markdown.summary(report)), read_html(html.page(report))):
            assert {link.split("/")[2] for link in document.links()} == {"github.example"}


def test_an_address_with_entities_is_unchanged() -> None:
    """Text in an address that looks like an entity is not decoded."""
    url = "https://github.example/a?x=1&copy=2&lt;=3"
    facts = msgspec.structs.replace(samples.FACTS, artifact_url=url)
    report = lay_out(samples.merged(samples.latency()), [samples.latency()], facts)
    assert url.replace(";", "%3B") in {link.replace(";", "%3B") for link in read_html(html.page(report)).links()}
    assert url in read_markdown(markdown.summary(report)).links()


def test_documentation_links_stay_in_the_repository() -> None:
    """`docs` comes from evidence: a path that leads out of the repository is not linked."""
    for docs in ("../../../evil.md", "/etc/x.md", "https://evil.example/x.md", "a/../../b.md#x", "x.html", "a.md#x y"):
        finding = msgspec.structs.replace(samples.latency(slow=True).findings[0], docs=docs)
        report = samples.report(samples.evidence("latency", [finding]))
        links = read_html(html.page(report)).links()
        assert [link for link in links if "evil" in link or docs in link] == []
