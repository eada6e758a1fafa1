"""The pictures of the documentation site: taken of the real page in a real browser; `--golden` takes them again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from browser import needs_chromium, opened, running_chromium
from declared import ROOT
from ghmlops.report.formats import html
from report import samples

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, HEIGHT = 1280, 900


def size_of(picture: Path) -> tuple[int, int]:
    """Return width and height of a PNG file, in pixels."""
    head = picture.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


@needs_chromium
def test_the_picture_of_the_page(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The page of a failed run is drawn without a message on the console; its picture has the size of the site's."""
    picture = ROOT / ".github/site/docs/assets/page.png"
    rewrite = request.config.getoption("--golden") or os.environ.get("GHMLOPS_GOLDEN") == "write"
    shot = picture if rewrite else tmp_path / "page.png"
    text = html.page(samples.report(samples.latency(slow=True), samples.regression(broken=True)))
    with running_chromium() as browser, opened(browser, text, width=WIDTH) as page:
        page.screenshot(path=shot)
    assert size_of(shot) == size_of(picture) == (WIDTH, HEIGHT)
    assert shot.stat().st_size > 20_000
