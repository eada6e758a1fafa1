"""Escaping of untrusted text for the place where it lands: Markdown, HTML, XML, workflow commands.

GitHub looks for mentions, references and addresses in the *rendered* text, where a backslash or an entity is gone. So
these are broken by a zero-width space, which survives rendering and is not seen.
"""

from __future__ import annotations

import html
import re
from urllib.parse import urlsplit

_MARKDOWN = re.compile(r"[\\`*_\[\]|~$]|^[-+=#]|(?<=^\d)[.)](?=\s|$)|(?<=^\d\d)[.)](?=\s|$)")
_ACTIVE = re.compile(r"(?i)[@#](?=[\w/])|\bGH(?=-\d)|\bwww(?=\.)|:(?=//)|\b(?:mailto|xmpp):|:(?=([\w+-]{1,40}):)")
_NO_EMOJI = re.compile(r"(?!100$|1234$)\d+")
_INLINE = re.compile(r"[\\`*_~$|!\[\]]")
_ZERO_WIDTH = "\u200b"
_ADDRESS = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'*+,;=%\[\]-]{1,1900}")


def one_line(text: str, limit: int = 200) -> str:
    """Return `text` on one line, control and direction-changing characters made visible, cut at `limit` characters."""
    cut = text[:limit] if len(text) <= limit else text[: limit - 1] + "…"
    if not cut.isprintable():
        cut = "".join(c if c.isprintable() else " " if c in "\t\r\n" else "\ufffd" for c in cut)
    return cut.strip()


def printable(text: str) -> str:
    """Return `text` on one line for a log or terminal.

    Control characters become `\\x1b` and the like, and text that the Actions runner would execute as a workflow command
    is broken up with a space.
    """
    line = "".join(c if c.isprintable() else " " if c in "\t\n\r" else f"\\x{ord(c):02x}" for c in text)
    # The runner executes `##[command]` anywhere in a line, and `::command::` at its start, white space aside.
    line = line.replace("##[", "## [")
    return line.replace("::", ": :", 1) if line.lstrip().startswith("::") else line


def markdown(text: str, limit: int = 200) -> str:
    """Escape for GitHub-flavoured Markdown, inside a table cell too: no markup, HTML, link, mention or reference."""
    shown = html.escape(_inactive(one_line(text, limit)), quote=False)
    return _MARKDOWN.sub(lambda m: f"\\{m[0]}", shown)


def code(text: str, limit: int = 200) -> str:
    """Return `text` as inline code that nothing inside can leave, safe in a table cell.

    Inside backticks nothing is markup but a backtick, and in a table a bar; text that holds one becomes HTML instead.
    """
    shown = one_line(text, limit)
    if shown and "`" not in shown and "|" not in shown:
        return f"`{shown}`"
    return f"<code>{_INLINE.sub(lambda m: f'&#{ord(m[0])};', html.escape(_inactive(shown)))}</code>"


def _inactive(text: str) -> str:
    """Break what GitHub would make a mention, a reference, a link or an emoji of."""
    return _ACTIVE.sub(lambda m: m[0] if m[1] and _NO_EMOJI.fullmatch(m[1]) else m[0] + _ZERO_WIDTH, text)


def fence(lines: list[str], language: str = "sh") -> str:
    """Return a fenced code block, its fence longer than any run of backticks inside. `lines` hold no line break."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    ticks = "`" * max(3, longest + 1)
    return "\n".join([f"{ticks}{language}", *(one_line(line, 500) for line in lines), ticks])


def safe_url(url: str) -> str:
    """Return `url` where it is a plain http or https address without white space, else nothing."""
    if not _ADDRESS.fullmatch(url):
        return ""
    try:
        return url if urlsplit(url).hostname else ""
    except ValueError:  # a malformed IPv6 host
        return ""


def page(text: str, limit: int = 2000) -> str:
    """Escape for HTML text and attribute values."""
    return html.escape(one_line(text, limit), quote=True)


def command_data(text: str) -> str:
    """Escape the message of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str) -> str:
    """Escape a property of a workflow command."""
    return command_data(text).replace(":", "%3A").replace(",", "%2C")
