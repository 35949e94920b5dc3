"""Cases of the rules about secrets in the wrong place."""

from .shape import About, at, probe

# Made up, and in pieces, so that no scanner takes them for real.
STRIPE = "sk_live_" + "51Hfeastflow0000000000"
GITHUB = "ghp_" + "feastflow00000000000000000000000000000"
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiJmZWFzdGZsb3cifQ.c2lnbmF0dXJl"
RANDOM = "kJ8s0Qz2Lw9Xv4Bn7" + "Tm1Rp6Yc3Hd5Gf0Aa"

ABOUT: dict[str, About] = {
    "secret-in-command": About(
        kind="Deployment",
        field="container/command",
        allowed=(
            *at(
                "container/command",
                ["app", "--db-password=$(DB_PASSWORD)", "--port", "8080"],
                ["app", "--password-file", "/run/secrets/password"],
                ["sh", "-c", 'export PGPASSWORD="$ADMIN_PASSWORD"; exec psql -U postgres'],
                ["app", "--token-seconds=60", "--user", "web"],
            ),
            {"container/livenessProbe": probe(5, 4, httpGet=None, exec={"command": ["sh", "live.sh"]})},
        ),
        denied=(
            *at(
                "container/command",
                ["app", "--db-password=hunter2"],
                ["app", "--password", "hunter2"],
                ["sh", "-c", "DB_PASSWORD=hunter2 exec app"],
                ["app", STRIPE],
                ["curl", "-H", f"Authorization: Bearer {JWT}", "http://web"],
                ["curl", "-u", "admin:hunter2", "http://web"],
                ["mysql", "-phunter2"],
                ["app", "postgres://shop:hunter2@db/shop"],
                ["app", "--key", RANDOM],
            ),
            {"container/args": ["--api-key=hunter2"]},
            {"init/command": ["app", "--token", "hunter2"]},
            {
                "container/livenessProbe": probe(
                    5, 4, httpGet=None, exec={"command": ["check", "--password=hunter2"]}
                )
            },
            {"container/lifecycle": {"postStart": {"exec": {"command": ["register", "--token=hunter2"]}}}},
        ),
    ),
    "secret-in-header": About(
        kind="Deployment",
        field="container/readinessProbe/httpGet/httpHeaders",
        allowed=at(
            "container/readinessProbe/httpGet/httpHeaders",
            [{"name": "Host", "value": "web.example.com"}],
            [{"name": "Accept", "value": "application/json"}],
        ),
        denied=(
            *at(
                "container/readinessProbe/httpGet/httpHeaders",
                [{"name": "Authorization", "value": "Basic d2ViOmh1bnRlcjI="}],
                [{"name": "X-Api-Key", "value": "hunter2"}],
                [{"name": "Cookie", "value": "session=abc"}],
                [{"name": "X-Purpose", "value": GITHUB}],
            ),
            {
                "container/lifecycle/postStart": {
                    "httpGet": {"port": "http", "httpHeaders": [{"name": "X-Token", "value": "hunter2"}]}
                }
            },
        ),
    ),
    "secret-in-annotation": About(
        kind="Deployment",
        field="metadata/annotations",
        allowed=at("metadata/annotations", {"example.com/owner": "team-web", "example.com/version": "1.2.3"}),
        denied=(
            *at(
                "metadata/annotations",
                {"example.com/note": GITHUB},
                {"example.com/api-key": "hunter2"},
                {"example.com/source": "https://web:hunter2@git.example.com"},
            ),
            {"spec/template/metadata/annotations": {"example.com/note": STRIPE}},
        ),
    ),
    "config-map-token": About(
        kind="ConfigMap",
        field="data",
        allowed=at("data", {"app.conf": "task-1234567890123456789 disk-0"}, {"a": "npm_config_registry=x"}),
        denied=at(
            "data",
            {"app.conf": f"key {STRIPE}\n"},
            {"a": GITHUB},
            {"a": JWT},
            {"a": "AKIA" + "ABCDEFGH12345678"},
        ),
    ),
    "config-map-password": About(
        kind="ConfigMap",
        field="data",
        allowed=at(
            "data",
            {"nginx.conf": "proxy_set_header X-Token $token; # the password: it is elsewhere"},
            {"start.sh": 'PGPASSWORD="$PASSWORD" exec psql'},
            {"app.yaml": "tokenSeconds: 60\npasswordFile: /run/secrets/password\n"},
        ),
        denied=at(
            "data",
            {"app.properties": "mode=fast\ndb.password=hunter2\n"},
            {"app.yaml": "database:\n  password: hunter2\n"},
            {"app.json": '{"user": "shop", "password": "hunter2"}'},
            {"app.ini": "[db]\npassword = hunter2\n"},
            {"curlrc": 'header = "Authorization: Bearer abcdefgh"'},
        ),
    ),
    "config-map-size": About(
        kind="ConfigMap",
        field="data",
        allowed=at("data", {"a": "x" * 60_000}, {f"file-{number}": "x" * 1000 for number in range(60)}, {}),
        denied=(
            *at("data", {"a": "x" * 900_000}, {f"file-{number}": "x" * 1000 for number in range(70)}),
            {"binaryData": {"logo.png": "iVBORw0KGgo" + "A" * 100_000}},
        ),
    ),
    "config-map-file": About(
        kind="ConfigMap",
        field="binaryData",
        allowed=(
            *at("binaryData", {"logo.png": "iVBORw0KGgoAAAANSUhEUg=="}, {}),
            *at(
                "data",
                {"nginx.conf": "server {}", "ca.pem": "-----BEGIN CERTIFICATE-----", "environment": "x"},
            ),
        ),
        denied=(
            *at(
                "binaryData",
                {"id_rsa": "LS0tLS1CRUdJTiBPUEVOU1NI"},
                {"anything": "REJfUEFTU1dPUkQ9aHVudGVyMg=="},
                {"keystore.jks": "/u3+7QAAAAI="},
            ),
            *at(
                "data",
                *(
                    {name: "hunter2"}
                    for name in (
                        ".env",
                        "app.env",
                        ".env.production",
                        ".pgpass",
                        "kubeconfig",
                        ".dockerconfigjson",
                        ".netrc",
                        "id_ed25519",
                        "server.key",
                        "credentials",
                    )
                ),
            ),
        ),
    ),
}
