"""Parses rendered reports: Markdown as GitHub does, HTML as a browser does."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt

VOID = ("br", "input", "meta")
ACTIVE = re.compile(r"(?i)(?<![\w])@\w|#\d|\bGH-\d|https?://|\bwww\.\w|mailto:\w|:[a-z]\w*:")
"""Text outside code that GitHub renders as a mention, a reference, a link or an emoji."""


@dataclass
class ParsedDocument(HTMLParser):
    """Tags, attributes, comments and texts of a document; parsing fails if tags are not balanced."""

    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    """(innermost tag, text)."""
    declarations: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_decl(self, decl: str) -> None:
        self.declarations.append(decl)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"declaration {data!r}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"processing instruction {data!r}")

    def links(self) -> set[str]:
        """Return all addresses."""
        return {value for _, name, value in self.attributes if name == "href"}

    def text(self, *, code: bool) -> str:
        """Return the text inside code, or that outside."""
        return "\n".join(text for tag, text in self.texts if (tag in ("code", "pre")) is code)


def read_html(text: str) -> ParsedDocument:
    """Parse an HTML document or fragment."""
    document = ParsedDocument()
    document.feed(text)
    document.close()
    assert document.open == []
    return document


def read_markdown(text: str) -> ParsedDocument:
    """Render Markdown with tables and raw HTML, as GitHub does before sanitising, and parse the result."""
    renderer = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return read_html(renderer.render(text))


def columns(line: str) -> int:
    """Return the number of cells in a line of a Markdown table; a bar after a backslash is text."""
    return len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) - 1


def tables(text: str) -> list[list[str]]:
    """Return the tables of a Markdown text as lists of lines, including heading and rule."""
    blocks: list[list[str]] = []
    inside = False
    for line in text.splitlines():
        if line.startswith("|"):
            blocks[-1].append(line) if inside else blocks.append([line])
        inside = line.startswith("|")
    return blocks


def table_cells(text: str, title: str) -> list[list[str]]:
    """Return the cells of the first table after `title` in a Markdown text, without its heading."""
    lines = tables(text[text.index(title) :])[0]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]
