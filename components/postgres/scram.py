"""The verifier that PostgreSQL stores instead of a password, made before the password leaves the program.

With the verifier in the SQL statement, the password itself never reaches the server's log, its statistics
or its activity view. Source: RFC 5802 and RFC 7677; the text is PostgreSQL's own form of it
(pg_authid.rolpassword).
"""

import base64
import hashlib
import hmac

_ITERATIONS = 4096  # PostgreSQL 15's own number
_SALT_BYTES = 16


def verifier(password: str) -> str:
    """Return the SCRAM-SHA-256 verifier of an ASCII password.

    The salt follows from the password, so that the same password always has the same verifier and a second
    `up` changes nothing. That is safe only because the passwords are long and random: equal ones do not
    occur.
    """
    salt = hmac.new(password.encode("ascii"), b"salt", hashlib.sha256).digest()[:_SALT_BYTES]
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ITERATIONS)
    client = hmac.new(salted, b"Client Key", hashlib.sha256).digest()
    server = hmac.new(salted, b"Server Key", hashlib.sha256).digest()
    stored = hashlib.sha256(client).digest()
    return f"SCRAM-SHA-256${_ITERATIONS}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
