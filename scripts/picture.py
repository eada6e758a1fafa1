"""Creates the README's picture of the comment on the bad pull request of the demo, with Chromium.

scripts/demo && .venv/bin/python scripts/picture.py
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / ".demo/run/reports/bad/comment.md"
TARGET = ROOT / ".github/images/comment.png"
SIZE = "800,470"
STYLE = """
body { margin: 0; padding: 20px 28px; font: 14px/1.5 "DejaVu Sans", sans-serif; color: #1f2328; background: #fff; }
table { border-collapse: collapse; display: block; } td, th { border: 1px solid #d1d9e0; padding: 6px 10px; }
tr:nth-child(2n) { background: #f6f8fa; } a { color: #0969da; }
code { background: #eff1f3; padding: .2em .4em; border-radius: 6px; font: 85% "DejaVu Sans Mono", monospace; }
.alert { border-left: .25em solid #cf222e; padding: 0 1em; margin: 0 0 16px; } .alert > b { color: #cf222e; }
h2 { border-bottom: 1px solid #d1d9e0; padding-bottom: .3em; } h2, h3 { margin: 16px 0 12px; }
"""


def main() -> int:
    """Render the comment approximately as GitHub does, and save a screenshot."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None or not SOURCE.is_file():
        print(
            "picture.py needs chromium with an emoji font, and the reports of scripts/demo; run scripts/demo first",
            file=sys.stderr,
        )
        return 2
    body = MarkdownIt("commonmark", {"html": True}).enable("table").render(SOURCE.read_text(encoding="utf-8"))
    body = re.sub(r"<blockquote>\s*<p>\[!(\w+)\]", r'<div class="alert"><b>\1</b><p>', body).replace(
        "</blockquote>", "</div>"
    )
    TARGET.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "comment.html"
        page.write_text(f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{body}", encoding="utf-8")
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]
        flags += [f"--user-data-dir={folder}/profile", f"--screenshot={TARGET}", f"--window-size={SIZE}"]
        subprocess.run([browser, *flags, str(page)], check=True, capture_output=True, timeout=90)
    print(f"wrote {TARGET.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
