"""Order receipts: a signed token, given once an order is stored; the order cannot be read without it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import jwt

ALGORITHM: Final = "HS256"
AUDIENCE: Final = "feastflow-order"


class InvalidReceiptError(Exception):
    """The token is missing, expired, or was not signed with this secret."""


class Receipts:
    """Issues and reads receipts (HS256, audience, expiry). A new secret ends all that were given before."""

    def __init__(self, secret: str, expire_seconds: int) -> None:
        """Take a `secret` whose length the settings have checked."""
        self._secret = secret
        self._expire_seconds = expire_seconds

    def issue(self, order_number: str) -> str:
        """Return a receipt for this order, valid from now for `expire_seconds`."""
        now = datetime.now(UTC)
        claims = {
            "sub": order_number,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + timedelta(seconds=self._expire_seconds),
        }
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def read(self, authorization: str | None) -> str:
        """Return the number of the order that an `Authorization: Bearer …` header opens.

        Raises:
            InvalidReceiptError: when it opens none.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            raise InvalidReceiptError
        try:
            claims = jwt.decode(
                token.strip(),
                self._secret,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                options={"require": ["sub", "aud", "exp"]},
            )
        except jwt.InvalidTokenError:
            raise InvalidReceiptError from None
        return str(claims["sub"])
