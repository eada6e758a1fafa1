"""A question: the requests of one relation on one row, as they are sent to both arms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.synthetic.ask import Expected
    from ghmlops.core.synthetic.compare import Comparison, Reading
    from ghmlops.core.synthetic.message import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question.

    Attributes:
        row: index of the generated row; of a saved case, its number.
        expected: what must hold.
        change: the change, in a few words.
        changed: the changed request.
        source: the request to compare with; `None` if only the changed one is judged.
        how: how the answers are compared.
        fields: fields that the change touches.
        against_baseline: whether the source request goes to the baseline, whichever arm is judged.
        earlier: answers of the arms to the source that are not asked for again.
        context: other requests, sent between the source request and the changed one, or in flight with it.
    """

    row: int
    expected: Expected
    change: str
    changed: Message
    source: Message | None
    how: Comparison
    fields: tuple[str, ...] = ()
    against_baseline: bool = False
    earlier: Mapping[str, Reading] = field(default_factory=dict)
    context: tuple[Message, ...] = ()

    @property
    def requests(self) -> int:
        """Requests of asking it once on one arm."""
        return len(self.context) + (2 if self.source is not None and not self.earlier else 1)
