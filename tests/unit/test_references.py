"""References inside values, judged by the kubelet's expansion of them."""

import itertools
import string
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.settings.values import expansion

from .recorder import record_stack
from .test_secrets import refused
from .test_settings import MINIMAL, PEM, parse, refusal

NAMES = st.sampled_from(["A", "B_HOST", "C.D", "e", "_F", "G1"])
KEPT = {"secret": "smtp", "key": "pass"}
JOB = {"schedule": "@daily", "command": ["report"]}


def expanded(text: str, known: Mapping[str, str]) -> str:
    """Expand a value as the kubelet does: a port of Kubernetes' third_party/forked/golang/expansion."""
    result, at = "", 0
    while at < len(text):
        if text[at] != "$" or at + 1 == len(text):
            result, at = result + text[at], at + 1
            continue
        end = text.find(")", at + 2)
        if text[at + 1] == "(" and end >= 0:
            name = text[at + 2 : end]
            result, at = result + known.get(name, f"$({name})"), end + 1
        else:
            result, at = result + ("$" if text[at + 1] == "$" else text[at : at + 2]), at + 2
    return result


def told(container: dict[str, Any]) -> dict[str, str]:
    """Return the environment of the container's process; a reference shows as `<key>`."""
    known: dict[str, str] = {}
    for variable in container["env"]:
        sources = variable.get("valueFrom", {})
        keys = [source["key"] for source in sources.values()]
        known[variable["name"]] = f"<{keys[0]}>" if keys else expanded(variable["value"], known)
    return known


def backend(**section: Any) -> dict[str, Any]:
    """Return the backend's container."""
    pods = record_stack({**MINIMAL, "feastflow:backend": section}).pods()
    container: dict[str, Any] = pods["Deployment/feastflow-backend"]["containers"][0]
    return container


def test_a_variable_comes_after_those_that_it_refers_to_whatever_their_names() -> None:
    env = {"A_URL": "http://$(B_HOST):$(Z_PORT)/", "B_HOST": "b.$(C_DOMAIN)", "C_DOMAIN": "c", "Z_PORT": "1"}
    values = told(backend(env=env))
    assert values["A_URL"] == "http://b.c:1/"


def test_what_refers_to_nothing_keeps_its_place() -> None:
    env = {"Z": "$(A)", "M": "x", "A": "y", "DB": "$(DB_HOST)"}
    names = [entry["name"] for entry in backend(env=env)["env"]]
    assert names[-4:] == ["A", "DB", "M", "Z"]


def test_a_reference_by_the_contracts_name_means_the_variable_by_its_new_name() -> None:
    container = backend(
        env={"URL": "$(DB_USER):$(DB_PASSWORD)@$(PGHOST)"},
        envNames={"DB_PASSWORD": "PGPASSWORD", "DB_HOST": "PGHOST"},
        command=["serve"],
        args=["--password=$(DB_PASSWORD)", "$$(DB_PASSWORD)", "$(date)"],
    )
    assert told(container)["URL"] == "<DB_USER>:<password>@<DB_HOST>"
    assert container["args"] == ["--password=$(PGPASSWORD)", "$$(DB_PASSWORD)", "$(date)"]


def test_a_name_that_was_given_to_another_variable_means_that_one() -> None:
    swapped = {"DB_USER": "DB_NAME", "DB_NAME": "DB_USER"}
    container = backend(envNames=swapped, env={"A": "$(DB_USER)"})
    assert told(container)["A"] == told(container)["DB_USER"] == "<DB_NAME>"


def test_an_escaped_reference_reaches_the_process_as_it_is_written() -> None:
    values = told(backend(env={"A": "$$(DB_HOST) $$(NO_SUCH)"}))
    assert values["A"] == "$(DB_HOST) $(NO_SUCH)"


def test_secrets_and_the_bundles_variables_may_be_referred_to_in_both_tiers() -> None:
    tier = {
        "secrets": {"SMTP_PASSWORD": KEPT},
        "caBundle": {"pem": PEM, "variables": ["MY_CA"]},
        "env": {"A": "$(SMTP_PASSWORD) $(MY_CA) $(KUBERNETES_SERVICE_HOST)"},
    }
    pods = record_stack({**MINIMAL, "feastflow:backend": tier, "feastflow:frontend": tier}).pods()
    for maker in ("Deployment/feastflow-backend", "Deployment/feastflow-frontend"):
        values = told(pods[maker]["containers"][0])
        assert values["A"] == "<pass> /etc/feastflow/ca.crt $(KUBERNETES_SERVICE_HOST)", maker


