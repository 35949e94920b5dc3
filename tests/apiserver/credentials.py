"""Files by which the programs of one server trust each other: a token, a key pair, a kubeconfig."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

CONTEXT = "nodeless"
_ADMINISTRATOR = ("administrator", "system:masters")
# The namespace whose service accounts' requests are recorded; those of all others are not.
AUDITED = "delivery"
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "Metadata", "userGroups": [f"system:serviceaccounts:{AUDITED}"]},
        {"level": "None"},
    ],
}


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Files in a folder of their own. `certificate` is there as soon as the server has made it."""

    folder: Path
    url: str

    @property
    def certificate(self) -> Path:
        """The server's own certificate, signed by itself: also what its clients trust."""
        return self.folder / "apiserver.crt"

    @property
    def key(self) -> Path:
        """Its private key."""
        return self.certificate.with_suffix(".key")

    @property
    def tokens(self) -> Path:
        """Return the file of bearer tokens: one administrator."""
        return self.folder / "tokens.csv"

    @property
    def service_accounts(self) -> Path:
        """The private key that tokens of service accounts are signed with."""
        return self.folder / "service-accounts.key"

    @property
    def audit_policy(self) -> Path:
        """Return the file of the audit policy."""
        return self.folder / "audit-policy.json"

    @property
    def audit_log(self) -> Path:
        """Requests of the service accounts in `AUDITED`, one JSON object a line."""
        return self.folder / "audit.log"

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig with one context, of the administrator."""
        return self.folder / "kubeconfig"


def made(folder: Path, url: str) -> Credentials:
    """Make all of it, readable for this user only."""
    folder.mkdir(mode=0o700)
    credentials = Credentials(folder=folder, url=url)
    token = secrets.token_urlsafe(24)
    name, group = _ADMINISTRATOR
    credentials.tokens.write_text(f'{token},{name},{name},"{group}"\n', encoding="utf-8")
    credentials.audit_policy.write_text(json.dumps(_AUDIT_POLICY), encoding="utf-8")
    key = ec.generate_private_key(ec.SECP256R1())
    credentials.service_accounts.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            # The only key file from which the server reads the public key too.
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    credentials.kubeconfig.write_text(yaml.safe_dump(_kubeconfig(credentials, token)), encoding="utf-8")
    return credentials


def _kubeconfig(credentials: Credentials, token: str) -> dict[str, object]:
    cluster = {"server": credentials.url, "certificate-authority": str(credentials.certificate)}
    name, _ = _ADMINISTRATOR
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": name}}],
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": name, "user": {"token": token}}],
    }
