"""A real Chromium for tests of pages; Debian's package, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

NODE_TOOLS = Path(os.environ.get("GHMLOPS_NODE_TOOLS", "missing"))
AXE = NODE_TOOLS / "node_modules/axe-core/axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)")


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start Chromium without a window and without network services of its own; end it on exit."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, html: str, *, dark: bool = False, width: int = 1280) -> Iterator[Page]:
    """Show a document, and assert on exit that it loaded nothing and that nothing was reported on the console."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: problems.append(f"request to {request.url}"))
    page.set_content(html)
    try:
        yield page
    finally:
        page.close()
    assert problems == []


def assert_accessible(page: Page) -> None:
    """Assert that the page is not wider than the screen, and that axe-core finds nothing with all sections open."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed (scripts/test installs it)")
    page.evaluate("document.querySelectorAll('details').forEach(section => { section.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("axe.run()")
    faults = {(fault["id"], node["html"][:150]) for fault in result["violations"] for node in fault["nodes"]}
    assert faults == set()
    assert len(result["passes"]) > 10
