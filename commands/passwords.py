"""Passwords: argon2id, off the event loop, and never more at a time than there are cores to spare."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODY = _HASHER.hash("nobody's password")


class Passwords:
    """Hashes and verifies in threads of its own, so that a crowd at the log-in delays nobody else."""

    def __init__(self) -> None:
        """Use half of the cores."""
        self._threads = ThreadPoolExecutor(max(1, (os.cpu_count() or 2) // 2), thread_name_prefix="argon2")

    async def hash(self, password: str) -> str:
        """Give the encoded hash to keep."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _HASHER.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Say whether the password is right. Takes as long where there is no hash, so that nobody learns who exists."""
        loop = asyncio.get_running_loop()
        right = await loop.run_in_executor(self._threads, _verified, password_hash or _NOBODY, password)
        return right and password_hash is not None

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _verified(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
