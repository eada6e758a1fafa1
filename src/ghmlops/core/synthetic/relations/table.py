"""The table of relations; adding one is a new file and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.synthetic.relations.declared.absent import ABSENT
from ghmlops.core.synthetic.relations.declared.asserted import ASSERTED
from ghmlops.core.synthetic.relations.declared.invariant import INVARIANT
from ghmlops.core.synthetic.relations.declared.monotone import MONOTONE
from ghmlops.core.synthetic.relations.declared.rescaled import RESCALED
from ghmlops.core.synthetic.relations.inputs.extreme_values import EXTREME_VALUES
from ghmlops.core.synthetic.relations.inputs.illegal_input import ILLEGAL_INPUT
from ghmlops.core.synthetic.relations.inputs.unseen_category import UNSEEN_CATEGORY
from ghmlops.core.synthetic.relations.serving.answered import ANSWERED
from ghmlops.core.synthetic.relations.serving.batch import BATCH
from ghmlops.core.synthetic.relations.serving.batch_order import BATCH_ORDER
from ghmlops.core.synthetic.relations.serving.cold_warm import COLD_WARM
from ghmlops.core.synthetic.relations.serving.same_as_baseline import SAME_AS_BASELINE
from ghmlops.core.synthetic.relations.serving.same_twice import SAME_TWICE
from ghmlops.core.synthetic.relations.serving.under_load import UNDER_LOAD
from ghmlops.core.synthetic.relations.spelling.equal_instants import EQUAL_INSTANTS
from ghmlops.core.synthetic.relations.spelling.key_order import KEY_ORDER
from ghmlops.core.synthetic.relations.spelling.number_spelling import NUMBER_SPELLING
from ghmlops.core.synthetic.relations.spelling.unicode_forms import UNICODE_FORMS
from ghmlops.core.synthetic.relations.spelling.unknown_field import UNKNOWN_FIELD

if TYPE_CHECKING:
    from ghmlops.core.policy.before_traffic.synthetic import Synthetic
    from ghmlops.core.synthetic.relations.base import Relation

RELATIONS: tuple[Relation, ...] = (
    ANSWERED,
    SAME_TWICE,
    BATCH,
    BATCH_ORDER,
    UNDER_LOAD,
    COLD_WARM,
    KEY_ORDER,
    NUMBER_SPELLING,
    UNKNOWN_FIELD,
    EQUAL_INSTANTS,
    UNICODE_FORMS,
    UNSEEN_CATEGORY,
    EXTREME_VALUES,
    ILLEGAL_INPUT,
    ABSENT,
    INVARIANT,
    MONOTONE,
    RESCALED,
    ASSERTED,
    SAME_AS_BASELINE,
)
"""Serving relations first."""


def active(policy: Synthetic, *, compared: bool) -> list[Relation]:
    """Return the relations that a run measures: built-in ones that are not off, and what the policy declares.

    Args:
        policy: section of the policy.
        compared: whether there is a baseline.
    """
    declarations = {
        "answered": True,
        "absent": bool(policy.absent),
        "invariant": bool(policy.invariant),
        "monotone": bool(policy.monotone),
        "rescaled": bool(policy.rescaled),
        "asserted": bool(policy.assertions),
        "same-as-baseline": compared and policy.expect == "same",
    }
    return [relation for relation in RELATIONS if declarations.get(relation.id, policy.runs(relation.id))]
