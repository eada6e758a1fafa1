"""The language of the field: no bare participles as names, no private idiom in prose (DESIGN, section 6)."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PARTICIPLES = frozenset(
    [
        *("asked", "begun", "chosen", "ended", "found", "given", "gone", "held", "kept", "known", "made", "meant"),
        *("picked", "placed", "said", "seen", "shown", "taken", "told", "tried", "wanted"),
    ]
)
"""Names that say that something happened, not what the value is."""
IDIOM = re.compile(
    r"\b(?:[Mm]end(?:s|ed|ing)?|[Tt]old|[Hh]unt(?:s|ed|ing)?|[Cc]oins?|cry wolf|[Ff]or people"
    r"|of one's own|a slip of the pen|blotted|lets? by)\b"
)
NAMES: dict[str, str] = {}
"""`file:name` of an identifier that may stay, and why."""
PROSE: dict[str, str] = {}
"""`file:phrase` of a phrase that may stay, and why."""
QUOTED: dict[str, str] = {
    "tests/core/predictions/contract/test_checks.py:quality of rows without a label": (
        "the id of an entry of `not_measured`: these lists have no other"
    ),
}
"""`file:sentence` of a sentence that a test may quote, and why."""
PROSE_WORDS = 6
"""A text of this many words or more, one of them a function word, is a sentence."""
WORD = re.compile(r"""[("'\u201c\\]*(?:[A-Za-z][A-Za-z'\u2019-]+|[aAI])[.,;:!?)"'\u201d\\]*""")
FUNCTION_WORDS = frozenset(
    [
        *("a", "an", "and", "are", "as", "at", "be", "by", "can", "did", "does", "for", "from", "has", "in"),
        *("is", "it", "no", "not", "of", "on", "only", "or", "than", "that", "the", "there", "this", "to"),
        *("was", "were", "which", "with", "without", "would"),
    ]
)
FOLDERS = ("src", "scripts", "tests")
DOCUMENTS = (
    *("README.md", "CHANGELOG.md", "action.yml", "actions/**/*.md", "actions/**/*.yml"),
    *(".github/**/*.md", ".github/**/*.yml", "scripts/**/*.md", "src/**/*.yml"),
)


class Use(NamedTuple):
    """One use of a word: where it stands, and the key under which it may be excepted."""

    where: str
    key: str


def bound_names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield every name that the code chooses, with its line: variables, parameters, attributes, functions, classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno


def python_files(root: Path) -> Iterator[Path]:
    """Yield every Python file of the project, scripts without a suffix included."""
    for path in sorted(path for folder in FOLDERS for path in (root / folder).rglob("*")):
        if not path.is_file() or "__pycache__" in path.parts or "node_modules" in path.parts:
            continue
        if path.suffix == ".py" or (not path.suffix and b"python" in path.read_bytes()[:30]):
            yield path


def participles(root: Path) -> list[Use]:
    """Return every identifier that is a bare participle."""
    uses = []
    for path in python_files(root):
        name = path.relative_to(root).as_posix()
        for identifier, line in bound_names(ast.parse(path.read_text(encoding="utf-8"))):
            if identifier.strip("_").lower() in PARTICIPLES:
                uses.append(Use(f"{name}:{line}: {identifier}", f"{name}:{identifier}"))
    return uses


def idioms(root: Path) -> list[Use]:
    """Return every phrase of the private idiom in documents, docstrings, comments and messages."""
    uses = []
    documents = {path for pattern in DOCUMENTS for path in root.glob(pattern)}
    for path in sorted(documents | set(python_files(root))):
        name = path.relative_to(root).as_posix()
        if name == "tests/contract/test_language.py":  # lists the phrases
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            uses += [Use(f"{name}:{number}: {match[0]}", f"{name}:{match[0]}") for match in IDIOM.finditer(line)]
    return uses


def is_prose(text: str) -> bool:
    """Return whether the text reads as a sentence, not as a list of names, numbers, markup or arguments."""
    words = [word for word in text.split() if WORD.fullmatch(word)]
    return len(words) >= PROSE_WORDS and any(word.strip("\\(.,;").lower() in FUNCTION_WORDS for word in words)


def expected_texts(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each text constant of an `assert` or of a `match=`, with its line; fields of an f-string become `{}`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield from _texts(node.test)
        elif isinstance(node, ast.keyword) and node.arg == "match":
            yield from _texts(node.value)


def _texts(node: ast.AST) -> Iterator[tuple[str, int]]:
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
        yield "".join(map(str, parts)), node.lineno
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str | bytes):
            yield node.value if isinstance(node.value, str) else node.value.decode("latin-1"), node.lineno
    else:
        for child in ast.iter_child_nodes(node):
            yield from _texts(child)


def quoted_sentences(root: Path) -> list[Use]:
    """Return every sentence that an assertion of a test quotes; golden files are the place for sentences."""
    uses = []
    for path in sorted((root / "tests").rglob("*.py")):
        name = path.relative_to(root).as_posix()
        for text, line in expected_texts(ast.parse(path.read_text(encoding="utf-8"))):
            if is_prose(text):
                uses.append(Use(f"{name}:{line}: {text}", f"{name}:{text}"))
    return uses


@pytest.mark.parametrize(("search", "exceptions"), [(participles, NAMES), (idioms, PROSE), (quoted_sentences, QUOTED)])
def test_words_are_those_of_the_field(
    root: Path, search: Callable[[Path], list[Use]], exceptions: dict[str, str]
) -> None:
    """No participle as a name, no private idiom, no quoted sentence; exceptions have a reason and are needed."""
    uses = search(root)
    assert [use.where for use in uses if use.key not in exceptions] == []
    assert set(exceptions) <= {use.key for use in uses}
    assert all(exceptions.values())


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("found = 1", {"found"}),
        ("def f(told, *, rows): pass", {"f", "told", "rows"}),
        ("class C:\n    kept: int = 0", {"C", "kept"}),
        ("for said in x: pass", {"said"}),
        ("self.known = 1", {"known"}),
        ("with a as shown: pass", {"shown"}),
        ("[wanted for wanted in x]", {"wanted"}),
        ("if (made := f()): pass", {"made"}),
    ],
)
def test_every_binding_is_checked(code: str, names: set[str]) -> None:
    """The lint covers variables, parameters, attributes, loops, `with`, comprehensions and assignment expressions."""
    assert {name for name, _ in bound_names(ast.parse(code))} == names


