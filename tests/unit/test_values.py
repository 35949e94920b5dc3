"""Single values as users write them: the accepted forms, and refusals."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.settings.values import images, pem

from .recorder import record_stack
from .test_settings import MINIMAL, PEM, parse, refusal

NO_SHARES = {"cpuPercent": None, "memoryPercent": None}
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n"


def env_of(container: dict[str, Any]) -> dict[str, object]:
    return {entry["name"]: entry.get("value") for entry in container["env"]}


@pytest.mark.parametrize(
    "section",
    [
        {"autoscaling": {**NO_SHARES, "requestsPerSecond": 100}},
        {"autoscaling": {**NO_SHARES, "requestsPerSecond": 1, "requestsMetric": "app:requests"}},
        {"autoscaling": {"cpuPercent": 150}},
        {"autoscaling": {"memoryPercent": 200}},
        {"autoscaling": {"cpuPercent": 250}},
        {
            "autoscaling": {"cpuPercent": 900},
            "resources": {"requests": {"cpu": "50m"}, "limits": {"cpu": "1"}},
        },
        {"command": ["gunicorn", "-w", 4]},
        {"command": ["serve", 0.5, True], "args": ["--port", 5000]},
        {"shutdown": {"preStopCommand": ["sleep", 5]}},
        {"migrations": {"command": ["migrate", 3]}},
        {"env": {"spring.profiles.active": "x", "a-b": "y", "_": "z", ".hidden": "1"}},
        {"jobs": {"report": {"schedule": "@daily", "command": ["report", 7], "env": {"days.kept": 90}}}},
        {"envNames": {"DB_HOST": "spring.datasource.host"}},
        {"image": "Registry.example.com:5000/Team".lower() + "/api:1"},
        {"image": "Registry.Example.com/team/api__v2/x---y:1.0"},
        {"image": "[2001:db8::1]:5000/api:1"},
        {"image": "localhost/api:1"},
    ],
    ids=lambda section: next(iter(section)),
)
def test_what_kubernetes_takes_is_accepted(section: dict[str, Any]) -> None:
    parse(backend=section)


def test_numbers_in_a_command_are_its_words() -> None:
    backend = parse(backend={"command": ["gunicorn", "-w", 4], "migrations": {"command": ["m", 2]}}).backend
    assert backend.command == ("gunicorn", "-w", "4")
    assert backend.migrations.command == ("m", "2")


def test_requests_a_second_alone_scale_the_pods() -> None:
    section = {"autoscaling": {**NO_SHARES, "requestsPerSecond": 100}}
    recording = record_stack({**MINIMAL, "feastflow:backend": section})
    scaler = recording.one("HorizontalPodAutoscaler", "feastflow-backend")
    assert [each["type"] for each in scaler.inputs["spec"]["metrics"]] == ["Object"]


def test_a_dotted_variable_reaches_the_pods_under_its_own_name() -> None:
    section = {
        "env": {"spring.profiles.active": "shop"},
        "secrets": {"spring.mail.password": {"secret": "smtp", "key": "password"}},
    }
    recording = record_stack({**MINIMAL, "feastflow:backend": section})
    container = recording.pods()["Deployment/feastflow-backend"]["containers"][0]
    assert env_of(container)["spring.profiles.active"] == "shop"
    references = {entry["name"]: entry.get("valueFrom") for entry in container["env"]}
    assert references["spring.mail.password"] == {"secretKeyRef": {"name": "smtp", "key": "password"}}


@pytest.mark.parametrize("name", ["1X", "a b", "a=b", "..x", ".", "..", "", "ä", "a/b", "a$b"])
def test_a_name_that_an_api_server_may_refuse_is_refused(name: str) -> None:
    assert "use a name such as LOG_LEVEL" in refusal(backend={"env": {name: "x"}})


def test_a_dotted_name_is_told_as_the_cli_takes_it() -> None:
    both = {"env": {"a.b": "x"}, "secrets": {"a.b": {"secret": "smtp", "key": "password"}}}
    assert '\nfeastflow:backend.env["a.b"]\n' in refusal(backend=both)
    told = refusal(backend={"env": {"mail.password": "hunter2hunter2"}})
    assert """config rm --path 'feastflow:backend.env["mail.password"]'""" in told
    assert """--secret --path 'feastflow:backend.secrets["mail.password"]'""" in told


def test_what_a_job_is_told_in_plain_text_is_judged_as_what_the_tier_is_told() -> None:
    job = {"schedule": "@daily", "command": ["x"], "env": {"SMTP_PASSWORD": "hunter2hunter2"}}
    told = refusal(backend={"jobs": {"report": job}})
    assert "\nfeastflow:backend.jobs.report.env.SMTP_PASSWORD\n" in told
    assert "--secret --path feastflow:backend.secrets.SMTP_PASSWORD" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("section", "most", "instead"),
    [
        ({"autoscaling": {"cpuPercent": 251}}, "250 %", "200"),
        ({"autoscaling": {"memoryPercent": 201}}, "200 %", "160"),
        (
            {
                "autoscaling": {"cpuPercent": 101},
                "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "1"}},
            },
            "100 %",
            "80",
        ),
    ],
)
def test_a_target_that_no_pod_can_reach_is_refused(section: dict[str, Any], most: str, instead: str) -> None:
    told = refusal(backend=section)
    assert f"which is {most} of its request" in told
    assert told.endswith(f" {instead}")


@pytest.mark.parametrize(
    "text",
    [
        PEM,
        PEM.replace("\n", "\r\n"),
        PEM.rstrip(),
        f"subject=CN = Shop, O = Shop Ltd.\nissuer=CN = Shop\n{PEM}",
        f"# the firm's own: root@example.com (2026)\n\n{PEM}\n# and the next\n{PEM}",
        f"Certificate:\n    Data:\n        Version: 3 (0x2)\n{PEM}",
        f"\ufeff{PEM}",
        PEM.replace("\n", "\n  "),
        "-----BEGIN CERTIFICATE-----\nMI\nIB\n-----END CERTIFICATE-----\n",
    ],
)
def test_a_bundle_is_its_certificates_whatever_stands_around_them(text: str) -> None:
    bundle = parse(backend={"caBundle": {"pem": text}}).backend.ca_bundle
    assert bundle is not None
    assert bundle.pem.replace(PEM, "") == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{PEM}{KEY}{PEM}", "it holds a private key"),
        (f"{PEM}{KEY}".replace("\n", "\r\n"), "it holds a private key"),
        (PEM + KEY.replace("RSA ", "ENCRYPTED "), "it holds a private key"),
        (PEM.replace("CERTIFICATE", "CERTIFICATE REQUEST"), "it holds a CERTIFICATE REQUEST"),
        (PEM.replace("CERTIFICATE", "TRUSTED CERTIFICATE"), "it holds a TRUSTED CERTIFICATE"),
        ("", "no certificate in PEM form"),
        (PEM.partition("-----END")[0], "no certificate in PEM form"),
        (PEM + PEM.partition("-----END")[0] + PEM, "no certificate in PEM form"),
        (PEM.replace("MIIB", "M!"), "is none"),
        (PEM.replace("MIIB", "AAAA"), "is none"),
        (PEM.replace("MIIB\n", ""), "is none"),
    ],
)
def test_a_bundle_that_holds_anything_else_is_refused(text: str, why: str) -> None:
    told = refusal(backend={"caBundle": {"pem": text}})
    assert why in told
    assert "BEGIN RSA" not in told


def test_a_bundle_that_no_rule_could_look_into_is_refused() -> None:
    block = base64.b64encode(b"0" * 3000).decode()
    one = f"-----BEGIN CERTIFICATE-----\n{block}\n-----END CERTIFICATE-----\n"
    parse(backend={"caBundle": {"pem": one * 14}})
    assert "the rule config-map-size" in refusal(backend={"caBundle": {"pem": one * 16}})


@given(st.text(max_size=40), st.lists(st.binary(max_size=120), min_size=1, max_size=3))
def test_what_a_bundle_becomes_is_read_as_itself(around: str, contents: list[bytes]) -> None:
    blocks = [
        f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(b'0' + content).decode()}\n-----END CERTIFICATE-----"
        for content in contents
    ]
    found = pem.certificates(f"\n{around.replace('-', ' ')}\n".join(["", *blocks, ""]))
    assert found.count("BEGIN") == len(contents)
    assert pem.certificates(found) == found


@pytest.mark.parametrize(
    "reference",
    [
        "a..b/c:1",
        "a/b..c:1",
        "a___b:1",
        "a._b:1",
        "a/b_:1",
        "-a.example.com/b:1",
        "a.example.com-/b:1",
        "a.example.com:/b:1",
        "a.example.com:port/b:1",
        "a//b:1",
        "A:1",
        "a.example.com/B:1",
        "b" * 300 + ":1",
        "registry.example.com/" + "b/" * 150 + "b:1",
        "a:" + "1" * 129,
        "a:.1",
        "a@sha256:" + "a" * 63,
        "https://registry.example.com/a:1",
        "a:1 ",
        "a:1\n",
    ],
)
@pytest.mark.parametrize("key", ["backend", "frontend", "database"])
def test_what_no_node_can_pull_is_refused(reference: str, key: str) -> None:
    assert "no node could pull it" in refusal(**{key: {"image": reference, **_version(key)}})


def _version(key: str) -> dict[str, int]:
    return {"version": 15} if key == "database" else {}


label = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,8}[a-zA-Z0-9])?", fullmatch=True)
part = st.from_regex(r"[a-z0-9]{1,4}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}", fullmatch=True)


@given(
    st.lists(label, min_size=2, max_size=3),
    st.integers(1, 65535) | st.none(),
    st.lists(part, min_size=1, max_size=3),
)
def test_every_reference_of_the_grammar_is_accepted(
    labels: list[str], port: int | None, parts: list[str]
) -> None:
    registry = ".".join(labels) + (f":{port}" if port else "")
    for tail in (":1.2.3", "@sha256:" + "a" * 64):
        assert images.check("/".join([registry, *parts]) + tail)


@pytest.mark.parametrize(
    "user",
    [
        *("public", "none", "user", "current_user", "current_role", "session_user", "postgres", "pg_monitor"),
        *("streaming_replica", "cnpg_pooler_pgbouncer", "pg", "pg_"),
    ],
)
def test_a_role_that_postgresql_or_the_operator_has_is_refused(user: str) -> None:
    assert f'\nfeastflow:database.user\n  found: "{user}"\n' in refusal(database={"user": user})


@pytest.mark.parametrize(
    "group",
    [
        "system:authenticated",
        "system:unauthenticated",
        "system:serviceaccounts",
        "system:masters",
        "developers ",
        "a\nb",
        "",
    ],
)
def test_a_group_of_everyone_or_without_members_is_refused(group: str) -> None:
    assert "\nfeastflow:tenancy.developers\n" in refusal(tenancy={"developers": group})


@pytest.mark.parametrize(
    "account", ["default/operator", "kube-public/x", "operators/default", "kube-node-lease/x"]
)
def test_an_account_that_anybody_may_make_or_every_pod_has_is_not_trusted(account: str) -> None:
    assert "\nfeastflow:tenancy.trustedAccounts[0]\n" in refusal(tenancy={"trustedAccounts": [account]})


@pytest.mark.parametrize("group", ["oidc:developers", "Shop Developers", "/shop/dev", "a@example.com"])
def test_groups_are_called_as_their_provider_calls_them(group: str) -> None:
    assert parse(tenancy={"developers": group}).tenancy.developers == group