def test_every_environment_is_ordered_the_migrations_the_jobs_and_the_second_versions_too() -> None:
    env = {"A_URL": "http://$(B_HOST)", "B_HOST": "b"}
    section = {
        "env": env,
        "migrations": {"command": ["migrate", "$(A_URL)"]},
        "jobs": {"report": {**JOB, "env": {"B_HOST": "$(Z)", "Z": "job"}, "args": ["$(DB_PASSWORD)"]}},
        "envNames": {"DB_PASSWORD": "PGPASSWORD"},
        "release": {"strategy": "blue-green", "green": {"env": {"B_HOST": "$(C)", "C": "green"}}},
    }
    pods = record_stack({**MINIMAL, "feastflow:backend": section}).pods()
    (migration,) = (pod for maker, pod in pods.items() if maker.startswith("Job/feastflow-migrations"))
    found = {
        "blue": pods["Deployment/feastflow-backend"],
        "green": pods["Deployment/feastflow-backend-green"],
        "job": pods["CronJob/feastflow-jobs-report"],
        "b": migration,
    }
    urls = {name: told(pod["containers"][0])["A_URL"] for name, pod in found.items()}
    assert urls == {"blue": "http://b", "green": "http://green", "job": "http://job", "b": "http://b"}
    assert found["job"]["containers"][0]["args"] == ["$(PGPASSWORD)"]


@pytest.mark.parametrize(
    ("section", "key", "words"),
    [
        ({"env": {"A": "$(DB_PASWORD)"}}, "env.A", "did you mean $(DB_PASSWORD)?"),
        ({"env": {"A": "$(db_password)"}}, "env.A", "did you mean $(DB_PASSWORD)?"),
        ({"env": {"A": "x $( DB_HOST )"}}, "env.A", "did you mean $(DB_HOST)?"),
        ({"env": {"A": "$(B_HOTS)", "B_HOST": "b"}}, "env.A", "did you mean $(B_HOST)?"),
        ({"env": {"A": "$(SMTP)"}, "secrets": {"SMTP_": KEPT}}, "env.A", "did you mean $(SMTP_)?"),
        ({"env": {"A": "$$$(NO_SUCH_THING)"}}, "env.A", "of the name NO_SUCH_THING"),
        ({"env": {"A": "$(date +%s)"}}, "env.A", "what should stay as it stands is written $$("),
        ({"env": {"A": "http://$(DB_HOST/"}}, "env.A", "never closed"),
        ({"env": {"A": "$(A)"}}, "env.A", "(A → A)"),
        ({"env": {"PATH": "$(PATH):/app/bin"}}, "env.PATH", "(PATH → PATH)"),
        ({"env": {"A": "$(B)", "B": "$(C)", "C": "-$(A)"}}, "env.A", "(A → B → C → A)"),
        ({"args": ["-u", "$(DB_USR)"]}, "args[1]", "did you mean $(DB_USER)?"),
        ({"command": ["serve", "$(REDIS_URL)"]}, "command[1]", "of the name REDIS_URL"),
        ({"migrations": {"command": ["m", "$(DB_HOTS)"]}}, "migrations.command[1]", "$(DB_HOST)"),
        ({"jobs": {"a": {**JOB, "env": {"A": "$(DB_USR)"}}}}, "jobs.a.env.A", "$(DB_USER)"),
        ({"jobs": {"a": {**JOB, "args": ["$(DB_USR)"]}}}, "jobs.a.args[0]", "$(DB_USER)"),
        ({"jobs": {"a": {**JOB, "env": {"A": "$(B)"}}}, "env": {"B": "$(A)", "A": "x"}}, "jobs.a.env.A", "→"),
        (
            {
                "release": {"strategy": "canary", "canary": {"env": {"A": "$(B)"}}},
                "env": {"A": "b", "C": "$(A)"},
            },
            "release.canary.env.A",
            "of the name B",
        ),
        (
            {
                "release": {"strategy": "blue-green", "green": {"env": {"A": "$(B)"}}},
                "env": {"B": "$(A)", "A": "1"},
            },
            "release.green.env.A",
            "(A → B → A)",
        ),
        (
            {"release": {"strategy": "blue-green", "green": {"args": ["$(DB_USR)"]}}},
            "release.green.args[0]",
            "$(DB_USER)",
        ),
        (
            {"shutdown": {"preStopCommand": ["sh", "-c", "echo $(DB_HOST)"]}},
            "shutdown.preStopCommand[2]",
            "let a shell do it",
        ),
    ],
)
def test_a_reference_that_would_reach_the_process_as_it_stands_is_refused(
    section: dict[str, Any], key: str, words: str
) -> None:
    said = refusal(backend=section)
    assert f"feastflow:backend.{key}\n" in said
    assert words in said


