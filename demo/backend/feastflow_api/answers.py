"""One shape for every refusal, and reading bodies within bounds of size and time."""

from __future__ import annotations

import asyncio
import math
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse

MAX_BODY_BYTES: Final = 16 * 1024
BODY_SECONDS: Final = 10.0


class RefusedError(Exception):
    """The request cannot be served; carries the answer's status, code and text."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Take a `message` for people and a `code` for programs."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def refusal(
    status: int, code: str, message: str, *, headers: dict[str, str] | None = None, **extra: object
) -> JSONResponse:
    """Return `{"error": {"code", "message", …}}`."""
    return JSONResponse({"error": {"code": code, "message": message, **extra}}, status, headers=headers)


def unavailable(retry_after: float) -> JSONResponse:
    """Return 503 with Retry-After in whole seconds; the client may send the same request again."""
    seconds = max(1, math.ceil(retry_after))
    return refusal(
        503,
        "database_unavailable",
        f"FeastFlow cannot reach its database right now; try again in {seconds} s",
        headers={"Retry-After": str(seconds)},
    )


def unexpected(reference: str) -> JSONResponse:
    """Return 500 with what finds the request in the log, and its trace."""
    return refusal(
        500, "internal", f"something went wrong; the log knows more under {reference}", reference=reference
    )


async def read_json_body(request: Request) -> bytes:
    """Return a JSON request's body, at most MAX_BODY_BYTES and within BODY_SECONDS; else RefusedError."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise RefusedError(415, "not_json", "send Content-Type: application/json")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise RefusedError(413, "too_large", f"an order has at most {MAX_BODY_BYTES} bytes")
    except TimeoutError:
        raise RefusedError(408, "too_slow", f"the body did not arrive within {BODY_SECONDS:g} s") from None
    return bytes(body)
