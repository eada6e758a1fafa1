"""Creates the README's picture of the comment on the bad pull request of the demo, with Chromium.

scripts/test && scripts/demo && .venv/bin/python scripts/picture.py

The style is GitHub's own, which `scripts/test` installs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cmarkgfm
from cmarkgfm.cmark import Options

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / ".demo/run/reports/bad/comment.md"
TARGET = ROOT / ".github/images/comment.png"
STYLE = "node_modules/github-markdown-css/github-markdown-light.css"
SIZE = "800,475"
LAYOUT = "body { margin: 8px 24px; background: #fff; } .markdown-body { font-size: 14px; }"
ALERT = '<div class="markdown-alert markdown-alert-caution"><p class="markdown-alert-title">Caution</p>'
"""GitHub's own extension of Markdown, which the renderer lacks."""


def find_style() -> Path | None:
    """Return GitHub's style sheet among the Node packages of `scripts/test`; None if they are not installed."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    sheets = sorted(cache.glob(f"ghmlops/tools/node-*/{STYLE}"), key=lambda sheet: sheet.stat().st_mtime)
    return sheets[-1] if sheets else None


def main() -> int:
    """Render the comment as GitHub does, and save a screenshot."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    style = find_style()
    if browser is None or style is None or not SOURCE.is_file():
        print(
            "picture.py needs chromium with an emoji font, the Node packages of scripts/test, and the reports of "
            "scripts/demo; run both first",
            file=sys.stderr,
        )
        return 2
    markdown = SOURCE.read_text(encoding="utf-8")
    body = cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE)
    body = re.sub(r"<blockquote>\s*<p>\[!CAUTION\]", lambda _: f"{ALERT}<p>", body).replace("</blockquote>", "</div>")
    TARGET.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "comment.html"
        sheets = f"<style>{style.read_text(encoding='utf-8')} {LAYOUT}</style>"
        page.write_text(
            f"<!doctype html><meta charset=utf-8>{sheets}<article class=markdown-body>{body}</article>",
            encoding="utf-8",
        )
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]
        flags += [f"--user-data-dir={folder}/profile", f"--screenshot={TARGET}", f"--window-size={SIZE}"]
        subprocess.run([browser, *flags, str(page)], check=True, capture_output=True, timeout=90)
    print(f"wrote {TARGET.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
