"""Personal data: text about a person is stored encrypted with that person's key, and erased by destroying the key.

Backups and the write-ahead log hold a destroyed key, wrapped by the master key, for as long as they are kept.
"""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from os import urandom
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg_pool import AsyncConnectionPool

PREFIX = "sealed:1:"
NONCE = 12
"""Bytes of nonce before each ciphertext, as NIST SP 800-38D recommends for GCM."""
KEY = 32
MOST_KEYS = 10_000
LIFETIME = 30.0
"""Seconds that a key stays in memory: how long a process may still read after another has destroyed it."""

SELECT = b"SELECT person, wrapped FROM person_keys WHERE person = ANY(%s)"
CREATE = b"INSERT INTO person_keys (person, wrapped) VALUES (%s, %s) ON CONFLICT DO NOTHING"
DESTROY = (
    b"INSERT INTO person_keys (person, wrapped, destroyed_at) VALUES (%s, NULL, now())"
    b" ON CONFLICT (person) DO UPDATE SET wrapped = NULL, destroyed_at = now() WHERE person_keys.wrapped IS NOT NULL"
)


class KeyDestroyed(Exception):  # noqa: N818 - says what is wrong
    """The person's key was destroyed, so nothing can be sealed for them any more."""


class NotSealed(ValueError):  # noqa: N818 - says what is wrong
    """This text is no sealed token, or was not sealed with these keys."""


class KeyNotLoaded(LookupError):  # noqa: N818 - says what is wrong
    """The person's key is not in memory; `Vault.load` fetches it."""


class Vault:
    """Seals and opens personal text. Keys are 256-bit AES-GCM, one per person, wrapped by the master key."""

    def __init__(self, pool: AsyncConnectionPool[Any], master_key: bytes, *, lifetime: float = LIFETIME) -> None:
        """Keep keys in `pool`'s database, wrapped by `master_key` (32 bytes), and in memory for `lifetime` seconds."""
        if len(master_key) != KEY:
            raise ValueError(f"the master key has {len(master_key)} bytes, not {KEY}")
        self._pool = pool
        self._master = AESGCM(master_key)
        self._lifetime = lifetime
        self._keys: OrderedDict[str, tuple[AESGCM | None, float]] = OrderedDict()

    async def seal(self, person: str, text: str) -> str:
        """Encrypt `text` about `person`; the token says whose it is. Raises `KeyDestroyed`."""
        await self.load([person])
        if person not in self._keys:
            await self._create(person)
        key = self._key(person)
        if key is None:
            raise KeyDestroyed(person)
        sealed = _encrypt(key, text.encode(), person)
        return f"{PREFIX}{urlsafe_b64encode(sealed).decode()}:{person}"

    async def open(self, token: str) -> str | None:
        """Decrypt a token; `None` once the person's key is destroyed. Raises `NotSealed`."""
        await self.load([person_of(token)])
        return self.unseal(token)

    async def open_many(self, tokens: Sequence[str]) -> list[str | None]:
        """Decrypt tokens in order, fetching all missing keys at once."""
        opened: list[str | None] = []
        for start in range(0, len(tokens), MOST_KEYS):
            part = tokens[start : start + MOST_KEYS]
            await self.load(person_of(token) for token in part)
            opened += [self.unseal(token) for token in part]
        return opened

    async def load(self, persons: Iterable[str]) -> None:
        """Bring these persons' keys into memory, in one query, so that `unseal` needs no more; `MOST_KEYS` at most.

        They stay usable until other coroutines have run for as long as a key's lifetime.
        """
        now = time.monotonic()
        missing = {person for person in persons if not self._fresh(person, now)}
        if not missing:
            return
        async with self._pool.connection() as connection:
            cursor = await connection.execute(SELECT, (list(missing),))
            rows = await cursor.fetchall()
        for person, wrapped in rows:
            self._keep(person, None if wrapped is None else self._unwrap(person, bytes(wrapped)))

    def unseal(self, token: str) -> str | None:
        """Decrypt a token with keys in memory, without waiting. Raises `KeyNotLoaded` or `NotSealed`."""
        person = person_of(token)
        key = self._key(person)
        if key is None:
            return None
        encoded = token[len(PREFIX) : len(token) - len(person) - 1]
        try:
            return _decrypt(key, urlsafe_b64decode(encoded), person).decode()
        except (InvalidTag, Base64Error) as error:
            raise NotSealed("the text was not sealed with this person's key, or was changed") from error

    async def destroy(self, person: str) -> None:
        """Erase a person: their tokens open as `None` from now on; in other processes, within a key's lifetime."""
        async with self._pool.connection() as connection:
            await connection.execute(DESTROY, (person,))
        self._keep(person, None)

    async def _create(self, person: str) -> None:
        """Make a key; if another process was faster, take theirs."""
        wrapped = _encrypt(self._master, urandom(KEY), person)
        async with self._pool.connection() as connection:
            await connection.execute(CREATE, (person, wrapped))
        await self.load([person])

    def _unwrap(self, person: str, wrapped: bytes) -> AESGCM:
        try:
            return AESGCM(_decrypt(self._master, wrapped, person))
        except InvalidTag as error:
            raise NotSealed(f"the key of {person} was not wrapped by this master key") from error

    def _key(self, person: str) -> AESGCM | None:
        try:
            return self._keys[person][0]
        except KeyError:
            raise KeyNotLoaded(person) from None

    def _fresh(self, person: str, now: float) -> bool:
        """Whether the key may still be used; forget it if not."""
        if person not in self._keys:
            return False
        if self._keys[person][1] < now:
            del self._keys[person]
            return False
        self._keys.move_to_end(person)
        return True

    def _keep(self, person: str, key: AESGCM | None) -> None:
        self._keys[person] = key, time.monotonic() + self._lifetime
        self._keys.move_to_end(person)
        while len(self._keys) > MOST_KEYS:
            self._keys.popitem(last=False)


def person_of(token: str) -> str:
    """Read whose text a token holds. Raises `NotSealed`."""
    prefix, separator, person = token.removeprefix(PREFIX).partition(":")
    if not token.startswith(PREFIX) or not prefix or not separator or not person:
        raise NotSealed("the text is no sealed token")
    return person


def _encrypt(key: AESGCM, plain: bytes, person: str) -> bytes:
    """Encrypt, bound to the person, so that one person's ciphertext cannot be passed off as another's."""
    nonce = urandom(NONCE)
    return nonce + key.encrypt(nonce, plain, person.encode())


def _decrypt(key: AESGCM, sealed: bytes, person: str) -> bytes:
    return key.decrypt(sealed[:NONCE], sealed[NONCE:], person.encode())
