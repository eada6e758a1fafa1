"""Escaping of untrusted text for the place where it lands: Markdown, HTML, workflow commands."""

from __future__ import annotations

import html
import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~>$-])")
_MENTION = re.compile(r"([@#]|\bGH-)(?=\w)")
_INLINE = re.compile(r"[\\`*_~@:$|!\[\]]")
_ZERO_WIDTH = "\u200b"


def one_line(text: str, limit: int = 200) -> str:
    """Return `text` on one line, control and direction-changing characters made visible, cut at `limit` characters."""
    shown = "".join(c if c.isprintable() else "\ufffd" if c not in "\t\r\n" else " " for c in text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def markdown(text: str, limit: int = 200) -> str:
    """Escape for GitHub-flavoured Markdown, inside a table cell too: no markup, HTML, link, mention or reference."""
    shown = html.escape(one_line(text, limit), quote=False)
    shown = _MARKDOWN.sub(r"\\\1", shown)
    shown = re.sub(
        r"(?i)\b(https?|ftp|mailto)(:)|\bwww\.", lambda m: m[0].replace(":", "&#58;").replace(".", "&#46;"), shown
    )
    return _MENTION.sub(lambda m: m[1] + _ZERO_WIDTH, shown)


def code(text: str, limit: int = 200) -> str:
    """Return `text` as an inline code element that nothing inside can leave; made by HTML, safe in a table cell."""
    shown = html.escape(one_line(text, limit))
    return f"<code>{_INLINE.sub(lambda m: f'&#{ord(m[0])};', shown)}</code>"


def page(text: str, limit: int = 2000) -> str:
    """Escape for HTML text and attribute values."""
    return html.escape(one_line(text, limit), quote=True)


def command_data(text: str) -> str:
    """Escape the message of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str) -> str:
    """Escape a property of a workflow command."""
    return command_data(text).replace(":", "%3A").replace(",", "%2C")
