"""A strict YAML parser and reader combinators: every value keeps its line and path for error messages.

Scalars stay text (the country `NO` is not a boolean); each reader states the type that it expects. Anchors, aliases,
tags, duplicate keys and further documents are rejected, so that a hostile file cannot expand in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import yaml

from ghmlops.core import quantities
from ghmlops.core.errors import PolicyError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
MAX_BYTES = 262_144
MAX_DEPTH = 20


class Located(msgspec.Struct, frozen=True, kw_only=True):
    """A YAML value with its line and its path in the document.

    `value` is text, `None`, or a list or dict of `Located`.
    """

    value: str | list[Located] | dict[str, Located] | None
    line: int
    path: str
    file: str

    def error(self, problem: str, hint: str = "") -> PolicyError:
        """Return the error for a problem with this value; its message names file, line (if it has one) and path."""
        line = f"{self.file}:{self.line}" if self.line else self.file
        return PolicyError(f"{line}: `{self.path}`: {problem}" if self.path else f"{line}: {problem}", hint=hint)


def parse(text: str, file: str) -> Located:
    """Parse one strict YAML document.

    Raises:
        PolicyError: The text is not valid YAML, or uses a rejected feature (see the module's docstring).
    """
    if len(text) > MAX_BYTES:
        raise PolicyError(
            f"{file}: larger than {MAX_BYTES} bytes", hint="a policy is a short file; is this the right one?"
        )
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, yaml.AnchorToken | yaml.AliasToken | yaml.TagToken):
                line = token.start_mark.line + 1
                raise PolicyError(
                    f"{file}:{line}: anchors, aliases and tags are not allowed", hint="write the value out"
                )
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not valid YAML"
        raise PolicyError(f"{file}:{line}: {problem}", hint="check the indentation and quoting of that line") from None
    except ValueError as error:  # an escape sequence that is not a character
        raise PolicyError(f"{file}: {error}", hint="look for a `\\U` or `\\x` escape in double quotes") from None
    except RecursionError:
        raise PolicyError(f"{file}: nested too deeply", hint="a policy has at most a few levels") from None
    if node is None:
        raise PolicyError(f"{file}: the file is empty", hint="`ghmlops init` writes a policy for this repository")
    return _locate(node, "", file, 0)


def _locate(node: yaml.Node, path: str, file: str, depth: int) -> Located:
    line = node.start_mark.line + 1
    if depth > MAX_DEPTH:
        raise PolicyError(f"{file}:{line}: nested too deeply", hint="a policy has at most a few levels")
    if isinstance(node, yaml.MappingNode):
        entries: dict[str, Located] = {}
        for key, value in node.value:
            name = str(key.value)
            child_path = f"{path}.{name}" if path else name
            if not isinstance(key, yaml.ScalarNode):
                raise PolicyError(f"{file}:{key.start_mark.line + 1}: a key must be plain text", hint="quote the key")
            if name in entries:
                raise PolicyError(
                    f"{file}:{key.start_mark.line + 1}: `{child_path}` is given twice", hint="keep one of them"
                )
            inner = _locate(value, child_path, file, depth + 1)
            entries[name] = Located(
                value=inner.value,
                line=key.start_mark.line + 1,
                path=child_path,
                file=file,
            )
        return Located(value=entries, line=line, path=path, file=file)
    if isinstance(node, yaml.SequenceNode):
        items = [_locate(item, f"{path}[{index}]", file, depth + 1) for index, item in enumerate(node.value)]
        return Located(value=items, line=line, path=path, file=file)
    plain_null = node.tag == "tag:yaml.org,2002:null"
    return Located(value=None if plain_null else str(node.value), line=line, path=path, file=file)


def from_values(value: object, name: str, path: str = "", depth: int = 0) -> Located:
    """Return Python values as a located document without lines, so that the same readers check them.

    Args:
        value: mapping, sequence, text, number, boolean or None, nested.
        name: name of the document in messages.
        path: path of the value in the document.
        depth: number of levels above the value.

    Raises:
        PolicyError: A value is of another type, or the values are nested too deeply.
    """
    if depth > MAX_DEPTH:
        raise PolicyError(f"{name}: nested too deeply", hint="a policy has at most a few levels")
    content: str | list[Located] | dict[str, Located] | None
    if isinstance(value, Mapping):
        content = {
            str(key): from_values(inner, name, f"{path}.{key}" if path else str(key), depth + 1)
            for key, inner in value.items()
        }
    elif isinstance(value, list | tuple):
        content = [from_values(item, name, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)]
    elif isinstance(value, bool):
        content = str(value).lower()
    elif value is None or isinstance(value, str | int | float):
        content = None if value is None else str(value)
    else:
        raise PolicyError(
            f"{name}: `{path}`: a value of type {type(value).__name__}", hint="use text, numbers, lists and mappings"
        )
    return Located(value=content, line=0, path=path, file=name)


def text(at: Located) -> str:
    """Read non-empty text."""
    if not isinstance(at.value, str) or not at.value.strip():
        raise at.error(
            "expected text" if at.value is None or at.value == "" else "expected text, not a list or mapping"
        )
    if any(ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF for c in at.value):
        raise at.error("control characters and lone surrogates are not allowed here")
    return at.value


def scalar(convert: Callable[[str], T]) -> Callable[[Located], T]:
    """Make a reader from a conversion function that raises ValueError with a message."""

    def read(at: Located) -> T:
        try:
            return convert(text(at))
        except ValueError as error:
            example = quantities.EXAMPLES.get(getattr(convert, "__name__", ""))
            raise at.error(str(error), f"write it as {example}" if example else "") from None

    return read


def one_of(*options: str) -> Callable[[Located], str]:
    """Make a reader that accepts one of several words."""

    def read(at: Located) -> str:
        word = text(at)
        if word not in options:
            raise at.error(f'"{word}" is not valid', nearest(word, options))
        return word

    return read


def listing(read: Callable[[Located], T]) -> Callable[[Located], tuple[T, ...]]:
    """Make a reader of a list; a single value is read as a list of one."""

    def read_all(at: Located) -> tuple[T, ...]:
        if isinstance(at.value, list):
            return tuple(read(item) for item in at.value)
        return (read(at),)

    return read_all


def table(key: Callable[[str], str], read: Callable[[Located], T]) -> Callable[[Located], dict[str, T]]:
    """Make a reader of a mapping with arbitrary keys; `key` normalises a key or raises ValueError with a message."""

    def read_all(at: Located) -> dict[str, T]:
        result: dict[str, T] = {}
        for name, value in entries(at).items():
            try:
                normalised = key(name)
            except ValueError as error:
                raise value.error(str(error)) from None
            if normalised in result:
                raise value.error("is given twice, under two spellings", "keep one of them")
            result[normalised] = read(value)
        return result

    return read_all


def entries(at: Located) -> dict[str, Located]:
    """Read a mapping as it stands."""
    if not isinstance(at.value, dict):
        raise at.error("expected a mapping (key: value)")
    return at.value


def record(
    make: Callable[..., T], readers: Mapping[str, Callable[[Located], Any]], required: tuple[str, ...] = ()
) -> Callable[[Located], T]:
    """Make a reader of a mapping with fixed keys into `make(**fields)`; `-` in a key becomes `_` in the field.

    An unknown key is an error that names it and the nearest valid one; a missing required key is an error too.
    """

    def read(at: Located) -> T:
        values = entries(at)
        for name, value in values.items():
            if name not in readers:
                raise value.error(f"unknown key `{name}`", nearest(name, tuple(readers)))
        for name in required:
            if name not in values:
                section = f"`{at.path}`" if at.path else "the policy"
                raise at.error(f"{section} needs the key `{name}`", f"add `{name}:`")
        fields = {name.replace("-", "_").replace(".", "_"): readers[name](value) for name, value in values.items()}
        return make(**fields)

    return read