@pytest.mark.parametrize("text", ["We mend it.", "He was told.", "a hunt", "the coins", "of one's own", "For people."])
def test_the_idiom_is_recognised(text: str) -> None:
    """Each phrase is recognised at any position in a sentence."""
    assert IDIOM.search(text)


@pytest.mark.parametrize(
    ("code", "quoted"),
    [
        ('assert text == "The service is not ready after one second."', True),
        ('assert f"process {pid} is not a preview of this machine" in text', True),
        ('assert f"process {pid} is not a {kind}" in text', False),
        ('assert {"reason": ["the policy has no section of that name"]} == result', True),
        ('assert b"the policy has no section of that name" in data', True),
        (r'with raises(E, match=r"the policy has no section\.|never one of that name"): pass', True),
        ('text = "the policy has no section of that name"', False),
        ('assert text == "p50 rose from 1 to 3 ms"', False),
        ('assert argv == "latency --url x --seed y --shard z --leg w --token t --json"', False),
        ('assert \'<rect class="bar" x="8.5" y="8.0" width="151.0" height="114.0"/>\' in svg', False),
    ],
)
def test_a_quoted_sentence_is_recognised(code: str, quoted: bool) -> None:
    """A sentence has six words or more; numbers, fields, options and markup are no words."""
    assert any(is_prose(text) for text, _ in expected_texts(ast.parse(code))) is quoted
