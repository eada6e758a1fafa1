"""The comment with GitHub's own style in a real browser: it fits on a wide and on a narrow screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options

from browser import NODE_TOOLS, needs_chromium, opened, running_chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

pytestmark = needs_chromium
STYLE = NODE_TOOLS / "node_modules/github-markdown-css/github-markdown.css"
COMMENTS = sorted((Path(__file__).parents[2] / "golden").glob("comment-*.md"))
MARGIN, FONT = 16, 14
"""Pixels beside a comment on GitHub, and the size of its font."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.mark.parametrize("width", [400, 800])
@pytest.mark.parametrize("file", COMMENTS, ids=lambda file: str(file.stem))
def test_no_table_of_results_has_to_be_scrolled(chromium: Browser, file: Path, width: int) -> None:
    """No table has more than four columns, that of the results is as wide as the comment, and so is everything else."""
    if not STYLE.is_file():
        pytest.skip("github-markdown-css is not installed (scripts/test installs it)")
    text = file.read_text(encoding="utf-8")
    body = cmarkgfm.github_flavored_markdown_to_html(text, options=Options.CMARK_OPT_UNSAFE)
    style = (
        f"{STYLE.read_text(encoding='utf-8')} body {{ margin: {MARGIN}px }} .markdown-body {{ font-size: {FONT}px }}"
    )
    document = f"<!doctype html><meta charset=utf-8><style>{style}</style><article class=markdown-body>{body}</article>"
    with opened(chromium, document, width=width) as page:
        page.evaluate("document.querySelectorAll('details').forEach(section => { section.open = true; })")
        tables = page.evaluate(
            """[...document.querySelectorAll("table")].map(table => ({
                title: table.querySelector("th").innerText, columns: table.querySelectorAll("th").length,
                hidden: table.scrollWidth - table.clientWidth}))"""
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [table for table in tables if table["columns"] > 4] == []
    # A long word of an answer cannot be broken, so that its table may have to be scrolled.
    results = [table for table in tables if table["title"] == "Result"]
    assert [table for table in results if table["hidden"] > 0] == []
    assert bool(results) == ("| Result |" in text)


def test_there_are_comments_to_show() -> None:
    """Without files, the test above would have no cases and pass."""
    names = {file.stem.removeprefix("comment-") for file in COMMENTS}
    assert {"pass", "fail", "inconclusive", "error", "texts", "trend"} < names
