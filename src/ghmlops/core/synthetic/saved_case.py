"""Saved failures: requests and what must hold, complete enough to be replayed without the payload file."""

from __future__ import annotations

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.model import Frozen
from ghmlops.core.policy.before_traffic.synthetic import Assertion
from ghmlops.core.synthetic.ask import Expected
from ghmlops.core.synthetic.constants import REPLAY_CONTEXT
from ghmlops.core.synthetic.message import Message
from ghmlops.core.synthetic.rows.fields import check_path

SCHEMA = "ghmlops/synthetic-cases/v1"
MAX_BYTES = 16 << 20
MAX_CASES = 200


class SavedCase(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """A failure.

    Attributes:
        relation: id of the relation.
        endpoint: method and path of the endpoint.
        expected: what must hold.
        change: the change, in a few words.
        changed: the changed request.
        source: the request that it is compared with; `None` if only the changed one is judged.
        fields: the fields whose values the failure needs; empty: every row fails, or it was not shrunk.
        tolerances: difference of two numbers that counted as equal, by path of the answer.
        ignore: paths of the answer that were not compared.
        score: path of the score.
        assertions: assertions on the answer, by path.
        against_baseline: whether the source request goes to the baseline.
        context: other requests, sent between the source request and the changed one, or in flight with it.
    """

    relation: str
    endpoint: str
    expected: Expected
    change: str
    changed: Message
    source: Message | None = None
    fields: tuple[str, ...] = ()
    tolerances: dict[str, float] = msgspec.field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    score: str = ""
    assertions: dict[str, Assertion] = msgspec.field(default_factory=dict)
    against_baseline: bool = False
    context: tuple[Message, ...] = ()

    @property
    def messages(self) -> tuple[Message, ...]:
        """All requests of the case."""
        return (*(() if self.source is None else (self.source,)), *self.context, self.changed)


class CaseFile(Frozen, frozen=True, kw_only=True):
    """A file of saved failures."""

    schema: str
    cases: tuple[SavedCase, ...]


def write(cases: tuple[SavedCase, ...]) -> bytes:
    """Return the content of a file of cases."""
    return msgspec.json.format(msgspec.json.encode(CaseFile(schema=SCHEMA, cases=cases)), indent=1) + b"\n"


def read(data: bytes, name: str) -> tuple[SavedCase, ...]:
    """Read a file of cases.

    Raises:
        DataError: The file is not one, has no case, or has one that cannot be asked or judged.
    """
    hint = "name the file `synthetic.cases.json` of a run of `ghmlops synthetic`"
    try:
        content = msgspec.json.decode(data, type=CaseFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{name}: not a file of saved cases ({str(error)[:200]})", hint=hint) from None
    if content.schema != SCHEMA:
        raise DataError(f'{name}: the schema is "{content.schema[:60]}", not "{SCHEMA}"', hint=hint)
    if not content.cases or len(content.cases) > MAX_CASES:
        raise DataError(f"{name}: {len(content.cases):,} cases; expected 1 to {MAX_CASES}", hint=hint)
    for number, case in enumerate(content.cases, start=1):
        why = _flaw(case)
        if why:
            raise DataError(f"{name}: case {number}: {why}", hint=hint)
    return content.cases


def _flaw(case: SavedCase) -> str:
    """Return why a case cannot be asked or judged; empty if it can."""
    if len(case.context) > REPLAY_CONTEXT:
        return f"`context` has {len(case.context):,} requests; expected at most {REPLAY_CONTEXT}"
    for path in filter(None, (case.score, *case.assertions)):
        try:
            check_path(path)
        except ValueError as error:
            return str(error)
    for part in (message.part for message in case.messages):
        if part is not None and not 0 <= part.offset < part.offset + part.count <= part.total:
            return "`part` is not within its batch"
    return ""
