"""Why a budget refuses a command."""

from domain.core import Refused


class AlreadyImported(Refused):
    """This document's positions are in the budget already."""

    code = "budget.already_imported"


class NothingToImport(Refused):
    """The document has no positions."""

    code = "budget.nothing_to_import"


class OtherCurrency(Refused):
    """The budget is kept in another currency, and currencies are never added together."""

    code = "budget.other_currency"


class UnknownPosition(Refused):
    """There is no such position in the budget, or it was removed."""

    code = "position.unknown"
    kind = "unknown"


class PositionIdTaken(Refused):
    """Another position has this id."""

    code = "position.id_taken"


class RevisionConflict(Refused):
    """Somebody changed this position since you read it."""

    code = "revision_conflict"


class BadAmount(Refused):
    """A number is not finite, too large, or has too many decimals."""

    code = "position.bad_amount"
    kind = "invalid"


class UnknownVersion(Refused):
    """The budget has no such version."""

    code = "budget.unknown_version"
    kind = "unknown"


class TwiceInBulk(Refused):
    """A bulk edit or a variation names a position twice."""

    code = "budget.twice_in_bulk"
    kind = "invalid"


class UnknownVariation(Refused):
    """The budget has no such variation."""

    code = "variation.unknown"
    kind = "unknown"


class VariationIdTaken(Refused):
    """Another variation has this id."""

    code = "variation.id_taken"


class VariationOutdated(Refused):
    """The variation touches `positions` that are no longer what it saw: look at them, and revise it."""

    code = "variation.outdated"


class VariationEmpty(Refused):
    """The variation would change nothing."""

    code = "variation.empty"
    kind = "invalid"


class VariationNotSubmitted(Refused):
    """The variation is a draft: it must be submitted before it is decided on."""

    code = "variation.not_submitted"


class VariationClosed(Refused):
    """The variation was approved, rejected or withdrawn already: draft another one."""

    code = "variation.closed"


class VariationRevisedSince(Refused):
    """Somebody revised this variation since you read it."""

    code = "variation.revised_since"
