"""Cases of the rules about secrets."""

from ..manifests import DELETE
from .shape import About, at

_READ_AS = "kubernetes-namespace.policies/read-as"
_CERTIFICATE = {"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "name": "web", "uid": "1"}
_OTHER = {"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "name": "web", "uid": "2"}

ABOUT: dict[str, About] = {
    "secret-literal": About(
        kind="Deployment",
        field="container/env",
        allowed=at(
            "container/env",
            [{"name": "PASSWORD_FILE", "value": "/run/secrets/password"}],
            [{"name": "DB_PASSWORD", "value": "$(PGPASSWORD)"}],
            [
                {"name": "TOKEN_SECONDS", "value": "60"},
                {"name": "API_URL", "value": "https://api.example.com/a"},
            ],
            [{"name": "DATABASE_URL", "value": "postgres://$(USER):$(PASSWORD)@db/shop"}],
            [{"name": "SECRET", "value": ""}],
            [{"name": "MYSQL_RANDOM_ROOT_PASSWORD", "value": "yes"}],
        ),
        denied=at(
            "container/env",
            [{"name": "DB_PASSWORD", "value": "hunter2"}],
            [{"name": "JWT_SECRET", "value": "abc"}],
            [{"name": "API_KEY", "value": "abc"}],
            [{"name": "SECRET_KEY", "value": "abc"}],
            [{"name": "CACHE_URL", "value": "redis://:hunter2@cache"}],
            [{"name": "GITHUB_TOKEN", "value": "abc"}],
            [{"name": "DATABASE_URL", "value": "postgres://shop:hunter2@db/shop"}],
            [{"name": "CERT", "value": "-----BEGIN RSA PRIVATE KEY-----"}],
        ),
    ),
    "secret-in-config-map": About(
        kind="ConfigMap",
        field="data",
        allowed=at(
            "data",
            {"passwd": "web:x:1:1::/:/bin/sh"},
            {"tokenSeconds": "60"},
            {"ca.crt": "-----BEGIN CERTIFICATE-----"},
            {},
        ),
        denied=at(
            "data",
            {"password": "hunter2"},
            {"db.password": "x"},
            {"url": "redis://u:p@cache"},
            {"tls": "-----BEGIN PRIVATE KEY-----"},
        ),
    ),
    "secret-immutable": About(
        kind="Secret",
        field="immutable",
        allowed=(
            {"immutable": True},
            *(
                {"immutable": DELETE, "type": f"kubernetes.io/{kind}", "data": data}
                for kind, data in (
                    ("tls", {"tls.crt": "YQ==", "tls.key": "YQ=="}),
                    ("dockerconfigjson", {".dockerconfigjson": "e30="}),
                    ("dockercfg", {".dockercfg": "e30="}),
                )
            ),
            {
                "immutable": False,
                "type": "kubernetes.io/service-account-token",
                "metadata/annotations": {"kubernetes.io/service-account.name": "web"},
            },
            {"immutable": False, "metadata/labels": {_READ_AS: "files"}},
            {"immutable": DELETE, "metadata/ownerReferences": [_OTHER, _CERTIFICATE]},
        ),
        denied=(
            {"immutable": DELETE},
            {"immutable": False},
            {"immutable": DELETE, "type": "Opaque"},
            {"immutable": False, "type": "example.com/tls"},
            {"immutable": False, "metadata/labels": {_READ_AS: "environment"}},
            {"immutable": False, "metadata/labels": {"read-as": "files"}},
            {"immutable": False, "metadata/ownerReferences": [_OTHER]},
            {"immutable": False, "metadata/ownerReferences": [{**_CERTIFICATE, "apiVersion": "v1"}]},
            {
                "immutable": False,
                "metadata/ownerReferences": [{**_CERTIFICATE, "apiVersion": "e.cert-manager.io/v1"}],
            },
        ),
    ),
    "secret-whole": About(
        kind="Deployment",
        field="container/envFrom",
        allowed=at("container/envFrom", [], [{"configMapRef": {"name": "web"}}]),
        denied=at("container/envFrom", [{"secretRef": {"name": "web-1"}}]),
    ),
}
