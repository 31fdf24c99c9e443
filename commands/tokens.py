"""Bearer tokens: `plb_<account>_<token>_<secret>`. The secret follows from the master key, only its hash is stored."""

import base64
import hmac
from hashlib import sha256
from typing import Any
from uuid import UUID

from domain.account import IssueToken

PREFIX = "plb"


class Tokens:
    """Makes and reads bearer tokens.

    A token's secret is derived from its id, so repeating the command that issued it can answer the same secret.
    """

    def __init__(self, master_key: bytes) -> None:
        """Derive secrets from `master_key`."""
        self._key = master_key

    def digest(self, token_id: UUID) -> str:
        """Give what the log keeps of a token: the SHA-256 of its secret, in hex."""
        return sha256(self._secret(token_id)).hexdigest()

    def issued(self, command: IssueToken) -> dict[str, Any]:
        """Give the token to show to whoever issued it."""
        secret = base64.urlsafe_b64encode(self._secret(command.token_id)).decode().rstrip("=")
        return {"token": f"{PREFIX}_{command.account_id.hex}_{command.token_id.hex}_{secret}"}

    def _secret(self, token_id: UUID) -> bytes:
        return hmac.digest(self._key, b"bearer token:" + token_id.bytes, "sha256")


def read(token: str) -> tuple[UUID, UUID, str] | None:
    """Read account id, token id and the secret's SHA-256 from a bearer token; `None` where it is none."""
    prefix, _, rest = token.partition("_")
    account, _, rest = rest.partition("_")
    token_id, _, secret = rest.partition("_")
    if prefix != PREFIX or not secret.isascii():
        return None
    try:
        raw = base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4))
        return UUID(hex=account), UUID(hex=token_id), sha256(raw).hexdigest()
    except ValueError:
        return None
