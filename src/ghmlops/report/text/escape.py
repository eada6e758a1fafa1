"""Escaping of untrusted text for the format in which it is shown: Markdown, HTML, terminal, workflow commands.

GitHub detects mentions, references and URLs in the *rendered* text, in which backslashes and entities have been
resolved. They are therefore broken up by a zero-width space, which survives rendering and is invisible.
"""

from __future__ import annotations

import html
import re
from urllib.parse import urlsplit

_MARKUP = re.compile(r"[\\`*_\[\]|~$]")
_BLOCK = re.compile(r"(?=[-+=#])|\d{1,2}(?=[.)](?:\s|$))")
"""Matches at the start of a line that would begin a list or a heading, up to the sign that makes it one."""
# Mentions, references, URLs, e-mail schemes and emoji names: GitHub turns them into links or pictures.
_ACTIVE = re.compile(r"(?i)[@#](?=[\w/])|\bGH(?=-\d)|\bwww(?=\.)|:(?=//)|\b(?:mailto|xmpp):|:(?=([\w+-]{1,40}):)")
_ACTIVE_SIGNS = ("@", "#", ":", "H-", "h-", "W.", "w.")
"""Text without any of these has no match of `_ACTIVE`, whose search takes twenty times as long."""
# `:100:` and `:1234:` are the only emoji names of digits; other colons between digits belong to a time of day.
_NO_EMOJI = re.compile(r"(?!100$|1234$)\d+")
_INLINE = re.compile(r"[\\`*_~$|!\[\]]")
_ZERO_WIDTH = "\u200b"
MAX_COMMAND = 500
"""Characters of a shell command; a longer one is left out."""
_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'*+,;=%\[\]-]{1,1900}")


def one_line(text: str, limit: int = 200) -> str:
    """Return `text` on one line, truncated to `limit` characters.

    Control characters and characters that change the writing direction become U+FFFD.
    """
    line = text[:limit] if len(text) <= limit else text[: limit - 1] + "…"
    if not line.isprintable():
        line = "".join(c if c.isprintable() else " " if c in "\t\r\n" else "\ufffd" for c in line)
    return line.strip()


def printable(text: str) -> str:
    """Return `text` on one line for a log or terminal.

    Control characters are replaced by their code (`\\x1b`). Text that the Actions runner would execute as a workflow
    command is broken up with a space.
    """
    line = "".join(c if c.isprintable() else " " if c in "\t\n\r" else f"\\x{ord(c):02x}" for c in text)
    # The runner executes `##[command]` anywhere in a line, and `::command::` at its start, after white space.
    line = line.replace("##[", "## [")
    return line.replace("::", ": :", 1) if line.lstrip().startswith("::") else line


def markdown(text: str, limit: int = 200) -> str:
    """Escape for GitHub-flavoured Markdown, including table cells: no markup, HTML, link, mention or reference."""
    escaped = html.escape(_deactivate(one_line(text, limit)), quote=False)
    escaped = _MARKUP.sub(r"\\\g<0>", escaped)
    block = _BLOCK.match(escaped)
    return f"{escaped[: block.end()]}\\{escaped[block.end() :]}" if block else escaped


def code(text: str, limit: int = 200) -> str:
    """Return `text` as inline code for Markdown, including table cells; the text cannot end the code.

    Only a backtick, and a bar in a table, have a meaning inside backticks. Text with either becomes an HTML element.
    """
    line = one_line(text, limit)
    if line and "`" not in line and "|" not in line:
        return f"`{line}`"
    return f"<code>{_INLINE.sub(lambda m: f'&#{ord(m[0])};', html.escape(_deactivate(line)))}</code>"


def _deactivate(text: str) -> str:
    """Break up text that GitHub would turn into a mention, a reference, a link or an emoji."""
    if not any(sign in text for sign in _ACTIVE_SIGNS):
        return text
    return _ACTIVE.sub(lambda m: m[0] if m[1] and _NO_EMOJI.fullmatch(m[1]) else m[0] + _ZERO_WIDTH, text)


def is_copyable(line: str) -> bool:
    """Return whether a shell command can be displayed unchanged: short enough, and without control characters.

    A command that is displayed in part is dangerous: truncated inside a quotation, it turns what follows into code.
    """
    return len(line) <= MAX_COMMAND and line.isprintable() and line == line.strip()


def copyable_commands(lines: list[str]) -> list[str]:
    """Return the shell commands that can be displayed unchanged; a comment counts those that are left out."""
    commands = [line for line in lines if is_copyable(line)]
    if omitted := len(lines) - len(commands):
        commands.append(f"# {omitted:,} left out: too long, or with characters that cannot be displayed")
    return commands


def fence(lines: list[str], language: str = "sh") -> str:
    """Return shell commands as a fenced code block; the fence is longer than any run of backticks in them."""
    commands = copyable_commands(lines)
    longest = max((len(run) for line in commands for run in re.findall("`+", line)), default=0)
    ticks = "`" * max(3, longest + 1)
    return "\n".join([f"{ticks}{language}", *commands, ticks])


def safe_url(url: str) -> str:
    """Return `url` if it is an http or https URL with a host and without white space, otherwise an empty string."""
    if not _URL.fullmatch(url):
        return ""
    try:
        return url if urlsplit(url).hostname else ""
    except ValueError:  # malformed IPv6 host
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
