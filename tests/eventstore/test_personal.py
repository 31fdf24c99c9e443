"""Personal data: sealed, opened, erased; keys in memory only for a while."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstore.personal import KeyDestroyed, KeyNotLoaded, NotSealed, Vault
from runtime.database import Pool

MASTER = bytes(range(32))
JANA = "account:0190e0a0-0000-7000-8000-000000000000"


@pytest.fixture
def vault(pool: Pool) -> Vault:
    return Vault(pool, MASTER)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(person=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1), text=st.text())
async def test_what_is_sealed_for_a_person_opens_again(vault: Vault, person: str, text: str) -> None:
    token = await vault.seal(person, text)
    assert len(text) < 6 or text not in token.removesuffix(person)
    assert await vault.open(token) == text


async def test_the_same_text_never_looks_the_same(vault: Vault) -> None:
    assert await vault.seal(JANA, "Jana") != await vault.seal(JANA, "Jana")


async def test_the_database_holds_no_readable_key(vault: Vault, pool: Pool) -> None:
    token = await vault.seal(JANA, "Jana")
    async with pool.connection() as connection:
        ((wrapped,),) = await (await connection.execute("SELECT wrapped FROM person_keys")).fetchall()
    assert len(wrapped) == 12 + 32 + 16
    with pytest.raises(NotSealed, match="not wrapped by this master key"):
        await Vault(pool, bytes(32)).open(token)


async def test_tokens_that_were_changed_or_never_sealed_are_refused(vault: Vault) -> None:
    token = await vault.seal(JANA, "Jana")
    await vault.seal("account:2", "")
    for bad in (
        "Jana",
        "",
        "sealed:1:",
        token.replace(JANA, "account:2"),
        token[:12] + "A" + token[13:],
        "sealed:1:x:a:b",
    ):
        await vault.load(["a:b"])
        with pytest.raises((NotSealed, KeyNotLoaded)):
            await vault.open(bad)


async def test_destroying_a_key_erases_the_person_everywhere(vault: Vault, pool: Pool) -> None:
    other = Vault(pool, MASTER, lifetime=0.1)
    mine, hers = await vault.seal(JANA, "Jana"), await other.seal(JANA, "Jana")
    kept = await vault.seal("account:2", "Petr")
    await vault.destroy(JANA)
    assert await vault.open_many([mine, kept, hers]) == [None, "Petr", None]
    await asyncio.sleep(0.11)
    assert await other.open_many([mine, kept, hers]) == [None, "Petr", None]
    for one in (vault, other, Vault(pool, MASTER)):
        with pytest.raises(KeyDestroyed):
            await one.seal(JANA, "Jana")


async def test_a_person_can_be_erased_before_and_after(vault: Vault) -> None:
    await vault.destroy(JANA)
    await vault.destroy(JANA)
    with pytest.raises(KeyDestroyed):
        await vault.seal(JANA, "Jana")


async def test_first_seals_at_the_same_time_share_one_key(vault: Vault, pool: Pool) -> None:
    vaults = [vault, *(Vault(pool, MASTER) for _ in range(5))]
    tokens = await asyncio.gather(*(one.seal(JANA, "Jana") for one in vaults for _ in range(3)))
    assert await Vault(pool, MASTER).open_many(tokens) == ["Jana"] * 18


async def test_many_tokens_cost_one_query(vault: Vault, pool: Pool) -> None:
    tokens = [await vault.seal(f"account:{number % 7}", str(number)) for number in range(50)]
    counting = _Counting(pool)
    fresh = Vault(counting, MASTER)  # pyright: ignore[reportArgumentType]
    assert await fresh.open_many(tokens) == [str(number) for number in range(50)]
    assert [fresh.unseal(token) for token in tokens] == [str(number) for number in range(50)]
    assert counting.connections == 1
    with pytest.raises(KeyNotLoaded):
        Vault(pool, MASTER).unseal(tokens[0])


async def test_memory_holds_a_bounded_number_of_keys(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventstore.personal.MOST_KEYS", 3)
    tokens = [await vault.seal(f"account:{number}", str(number)) for number in range(8)]
    assert len(vault._keys) == 3
    assert await vault.open_many(tokens) == [str(number) for number in range(8)]
    assert len(vault._keys) == 3


def test_a_short_master_key_is_refused(pool: Pool) -> None:
    with pytest.raises(ValueError, match="31 bytes, not 32"):
        Vault(pool, bytes(31))


class _Counting:
    """A pool that counts how often a connection is asked for."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.connections = 0

    @property
    def connection(self) -> Callable[[], Any]:
        @asynccontextmanager
        async def connect() -> AsyncIterator[Any]:
            self.connections += 1
            async with self._pool.connection() as connection:
                yield connection

        return connect
