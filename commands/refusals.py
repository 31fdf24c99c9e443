"""Why the bus itself refuses, before or after the domain is asked."""

from domain.core import Refused


class NotSignedIn(Refused):
    """Log in, or send a bearer token."""

    code = "not_signed_in"
    kind = "unauthenticated"


class Forbidden(Refused):
    """Your role does not allow this."""

    code = "forbidden"
    kind = "forbidden"


class PersonErased(Refused):
    """This account's personal data were erased: nothing that is personal can be stored for it any more."""

    code = "person_erased"
    kind = "forbidden"


class IdempotencyMismatch(Refused):
    """This idempotency key was used for another command: use a new key for a new command."""

    code = "idempotency_mismatch"
    kind = "invalid"


class Busy(Refused):
    """Others changed the same thing at the same moment, several times over: send the command again."""

    code = "busy"


class LogBusy(Refused):
    """The event log cannot be reached; nothing was stored. Send the same command again with the same key."""

    code = "log_unavailable"
    kind = "unavailable"


class OutcomeUnknown(Refused):
    """The connection to the log broke before its answer. Send the same command again with the same key to learn it."""

    code = "outcome_unknown"
    kind = "unavailable"
