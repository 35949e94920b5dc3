"""Names that follow content: the same content has the same name, other content another.

An object whose name follows its content can be immutable. A change makes a second object, pods roll over to
it, and only then does the first one go: nothing is deleted under a running pod.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence

# 40 bits: two versions of one object collide once in 10^12, and names stay readable.
_DIGITS = 10


def of(content: Mapping[str, object] | Sequence[object] | str) -> str:
    """Ten hex digits of the content's SHA-256; the order of keys does not count."""
    return hashlib.sha256(_canonical(content)).hexdigest()[:_DIGITS]


def keyed(key: str, content: Mapping[str, object]) -> str:
    """Ten hex digits of an HMAC of secret content.

    A plain hash of a short secret can be found by trying candidates; without the key this one cannot.
    """
    return hmac.new(key.encode(), _canonical(content), hashlib.sha256).hexdigest()[:_DIGITS]


def _canonical(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
