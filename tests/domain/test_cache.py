"""Clean-ups of the caches: asked for by administrators under their own account, told once."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.cache import (
    CACHE,
    CleanedUp,
    CleanUpCache,
    CleanUpIdTaken,
    CleanUpRequested,
    NotYourself,
    RecordCleanUp,
    UnknownCleanUp,
)
from tests.domain.history import ALICE, NOW

ME = ALICE
C = UUID(int=0xCA)
ASKED = CleanUpRequested(account_id=ME, clean_up_id=C, unused_since=NOW - timedelta(days=90))
RECORD = RecordCleanUp(account_id=ME, clean_up_id=C, contracts=2, properties=1)
DONE = CleanedUp(account_id=ME, clean_up_id=C, contracts=2, properties=1)


def test_a_clean_up_is_asked_for_up_to_a_moment_and_told_once(given: Any) -> None:
    given(CACHE).when(CleanUpCache(account_id=ME, clean_up_id=C)).then(ASKED)
    given(CACHE, ASKED).when(RECORD).then(DONE)
    given(CACHE, ASKED, DONE).when(RECORD).then()


def test_it_is_asked_for_under_ones_own_account_and_a_new_id(given: Any) -> None:
    given(CACHE).when(CleanUpCache(account_id=UUID(int=1), clean_up_id=C)).refused(NotYourself)
    given(CACHE, ASKED).when(CleanUpCache(account_id=ME, clean_up_id=C)).refused(CleanUpIdTaken)


def test_nobody_tells_the_end_of_what_was_never_asked_for(given: Any) -> None:
    given(CACHE).when(RECORD).refused(UnknownCleanUp)
