"""Asks the planned questions of one endpoint: unchanged rows twice, then every relation, interleaved over both arms."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from ghmlops.commands.synthetic.results import Case
from ghmlops.commands.synthetic.session import BASELINE, CANDIDATE
from ghmlops.core.answers.rules import make_rules
from ghmlops.core.synthetic.ask import When
from ghmlops.core.synthetic.compare import Observation, Reading, judge
from ghmlops.core.synthetic.judge import Pair
from ghmlops.core.synthetic.noise import Noise, learn
from ghmlops.core.synthetic.rows.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.commands.synthetic.plan import EndpointPlan, PlannedRow
    from ghmlops.commands.synthetic.session import Session
    from ghmlops.core.answers.rules import Rules
    from ghmlops.core.policy.before_traffic.synthetic import Synthetic
    from ghmlops.core.synthetic.question import Question

_ORDER_STREAM = 3
"""Key of the random stream of the order of the arms."""
SAME_TWICE, UNDER_LOAD, COLD_WARM = "same-twice", "under-load", "cold-warm"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointCases:
    """What was asked of one endpoint.

    Attributes:
        cases: cases by relation.
        noise: the noise floor.
        rows: rows whose questions were all asked.
        rules: rules of the comparisons beyond the noise.
    """

    cases: dict[str, list[Case]]
    noise: Noise
    rows: int
    rules: Rules


class EndpointRun:
    """Asks the questions of one endpoint.

    Args:
        plan: what is asked.
        policy: section of the policy.
        session: connections to the arms.
        seed: seed of the order of the arms.
        deadline: end of asking on the monotonic clock, in seconds.
    """

    def __init__(self, plan: EndpointPlan, policy: Synthetic, session: Session, seed: int, deadline: float) -> None:
        self._plan, self._policy, self._session, self._deadline = plan, policy, session, deadline
        self._stream = Stream(seed, _ORDER_STREAM, plan.maker.number)
        self._bare = make_rules(policy.ignore)
        self._cases: dict[str, list[Case]] = defaultdict(list)
        self._plain: dict[str, list[Reading]] = {arm: [] for arm in session.arms}
        self._again: dict[str, list[Reading]] = {arm: [] for arm in session.arms}

    def ask_all(self) -> EndpointCases:
        """Ask everything within the time; return what could be judged."""
        rows = self._ask_twice()
        noise = self._learn(len(rows))
        rules = noise.rules(self._policy.ignore)
        self._judge_plain(rows, rules)
        self._ask_crowd(rows, rules)
        complete = 0
        for position, row in enumerate(rows):
            if self._late():
                break
            self._ask_relations(position, row, rules)
            complete += 1
        self._ask_first_again(rows, rules)
        return EndpointCases(cases=dict(self._cases), noise=noise, rows=complete, rules=rules)

    def _late(self) -> bool:
        return time.monotonic() > self._deadline or self._session.over

    def _arms(self) -> list[str]:
        return self._stream.shuffled(self._session.arms)

    def _ask_twice(self) -> list[PlannedRow]:
        """Ask each row, and again after the row behind it; return the rows that were asked twice."""
        rows: list[PlannedRow] = []
        for row in self._plan.rows:
            if self._late():
                break
            for arm in self._arms():
                self._plain[arm].append(self._session.ask(arm, row.message))
            if rows:
                self._repeat(rows[-1])
            rows.append(row)
        if rows:
            self._repeat(rows[-1])
        return rows

    def _repeat(self, row: PlannedRow) -> None:
        message = msgspec.structs.replace(row.message, when=When.AFTER_OTHER)
        for arm in self._arms():
            self._again[arm].append(self._session.ask(arm, message))

    def _learn(self, rows: int) -> Noise:
        """Learn the noise floor from the baseline; without one, from the candidate."""
        arm = BASELINE if BASELINE in self._session.arms else CANDIDATE
        pairs = list(zip(self._plain[arm][:rows], self._again[arm][:rows], strict=True))
        answered = [pair for pair in pairs if all(one.answer.successful for one in pair)]
        return learn(answered, self._policy.ignore, self._policy.tolerance)

    def _judge_plain(self, rows: list[PlannedRow], rules: Rules) -> None:
        """Judge the relations about the unchanged requests, whose answers are there already."""
        reusing = [relation.id for relation in self._plan.relations if relation.reuses_source]
        for position, row in enumerate(rows):
            for name in reusing:
                self._add(name, row, rules, lambda arm, q: judge(q.expected, None, self._plain[arm][position], q.how))  # noqa: B023  (called at once)
            # Judged without the tolerance that was learned from the baseline's own pairs.
            self._add(
                SAME_TWICE,
                row,
                self._bare,
                lambda arm, q: judge(q.expected, self._plain[arm][position], self._again[arm][position], q.how),  # noqa: B023
            )

    def _ask_crowd(self, rows: list[PlannedRow], rules: Rules) -> None:
        """Ask all rows over all connections at once; every row is then the load of the others."""
        crowd = [(position, row) for position, row in enumerate(rows) if UNDER_LOAD in row.questions]
        if not crowd or self._late():
            return
        messages = [row.questions[UNDER_LOAD].changed for _, row in crowd]
        answers = {arm: self._session.crowd(arm, messages) for arm in self._arms()}
        for index, (position, row) in enumerate(crowd):
            self._add(
                UNDER_LOAD,
                row,
                rules,
                lambda arm, q: judge(q.expected, self._plain[arm][position], answers[arm][index], q.how),  # noqa: B023
            )

    def _ask_relations(self, position: int, row: PlannedRow, rules: Rules) -> None:
        done = {SAME_TWICE, UNDER_LOAD, COLD_WARM, *(r.id for r in self._plan.relations if r.reuses_source)}
        plain = {arm: self._plain[arm][position] for arm in self._session.arms}
        for name, question in row.questions.items():
            if name in done:
                continue
            earlier = plain if question.source == row.message else {}
            self._add(name, row, rules, lambda arm, q: self._session.observe(arm, replace(q, earlier=earlier)))  # noqa: B023

    def _ask_first_again(self, rows: list[PlannedRow], rules: Rules) -> None:
        for position, row in enumerate(rows):
            if COLD_WARM in row.questions and not self._late():
                earlier = {arm: self._plain[arm][position] for arm in self._session.arms}
                self._add(COLD_WARM, row, rules, lambda arm, q: self._session.observe(arm, replace(q, earlier=earlier)))  # noqa: B023

    def _add(self, name: str, row: PlannedRow, rules: Rules, observe: Callable[[str, Question], Observation]) -> None:
        """Observe the question of a relation on both arms, in random order."""
        question = row.questions.get(name)
        if question is None:
            return
        question = replace(question, how=replace(question.how, rules=rules))
        observations = {arm: observe(arm, question) for arm in self._arms()}
        pair = Pair(row=row.index, candidate=observations[CANDIDATE], baseline=observations.get(BASELINE))
        self._cases[name].append(Case(endpoint=self._plan.name, question=question, pair=pair, plan=self._plan))


def ask_saved(session: Session, questions: list[tuple[str, Question]]) -> list[Case]:
    """Ask saved cases on both arms."""
    cases = []
    for endpoint, question in questions:
        if question.against_baseline and BASELINE not in session.arms:
            alone = Observation(violated=None, what="it compares with a baseline, and there is none")
            cases.append(Case(endpoint=endpoint, question=question, pair=Pair(row=question.row, candidate=alone)))
            continue
        observations = {arm: session.observe(arm, question) for arm in session.arms}
        pair = Pair(row=question.row, candidate=observations[CANDIDATE], baseline=observations.get(BASELINE))
        cases.append(Case(endpoint=endpoint, question=question, pair=pair))
    return cases
