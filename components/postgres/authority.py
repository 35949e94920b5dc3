"""The standalone server's certificate and the authority behind it, computed from one generated secret.

Equal secrets give equal bytes: keys are derived (HKDF, RFC 5869), signatures deterministic (RFC 6979), and an
`up` that changes nothing shows nothing. The server's key and certificate are those of a year, and the first
`up` of the next one replaces them; the authority stays, so clients go on. Its key is in no cluster.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# A certificate of a year outlives two more without any `up`.
_YEARS = 3
# Clocks of a cluster may be behind.
_EARLIER = dt.timedelta(days=30)
_AUTHORITY_BEGINS, _AUTHORITY_ENDS = 2020, 2100
# NIST P-256: every driver's TLS has it, and PostgreSQL's channel binding knows its hash, unlike Ed25519's.
_CURVE = ec.SECP256R1()
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, kw_only=True)
class Issued:
    """The authority's certificate, the server's, and the server's key, in PEM."""

    authority: str
    certificate: str
    key: str


def issue(secret: str, names: Sequence[str], year: int, years: int = _YEARS) -> Issued:
    """Return the certificate of the year for a server of these DNS names, the first one its common name.

    It is valid for `years`.
    """
    above, own = _key(secret, "authority"), _key(secret, f"server {year}")
    issuer = _name("FeastFlow database authority")
    authority = _signed(
        _builder(issuer, issuer, above, (_AUTHORITY_BEGINS, _AUTHORITY_ENDS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True),
        above,
        above,
    )
    server = _signed(
        _builder(_name(names[0]), issuer, own, (year, year + years))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False),
        above,
        own,
    )
    key = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Issued(authority=authority, certificate=server, key=key.decode())


def _key(secret: str, purpose: str) -> ec.EllipticCurvePrivateKey:
    # 384 bits over a group of 256: the remainder is uniform (FIPS 186-5, A.2.1).
    info = f"feastflow database {purpose}".encode()
    raw = HKDF(algorithm=hashes.SHA256(), length=48, salt=None, info=info).derive(secret.encode())
    return ec.derive_private_key(int.from_bytes(raw) % (_ORDER - 1) + 1, _CURVE)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, years: tuple[int, int]
) -> x509.CertificateBuilder:
    public = key.public_key()
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    begins, ends = (dt.datetime(year, 1, 1, tzinfo=dt.UTC) for year in years)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        # Unique among the authority's certificates, as each has a key of its own.
        .serial_number(int.from_bytes(identifier.digest[:16]) >> 1)
        .not_valid_before(begins - _EARLIER)
        .not_valid_after(ends)
        .add_extension(identifier, critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(
    builder: x509.CertificateBuilder, above: ec.EllipticCurvePrivateKey, own: ec.EllipticCurvePrivateKey
) -> str:
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key())
    if own is not above:
        builder = builder.add_extension(issuer, critical=False)
    signed = builder.sign(above, hashes.SHA256(), ecdsa_deterministic=True)
    return signed.public_bytes(serialization.Encoding.PEM).decode()
