"""The certificate of a part that serves an API of Kubernetes', which the API server verifies.

It is signed by its own key: the API server is told of this one certificate and of no authority. The key is
made on this machine, and is in the cluster's Secret alone.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LASTS = dt.timedelta(days=365)
# A run within so many days of its end makes another one.
_RENEWED = dt.timedelta(days=60)
_EARLIER = dt.timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A certificate and its key, in PEM."""

    certificate: str
    key: str

    @classmethod
    def issue(cls, host: str, now: dt.datetime) -> Self:
        """Return a new one for a server of this DNS name."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        signed = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _EARLIER)
            .not_valid_after(now + _LASTS)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cls(certificate=signed.public_bytes(serialization.Encoding.PEM).decode(), key=private.decode())

    def serves(self, host: str, now: dt.datetime) -> bool:
        """Return whether it is for this server and lasts for a while; not where it cannot be read."""
        try:
            found = x509.load_pem_x509_certificate(self.certificate.encode())
            own = serialization.load_pem_private_key(self.key.encode(), password=None).public_key()
            names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (ValueError, TypeError, x509.ExtensionNotFound):
            return False
        known = host in names.get_values_for_type(x509.DNSName) and own == found.public_key()
        return known and now + _RENEWED < found.not_valid_after_utc