def test_the_site_has_no_database_to_refer_to() -> None:
    said = refusal(frontend={"env": {"A": "$(DB_PASSWORD)"}})
    assert "feastflow:frontend.env.A\n" in said


def test_a_jobs_reference_is_judged_by_the_version_that_it_runs() -> None:
    green = {"env": {"FROM_GREEN": "1"}}
    job = {**JOB, "env": {"A": "$(FROM_GREEN)"}}
    release = {"strategy": "blue-green", "green": green, "active": "green"}
    assert parse(backend={"jobs": {"a": job}, "release": release})
    said = refusal(backend={"jobs": {"a": job}, "release": {**release, "active": "blue"}})
    assert "feastflow:backend.jobs.a.env.A\n" in said


@pytest.mark.parametrize(
    "section",
    [
        {"command": ["sh", "-c", "serve --host $(hostname) --at $(date +%s)"]},
        {"env": {"A": "a$b ${DB_HOST} $DB_HOST $", "B": "(x) $ (y)", "C": "$$(date)"}},
        {"shutdown": {"preStopCommand": ["sh", "-c", "kill $(pidof node)"]}},
        {"args": ["$(DB_HOST)", "$(MY_OWN)"], "env": {"MY_OWN": "1"}},
    ],
)
def test_what_a_shell_or_the_application_expands_is_left_to_it(section: dict[str, Any]) -> None:
    assert parse(backend=section)


def test_a_secret_that_refers_to_a_variable_is_refused_without_being_shown() -> None:
    secrets = {"DATABASE_URL": "postgres://u:hunter2@$(DB_HOST)/x"}
    said = refused(None, ["feastflow:backend"], backend={"secrets": secrets})
    assert "feastflow:backend.secrets.DATABASE_URL\n" in said
    assert "hunter2" not in said


@given(
    st.dictionaries(
        NAMES, st.lists(st.one_of(NAMES, st.sampled_from(["$$", "$", "(", ")", "x"])), max_size=3)
    )
)
def test_in_this_order_the_kubelet_expands_every_reference_or_there_is_a_cycle(
    parts: dict[str, list[str]],
) -> None:
    values = {
        name: "".join(
            f"$({part})" if part[0] in string.ascii_letters + "_" and part != "x" else part for part in each
        )
        for name, each in parts.items()
    }
    graph = {name: set(expansion.references(text)) & set(values) for name, text in values.items()}
    try:
        order = expansion.ordered(values)
    except expansion.CycleError as error:
        found = error.names
    else:
        found = ()
    if found:
        assert found[0] == found[-1]
        assert all(after in graph[before] for before, after in itertools.pairwise(found))
        return
    assert sorted(order) == sorted(values)
    known: dict[str, str] = {}
    for name in order:
        assert graph[name] <= set(known)
        known[name] = expanded(values[name], known)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$(VAR_A)-$(VAR_A)", "A-A"),
        ("___$(VAR_B)___", "___B___"),
        ("f000-$$VAR_A", "f000-$VAR_A"),
        ("$$(VAR_B)_$(VAR_A)", "$(VAR_B)_A"),
        ("$$$(VAR_A)-$(VAR_B)", "$A-B"),
        ("$$$$$$$(VAR_A)", "$$$A"),
        ("f000-$$$$(VAR_A)", "f000-$$(VAR_A)"),
        ("$VAR_A) ${VAR_A} $(VAR_A", "$VAR_A) ${VAR_A} $(VAR_A"),
        ("$(VAR_DNE)", "$(VAR_DNE)"),
        ("$?-$VAR_A$", "$?-$VAR_A$"),
        ("--$($($($($--", "--$($($($($--"),
        ("$(VAR_C)_______$(", "C_______$("),
    ],
)
def test_the_port_expands_as_kubernetes_own_tests_say(text: str, result: str) -> None:
    # https://github.com/kubernetes/kubernetes/blob/v1.34.0/third_party/forked/golang/expansion/expand_test.go
    assert expanded(text, {"VAR_A": "A", "VAR_B": "B", "VAR_C": "C"}) == result


def asked(text: str) -> list[str]:
    """Return the names that the kubelet looks up in the text, in its order."""
    names: list[str] = []

    class Known(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            names.append(name)
            return default

    expanded(text, Known())
    return names


@given(st.text("$()Ax", max_size=8))
def test_references_are_those_that_the_kubelet_looks_up_and_a_literal_has_none(text: str) -> None:
    assert expansion.references(text) == asked(text)
    assert expansion.is_open(text) is (asked(f"{text})") != asked(text))
    assert asked(expansion.literal(text)) == []
    assert expanded(expansion.literal(text), {}) == text
