"""The edit distance of two texts in characters (Unicode code points)."""

from __future__ import annotations


def edit_distance(first: str, second: str) -> int:
    """Return the Levenshtein distance: the fewest insertions, deletions and replacements of one character.

    Whole columns of the table of distances are computed at once, as the bits of an integer of any length, so that the
    time grows with the length of one text times a sixty-fourth of that of the other.

    Source: Myers (1999), Journal of the ACM 46, 395-415, in the form of Hyyro (2003), algorithm 3.
    """
    prefix = _common_prefix(first, second)
    first, second = first[prefix:], second[prefix:]
    suffix = _common_prefix(first[::-1], second[::-1])
    first, second = (text[: len(text) - suffix] for text in (first, second))
    if len(first) < len(second):
        first, second = second, first
    if not second:
        return len(first)
    places: dict[str, int] = {}
    for index, character in enumerate(first):
        places[character] = places.get(character, 0) | 1 << index
    mask, last = (1 << len(first)) - 1, 1 << (len(first) - 1)
    rises, falls, distance = mask, 0, len(first)
    for character in second:
        match = places.get(character, 0)
        diagonal = ((((match & rises) + rises) ^ rises) | match | falls) & mask
        right_rises = falls | (mask & ~(diagonal | rises))
        right_falls = rises & diagonal
        distance += bool(right_rises & last) - bool(right_falls & last)
        right_rises = (right_rises << 1 | 1) & mask
        rises = (right_falls << 1 | (mask & ~(diagonal | right_rises))) & mask
        falls = right_rises & diagonal
    return distance


def _common_prefix(first: str, second: str) -> int:
    """Return the number of characters that both texts begin with."""
    length = min(len(first), len(second))
    return next((i for i in range(length) if first[i] != second[i]), length)
