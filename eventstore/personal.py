"""Personal data: encrypted with one key per person, so that destroying the key erases what the log may not forget.

AES-256-GCM throughout. Data keys lie in `person_keys`, wrapped by the master key from the settings.
"""

import base64
import os
from collections import OrderedDict
from time import monotonic
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg_pool import AsyncConnectionPool

NONCE_BYTES = 12
MOST_KEYS = 10_000
KEY_SECONDS = 30.0
"""How long a process may go on reading with a key that another process has destroyed."""

_FETCH = "SELECT wrapped FROM person_keys WHERE person = %s"
_CREATE = "INSERT INTO person_keys (person, wrapped) VALUES (%s, %s) ON CONFLICT (person) DO NOTHING"
_DESTROY = """
INSERT INTO person_keys (person, wrapped, destroyed_at) VALUES (%s, NULL, now())
ON CONFLICT (person) DO UPDATE SET wrapped = NULL, destroyed_at = coalesce(person_keys.destroyed_at, now())"""


class Erased(Exception):  # noqa: N818 - says what is wrong
    """The person's key was destroyed: nothing can be written about them any more."""


class Vault:
    """Seals and opens text about persons. A sealed text names its person and can be stored anywhere."""

    def __init__(self, pool: AsyncConnectionPool[Any], master_key: bytes) -> None:
        """Keep keys through `pool`, wrapped by `master_key` (32 bytes)."""
        self._pool = pool
        self._master = AESGCM(master_key)
        self._keys: OrderedDict[str, tuple[float, AESGCM | None]] = OrderedDict()

    async def seal(self, person: str, text: str) -> str:
        """Encrypt text about a person, making their key if they have none. Raises `Erased`."""
        key = await self._key(person, create=True)
        if key is None:
            raise Erased(person)
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + key.encrypt(nonce, text.encode(), person.encode())
        return f"sealed:{base64.urlsafe_b64encode(sealed).decode()}:{person}"

    async def open(self, token: str) -> str | None:
        """Decrypt a sealed text; `None` if the person's key was destroyed. Raises `ValueError` for anything else."""
        mark, encoded, person = token.split(":", 2)
        if mark != "sealed":
            raise ValueError("not a sealed text")
        key = await self._key(person, create=False)
        if key is None:
            return None
        sealed = base64.urlsafe_b64decode(encoded)
        try:
            return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], person.encode()).decode()
        except InvalidTag as error:
            raise ValueError("the sealed text was changed, or sealed under another master key") from error

    async def destroy(self, person: str) -> None:
        """Erase: destroy a person's key, for ever."""
        async with self._pool.connection() as connection:
            await connection.execute(_DESTROY, (person,))
        self._remember(person, None)

    async def _key(self, person: str, *, create: bool) -> AESGCM | None:
        known = self._keys.get(person)
        if known is not None and monotonic() - known[0] < KEY_SECONDS:
            return known[1]
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_FETCH, (person,))).fetchone()
            if row is None and create:
                await connection.execute(_CREATE, (person, self._wrap(person, AESGCM.generate_key(256))))
                row = await (await connection.execute(_FETCH, (person,))).fetchone()
        key = AESGCM(self._unwrap(person, row[0])) if row and row[0] is not None else None
        self._remember(person, key)
        return key

    def _remember(self, person: str, key: AESGCM | None) -> None:
        self._keys[person] = (monotonic(), key)
        self._keys.move_to_end(person)
        while len(self._keys) > MOST_KEYS:
            self._keys.popitem(last=False)

    def _wrap(self, person: str, key: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._master.encrypt(nonce, key, person.encode())

    def _unwrap(self, person: str, wrapped: bytes) -> bytes:
        return self._master.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], person.encode())
