"""The write side: the one command bus, and what it needs to decide."""

from commands.bus import Bus, Receipt
from commands.refusals import Busy, Forbidden, IdempotencyMismatch, LogBusy, NotSignedIn, OutcomeUnknown, PersonErased

__all__ = [
    "Bus",
    "Busy",
    "Forbidden",
    "IdempotencyMismatch",
    "LogBusy",
    "NotSignedIn",
    "OutcomeUnknown",
    "PersonErased",
    "Receipt",
]
