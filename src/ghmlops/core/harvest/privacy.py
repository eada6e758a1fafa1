"""Finds secrets and identifiers in text: the last check of everything that is written from live traffic.

The rules prefer a false alarm to a leak, because a hit costs a field name in the policy and a leak cannot be undone.
Numbers with a fraction are not searched for numbers of cards and telephones.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    Screen = Callable[[str], object]

OWN = "request identifier"
"""Kind of the identifiers of requests and clients themselves."""
_MIN_ENTROPY = 3.5
"""Bits per character above which a long mixed text counts as a token; words of a language have about 2.5."""
_WORD = re.compile(r"[A-Za-z0-9_.:@+-]{6,}")
_LARGEST = 2.0**63
"""Whole numbers below are searched, however they are written."""
_PLAIN = r"(?<![A-Za-z0-9])"
_END = r"(?![A-Za-z0-9])"
_NUMBER = r"(?<!\d)(?<!\d\.)"
_WHOLE = r"(?!\d|\.\d*[1-9])"
"""Around a whole number: a point may follow, as at the end of a sentence and in `12.0`, but no fraction."""


def _luhn(text: str) -> bool:
    """Return whether the digits have a valid check digit (ISO/IEC 7812-1)."""
    digits = [int(c) for c in reversed(text) if c.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _iban(text: str) -> bool:
    """Return whether the text has the remainder of an IBAN (ISO 13616)."""
    compact = "".join(c for c in text.upper() if c.isalnum())
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


def _is_random(text: str) -> bool:
    """Return whether the text mixes letters and digits as only a generated token does."""
    if not (any(c.isdigit() for c in text) and any(c.isalpha() for c in text)):
        return False
    shares = [count / len(text) for count in Counter(text).values()]
    return -sum(share * math.log2(share) for share in shares) >= _MIN_ENTROPY


def _always(_text: str) -> bool:
    return True


def _has(*parts: str) -> Screen:
    """Return the screen of a pattern whose matches contain one of the parts."""
    return re.compile("|".join(map(re.escape, parts))).search


def _has_folded(*parts: str) -> Screen:
    """Return the screen of a pattern whose matches contain one of the parts, in capitals or not."""
    search = _has(*parts)
    # A pattern that ignores case also matches letters outside ASCII, which only `casefold` maps to ASCII.
    return lambda text: search(text.casefold())


def _may_be_telephone(text: str) -> bool:
    return "+" in text or "00" in text or _NATIONAL.search(text) is not None


def _may_be_mac(text: str) -> bool:
    return text.count(":") + text.count("-") >= 5


def _may_be_ip(text: str) -> bool:
    return _IPV4_PART.search(text) is not None or text.count(":") >= 4 or "::" in text


_NATIONAL = re.compile(r"\d{3}[ .-]\d{4}")
_IPV4_PART = re.compile(r"\.\d{1,3}\.")
_CARD_DIGITS = re.compile(r"[2-6](?<!\d\d)(?<!\d\.\d)[\d -]{10}")
_LONG = re.compile(r"[A-Za-z0-9_+-]{20}")
_COUNTRY = re.compile(r"[A-Z]{2}\d{2}")
_HARMLESS = re.compile(r"[^@%=:.]{0,7}|[^@%=:.\s\d+-]{0,18}")
"""Texts in which no pattern matches: short ones without the signs of a short secret."""


class Rule(NamedTuple):
    """A kind of secret.

    Attributes:
        kind: what is shown of a hit.
        pattern: what the secret looks like.
        test: whether a match is one.
        screen: what every text with a match meets. It is many times faster than the pattern, and most texts fail it.
    """

    kind: str
    pattern: re.Pattern[str]
    test: Callable[[str], bool]
    screen: Screen


RULES: tuple[Rule, ...] = (
    Rule(
        "e-mail address",
        re.compile(r"[^\s@<>\"',;:/\\]{1,64}(?:@|%40)[A-Za-z0-9.-]{1,253}\.[A-Za-z]{2,24}"),
        _always,
        _has("@", "%40"),
    ),
    Rule("private key", re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY"), _always, _has("PRIVATE KEY")),
    Rule("JSON Web Token", re.compile(r"eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}"), _always, _has("eyJ")),
    Rule(
        "access key",
        re.compile(
            _PLAIN + r"(?:(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"
            r"|glpat-[A-Za-z0-9_-]{16,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{30,}"
            r"|(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{20,}|hf_[A-Za-z0-9]{20,})"
        ),
        _always,
        _has("AKIA", "ASIA", "gh", "github_pat_", "glpat-", "xox", "AIza", "sk", "pk", "rk", "npm_", "hf_"),
    ),
    Rule(
        "authorisation",
        re.compile(r"(?i)\b(?:bearer|basic)\s+[A-Za-z0-9+/._~=-]{8,}"),
        _always,
        _has_folded("bea", "bas"),
    ),
    Rule(
        "password",
        re.compile(r"(?i)(?:passw(?:or)?d|passwd|pwd|secret|api[-_]?key|token)[\"']?\s*[=:]\s*[\"']?[^\s\"',;&]{3,}"),
        _always,
        _has_folded("pass", "pwd", "secret", "key", "token"),
    ),
    Rule("user in a URL", re.compile(r"[a-z][a-z0-9+.-]{1,20}://[^\s/@:]{1,80}:[^\s/@]{1,200}@"), _always, _has("://")),
    Rule(
        "card number",
        re.compile(
            # Four groups of four; American Express; Diners Club; Maestro and UnionPay in one piece.
            _NUMBER + r"(?:(?:(?:4\d|5\d|2[2-7]|6\d)\d{2}|35(?:2[89]|[3-8]\d))(?:[ -]?\d{4}){3}"
            r"|3[47]\d{2}[ -]?\d{6}[ -]?\d{5}|3(?:0[0-5]|[689]\d)\d[ -]?\d{6}[ -]?\d{4}"
            r"|(?:5[06-9]|6\d)\d{10,17})" + _WHOLE
        ),
        _luhn,
        _CARD_DIGITS.search,
    ),
    Rule(
        "IBAN",
        re.compile(_PLAIN + r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?" + _END),
        _iban,
        _COUNTRY.search,
    ),
    Rule(
        "social security number",
        re.compile(r"(?<![\d.-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])"),
        _always,
        _has("-"),
    ),
    Rule(
        "telephone number",
        re.compile(
            r"(?<![\w+])(?<!\d\.)(?:\+|00)[1-9](?:[ ()./-]{0,2}\d){7,14}" + _WHOLE + "|"
            r"(?<!\w)(?<!\d\.)(?:1[ .-])?(?:\(?\d{3}\)?[ .-]|\(\d{3}\))\d{3}[ .-]\d{4}(?!\w)" + _WHOLE
        ),
        _always,
        _may_be_telephone,
    ),
    Rule(
        "UUID",
        re.compile(r"(?i)(?<![0-9a-f])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-f])"),
        _always,
        _has("-"),
    ),
    Rule(
        "MAC address",
        re.compile(r"(?i)(?<![0-9a-f:])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![0-9a-f:])"),
        _always,
        _may_be_mac,
    ),
    Rule(
        "IP address",
        re.compile(
            r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.]*\d)"
            r"|(?i:(?<![0-9a-z:])(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{0,4}(?![0-9a-z:])"
            r"|(?<![0-9a-z:])(?:[0-9a-f]{1,4}:){1,6}:(?:[0-9a-f]{1,4}:){0,5}[0-9a-f]{1,4}(?![0-9a-z:]))"
        ),
        _always,
        _may_be_ip,
    ),
    Rule("token", re.compile(_PLAIN + r"[A-Za-z0-9_+-]{20,}={0,2}" + _END), _is_random, _LONG.search),
)
"""Only the kind is ever shown."""


def find_secrets(text: str, identifiers: Collection[str] = (), allowed: Collection[str] = ()) -> Iterator[str]:
    """Yield the kind of each secret or identifier in a text.

    Args:
        text: text to search.
        identifiers: identifiers of requests and clients, which may not occur as words.
        allowed: texts that are no secrets although they look like one: digests and commits of this project's evidence.
    """
    for rule in () if _HARMLESS.fullmatch(text) else RULES:
        if rule.screen(text) and any(
            not _is_allowed(match, allowed) and rule.test(match[0]) for match in rule.pattern.finditer(text)
        ):
            yield rule.kind
    if next(_identifiers(text, identifiers), None) is not None:
        yield OWN


def _is_allowed(match: re.Match[str], allowed: Collection[str]) -> bool:
    """Return whether a match, or the run of letters and digits that it is a part of, is allowed.

    Digits within a digest may be those of a card number: one of 800 digests has such.
    """
    if match[0] in allowed:
        return True
    text, (start, end) = match.string, match.span()
    while start and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum():
        end += 1
    return text[start:end] in allowed


def _identifiers(text: str, identifiers: Collection[str]) -> Iterator[str]:
    """Yield each of the identifiers that the text is, or that is a word of it."""
    if identifiers:
        words = (word for match in _WORD.findall(text) for word in (match, match.strip(".:@+-")))
        yield from {word for word in (text, *words) if word in identifiers}


def find_identifiers(value: object, identifiers: Collection[str]) -> set[str]:
    """Return those of the identifiers that occur in a JSON value."""
    return {word for text in _texts(value) for word in _identifiers(text, identifiers)} if identifiers else set()


def find_in_value(value: object, identifiers: Collection[str] = (), allowed: Collection[str] = ()) -> Iterator[str]:
    """Yield the kind of each secret or identifier in a JSON value: its texts, its keys and its whole numbers."""
    for text in _texts(value):
        yield from find_secrets(text, identifiers, allowed)


def _texts(value: object) -> Iterator[str]:
    # A stack, not recursion: a hostile value may be nested deeper than Python calls.
    stack = [value]
    while stack:
        match stack.pop():
            case str() as text:
                yield text
            case bool() | None:
                continue
            case int() as number:
                yield str(number)
            case float() as number if number.is_integer() and abs(number) < _LARGEST:
                # A column with gaps has its whole numbers as numbers with a fraction.
                yield str(int(number))
            case dict() as members:
                stack += [inner for key, item in reversed(members.items()) for inner in (item, str(key))]
            case list() | tuple() as items:
                stack += reversed(items)
