"""Certificates in PEM form: the blocks themselves, without what tools write around them.

`openssl s_client` and `openssl x509` write `subject=` lines and whole descriptions around a block, editors of
Windows end lines with CR LF; no program needs either (https://www.rfc-editor.org/rfc/rfc7468#section-2).
"""

import base64
import binascii
import re

_BLOCK = re.compile(r"-----BEGIN (?P<label>[^\n-]+)-----\n(?P<body>.*?)-----END (?P=label)-----", re.DOTALL)
_BOUNDARY = re.compile(r"-----(?:BEGIN|END) ([^\n-]+)-----")
_CERTIFICATE = "CERTIFICATE"
_MARK = "\ufeff"
_LINE = 64
# The tag of an ASN.1 SEQUENCE, with which each certificate begins.
_SEQUENCE = 0x30


class PemError(ValueError):
    """A text that is no list of certificates; it says why, and never shows the text."""


def certificates(text: str) -> str:
    """Return the certificates alone, one block after the other, each of lines of the same length.

    Raises:
        PemError: when there is none, one is cut short, or anything else stands between them.
    """
    lines = "\n".join(line.strip() for line in text.removeprefix(_MARK).splitlines())
    labels = set(_BOUNDARY.findall(lines))
    if any("PRIVATE KEY" in label for label in labels):
        raise PemError(
            "it holds a private key, and the ConfigMap that is made of it can be read by all who may see the "
            "namespace; the key has been written down and is one to replace"
        )
    if labels - {_CERTIFICATE}:
        raise PemError(f"it holds a {min(labels - {_CERTIFICATE})}, and programs read certificates alone")
    found = [match["body"] for match in _BLOCK.finditer(lines)]
    if not found or len(_BOUNDARY.findall(lines)) != 2 * len(found):
        raise PemError("it is no certificate in PEM form, with its first and its last line")
    return "".join(map(_block, found))


def _block(body: str) -> str:
    text = "".join(body.split())
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error:
        content = b""
    if not content or content[0] != _SEQUENCE:
        raise PemError("what stands between the first and the last line of a certificate is none")
    rows = "\n".join(text[start : start + _LINE] for start in range(0, len(text), _LINE))
    return f"-----BEGIN {_CERTIFICATE}-----\n{rows}\n-----END {_CERTIFICATE}-----\n"
