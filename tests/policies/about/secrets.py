"""Cases of the rules about secrets."""

from ..manifests import DELETE
from .exposed import GITHUB, JWT, RANDOM, STRIPE
from .shape import DIGEST, About, at

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
            [{"name": "DATABASE_URL", "value": "postgres://shop:${PASSWORD}@db/shop"}],
            [{"name": "DATABASE_URL", "value": "postgres://shop:$PASSWORD@db/shop"}],
            [{"name": "COMPASS", "value": "north"}, {"name": "MAX_TOKENS", "value": "4096"}],
            [{"name": "PGPASSFILE", "value": "/run/secrets/pgpass"}, {"name": "JWT_EXPIRE", "value": "7d"}],
            [{"name": "IMAGE", "value": f"registry.example.com/web@{DIGEST}"}],
            [{"name": "SITE", "value": "https://shop.example.com:8443/path/to@page"}],
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
            *(
                [{"name": name, "value": "hunter2"}]
                for name in (
                    "PGPASS",
                    "DBPASS",
                    "GITHUB_PAT",
                    "API_KEY_PROD",
                    "SECRET_KEY_BASE64",
                    "authToken",
                    "stripeApiKey",
                    "REDIS_AUTH",
                )
            ),
            [{"name": "SENTRY_DSN", "value": "https://abc@o1.ingest.sentry.io/1"}],
            *(
                [{"name": "DATABASE_URL", "value": f"postgres://shop:{password}@db/shop"}]
                for password in ("hun$ter2", "$$hunter2", "$ecret", "$(PASSWORD)x", "p$(x", "hunter/2")
            ),
            *([{"name": "SOURCE", "value": value}] for value in (STRIPE, GITHUB, JWT, RANDOM)),
            [{"name": "DSN", "value": "host=db user=shop password=hunter2"}],
            [{"name": "API", "value": "https://api.example.com/?token=hunter2"}],
        ),
    ),
    "secret-in-config-map": About(
        kind="ConfigMap",
        field="data",
        allowed=at(
            "data",
            {"passwd": "web:x:1:1::/:/bin/sh"},
            {"tokenSeconds": "60"},
            {"NODE_ENV": "production", "APP_ENV": "prod"},
            {"nginx.conf": "proxy_set_header X-Token $token; # the password: it is elsewhere"},
            {"start.sh": 'PGPASSWORD="$PASSWORD" exec psql'},
            {"ca.crt": "-----BEGIN CERTIFICATE-----"},
            {"app.json": '{"url":"http://b:80","mail":"a@b.c"}'},
            {"app.yaml": "url: http://b:8080\nmail: a@b.c"},
            {"list": "http://b:80,a@b.c;https://[::1]:443,c@d.e"},
            {"page.html": '<a href="https://b:443">a@b.c</a>'},
            {"query": "http://b:80?mail=a@b.c#x@y"},
            {},
        ),
        denied=at(
            "data",
            {"password": "hunter2"},
            {"db.password": "x"},
            {"url": "redis://u:p@cache"},
            {"url": "redis://u:1234@cache"},
            {"app.json": '{"url":"http://shop:80x@b","mail":"a@b.c"}'},
            {"tls": "-----BEGIN PRIVATE KEY-----"},
            {"api_key": RANDOM},
            {"anything": RANDOM},
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
