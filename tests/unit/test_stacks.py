"""The two stacks: one schema, one program, and differences only where they are allowed."""

import contextvars
import json
import re
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
import yaml

from components.guards import continuity
from components.outputs import Commands
from components.settings import fingerprint, reader, reference
from components.settings.model.stack import Kubeconfig, Stack
from components.settings.values import names
from components.settings.values.tiers import TIERS

from .recorder import ROOT, Recording, encode, record, record_stack, stack_file
from .test_settings import parse

# The keys in which prod may differ from dev. All others are the same in both files.
MAY_DIFFER = {
    "namespace",
    "environment",
    "tenancy.protect",
    "database.engine",
    "database.instances",
    "database.storage",
    "edge.tls.enabled",
    "policies:levels.ingress-tls.level",
    "policies:levels.ingress-tls.reason",
}
# What belongs to a cluster, to its names, or to the demo: no stack's file of the project says it.
OF_A_CLUSTER = ("cluster", "edge.host", "edge.port", "backend", "frontend", "kubernetes:", "database.image")


def leaves(value: object, key: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, below in value.items():
            yield from leaves(below, f"{key}.{name}" if key else str(name))
    else:
        yield key, value


def test_dev_and_prod_differ_only_where_they_may() -> None:
    dev, prod = (dict(leaves(written(name))) for name in ("dev", "prod"))
    assert dev.keys() == prod.keys()
    different = {key.removeprefix("feastflow:") for key in dev if dev[key] != prod[key]}
    assert different <= MAY_DIFFER
    assert different == MAY_DIFFER, "a key on the list that no longer differs does not belong there"


def written(name: str) -> dict[str, Any]:
    document = yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text(encoding="utf-8"))
    return dict(document["config"])


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_stacks_file_says_nothing_of_one_cluster_or_of_the_demo(name: str) -> None:
    keys = [key.removeprefix("feastflow:") for key, _ in leaves(written(name))]
    assert [key for key in keys if key.startswith(OF_A_CLUSTER)] == []
    assert "localhost" not in str(written(name))


def test_all_that_a_stack_must_be_told_and_has_not_is_refused_together_with_the_commands() -> None:
    with pytest.raises(pulumi.RunError) as error:
        reader.parse({key: encode(value) for key, value in written("dev").items()})
    for command in (
        "pulumi config set --path feastflow:edge.host feastflow.example.com",
        "pulumi config set --path feastflow:backend.image registry.example.com/feastflow/backend:1.0.0",
        "pulumi config set --path feastflow:frontend.image registry.example.com/feastflow/frontend:1.0.0",
    ):
        assert command in str(error.value)


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_stack_that_was_told_images_and_a_host_has_no_pod_that_waits_for_a_zone(name: str) -> None:
    edge = {"dev": {}, "prod": {"tls": {"enabled": True, "issuer": {"name": "letsencrypt"}}}}
    told: dict[str, object] = {
        "feastflow:backend": {"image": "registry.example.com/api:1.4.2"},
        "feastflow:frontend": {"image": "registry.example.com/page:1.4.2"},
        "feastflow:edge": {"host": "shop.example.com", **edge[name]},
    }
    if name == "prod":
        backup = {"destination": "s3://backups/shop", "credentials": {"secretName": "store"}}
        told["feastflow:database"] = {"engine": "replicated", "instances": 3, "backup": backup}
    recording = record_stack({**written(name), **told})

    templates = [each.inputs["spec"]["template"]["spec"] for each in recording.all("Deployment")]
    spread = [rule["whenUnsatisfiable"] for pod in templates for rule in pod["topologySpreadConstraints"]]
    assert set(spread) == {"ScheduleAnyway"}
    affinities = [each.inputs["spec"]["affinity"] for each in recording.all("Cluster")]
    assert {each["podAntiAffinityType"] for each in affinities} <= {"preferred"}
    further = [each.name for each in recording.resources if each.kind in ("CronJob", "Middleware")]
    assert further == (["postgres-proofs"] if name == "prod" else [])


def stack(name: str) -> Stack:
    return reader.parse({key: encode(value) for key, value in stack_file(name).items()})[0]


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_stacks_file_with_what_the_local_cluster_adds_is_accepted(name: str) -> None:
    assert stack(name).namespace == f"feastflow-{name}"
    assert stack(name).environment == name


def test_both_stacks_are_made_of_the_same_kinds_and_names_but_for_the_databases_engine(
    dev: Recording, prod: Recording
) -> None:
    engine = {"StatefulSet", "PersistentVolumeClaim", "Cluster", "Service", "ServiceAccount", "ConfigMap"}
    shapes = [
        {
            (resource.type, re.sub("-[0-9a-f]{10}$", "", resource.name))
            for resource in recording.resources
            if resource.kind not in engine | {"Stack"}
        }
        for recording in (dev, prod)
    ]
    assert shapes[0] ^ shapes[1] == {
        ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "postgres-from-peers"),
        ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "postgres-to-peers"),
        ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "postgres-to-kubernetes"),
        # The standalone server has no metrics of its own.
        ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "collectors-to-postgres"),
        # The operator sets the administrator's password and creates certificates itself.
        ("kubernetes:core/v1:Secret", "postgres-admin-secret-1"),
        ("kubernetes:core/v1:Secret", "postgres-authority-secret-1"),
        ("kubernetes:core/v1:Secret", "postgres-tls-secret-1"),
        ("random:index/randomPassword:RandomPassword", "postgres-authority-key-1"),
    }


def test_every_component_registers_what_it_puts_out(dev: Recording) -> None:
    outputs = {urn.split("::")[-1]: sorted(values) for urn, values in dev.component_outputs.items()}
    assert outputs == {
        "tenancy": ["namespace"],
        **{tier.name: ["service"] for tier in TIERS},
        "edge": ["url"],
        "observability": [],
        "feastflow-test": [],
    }


def test_what_holds_data_keeps_its_name_in_pulumi_or_is_aliased(dev: Recording, prod: Recording) -> None:
    # Another type, name or parent is another resource: the data of the old one would be deleted.
    holders = {"Namespace", "PersistentVolumeClaim", "StatefulSet", "Cluster"}
    found = {
        (resource.urn.split("::")[2].removeprefix("pulumi:pulumi:Stack$"), resource.name)
        for recording in (dev, prod)
        for resource in recording.resources
        if resource.kind in holders
    }
    assert found == {
        ("feastflow:kubernetes:Tenancy$kubernetes:core/v1:Namespace", "namespace"),
        ("feastflow:kubernetes:Database$kubernetes:core/v1:PersistentVolumeClaim", "postgres-data"),
        ("feastflow:kubernetes:Database$kubernetes:apps/v1:StatefulSet", "postgres-server"),
        ("feastflow:kubernetes:Database$kubernetes:postgresql.cnpg.io/v1:Cluster", "postgres-cluster"),
    }


def test_what_the_version_before_registered_is_registered_under_the_same_urn(
    dev: Recording, prod: Recording
) -> None:
    # Another URN is another resource: the object is deleted and created again. A line goes from the file with
    # the resource that is no longer wanted.
    known = json.loads((ROOT / "tests" / "unit" / "registered.json").read_text(encoding="utf-8"))
    for stack, recording in (("dev", dev), ("prod", prod)):
        found = {
            re.sub(r"-[0-9a-f]{10}\b", "-*", "::".join(resource.urn.split("::")[2:])).removeprefix(
                "pulumi:pulumi:Stack$"
            )
            for resource in recording.resources
        }
        assert set(known[stack]) - found == set(), stack


def test_every_resource_belongs_to_a_component(dev: Recording) -> None:
    # The provider waits for the stack's UUID, and every component for the provider.
    outside = {"Stack", "kubernetes", "RandomUuid"}
    components = {"tenancy", "edge", "observability", *(tier.name for tier in TIERS)}
    for resource in dev.resources:
        if resource.kind not in outside and not resource.type.startswith("feastflow:"):
            assert resource.parent.split("::")[-1] in components


def test_the_stack_tells_its_operator_what_comes_next(dev: Recording) -> None:
    assert dev.exports["url"] == "http://feastflow-dev.localhost:8080"
    assert dev.exports["namespace"] == "feastflow-dev"
    assert (
        dev.exports["services"].items()
        >= {
            "database": "postgres.feastflow-dev.svc:5432",
            "backend": "feastflow-backend.feastflow-dev.svc:5000",
            "frontend": "feastflow-frontend.feastflow-dev.svc:3000",
        }.items()
    )
    assert dev.exports["versions"] == {"backend": "1.0.0", "frontend": "1.0.0"}
    assert dev.exports["images"]["backend"] == "feastflow/backend:1.0.0"
    kubectl = "kubectl --namespace feastflow-dev"
    assert dev.exports["commands"] == {
        "pods": f"{kubectl} get pods --output wide",
        "events": f"{kubectl} get events --sort-by .lastTimestamp",
        "scaling": f"{kubectl} get horizontalpodautoscalers",
        **{
            f"{name}Logs": f"{kubectl} logs --prefix --tail 100 --selector component={name}"
            for tier in TIERS
            for name in tier.logs
        },
        "psql": f"{kubectl} exec --stdin --tty postgres-0 --container postgres -- "
        "psql --username postgres feastflow",
        "status": "curl --fail http://feastflow-dev.localhost:8080/api/status",
    }


def commands(given: Stack, context: str | None) -> dict[str, str]:
    return dict(Commands(settings=given, cluster=Kubeconfig(context=context)).listing())


def test_commands_name_the_context_the_primary_and_an_unknown_certificate() -> None:
    given = parse(
        database={"engine": "replicated", "instances": 3},
        edge={"host": "shop.example.com"},
    )
    # The controller's own, which a waiver allows.
    edge = given.edge.model_copy(update={"tls": given.edge.tls.model_copy(update={"enabled": True})})
    given = given.model_copy(update={"edge": edge})
    listing = commands(given, "my cluster")
    assert listing["pods"] == "kubectl --context 'my cluster' --namespace shop get pods --output wide"
    assert "cnpg.io/instanceRole=primary --output name)" in listing["psql"]
    assert listing["status"] == "curl --fail --insecure https://shop.example.com/api/status"


def test_no_output_holds_a_secret(dev: Recording, prod: Recording) -> None:
    for recording in (dev, prod):
        text = repr(recording.exports)
        for word in ("generated ",):
            assert word not in text


FACTS: dict[str, Any] = continuity.facts(parse())


def test_a_first_update_and_an_unchanged_one_are_let_through() -> None:
    continuity.check(None, FACTS)
    continuity.check({}, FACTS)
    continuity.check(FACTS, FACTS)
    continuity.check({**FACTS, "database.storage": "1Gi"}, FACTS)
    continuity.check({**FACTS, "database.storage": "2048Mi"}, FACTS)
    continuity.check({**FACTS, "rotation": 2}, FACTS)
    continuity.check(FACTS, {**FACTS, "rotation": 2})
    continuity.check({key: FACTS[key] for key in ("namespace",)}, {**FACTS, "rotation": 3})


@pytest.mark.parametrize(
    ("key", "before", "why", "fix"),
    [
        ("namespace", "old", "deleted with its data", "make a second stack"),
        ("database.engine", "replicated", "different places", "pg_dump"),
        ("database.version", 14, "does not start on files", "name an image of PostgreSQL 14"),
        ("database.version", 16, "does not start on files", "feastflow:database.undoUpgrade true"),
        ("database.name", "old", "an empty database", "ALTER DATABASE"),
        ("database.user", "old", "would own nothing", "keep it"),
        ("database.storageClass", "fast", "cannot change its class", "pg_dump"),
        ("database.uid", 999, "files of another user", "set the old value again"),
        ("tenancy.createNamespace", False, "did not create it", "set the old value again"),
        ("database.storage", "3Gi", "never shrink", "config set --path feastflow:database.storage 3Gi"),
        ("rotation", 3, "two logins take turns", "pulumi config set feastflow:rotation 4"),
    ],
)
def test_a_change_that_would_lose_data_is_refused_with_what_to_do_instead(
    key: str, before: object, why: str, fix: str
) -> None:
    with pytest.raises(pulumi.RunError) as error:
        continuity.check({**FACTS, key: before}, FACTS)
    head, _, body = str(error.value).partition("\n\n")
    assert head == "The stack holds data that this change would put out of reach; nothing was changed."
    name, found, reason, remedy = body.split("\n")
    assert name == f"feastflow:{key}"
    assert found == f"  found: {FACTS[key]} (was {before})"
    assert why in reason
    assert fix in remedy


@pytest.mark.parametrize("engine", ["standalone", "replicated"])
def test_another_major_version_is_refused_and_another_image_of_the_same_is_not(engine: str) -> None:
    def now(image: str, **more: object) -> dict[str, Any]:
        instances = 3 if engine == "replicated" else 1
        wish = {"engine": engine, "instances": instances, "image": image, **more}
        return continuity.facts(parse(database=wish))

    before = now("postgres:15.14")
    continuity.check(before, now("registry.example.com:5000/postgresql:15.18-bookworm"))
    for image in ("postgres:16", "postgres:16-alpine"):
        with pytest.raises(pulumi.RunError, match=r"feastflow:database\.version\n  found: 16 \(was 15\)"):
            continuity.check(before, now(image))
    with pytest.raises(pulumi.RunError, match=r"found: 15 \(was 17\)"):
        continuity.check(now("postgres:17.2"), before)
    # The record of an older stack does not have this fact.
    continuity.check({key: before[key] for key in before if key != "database.version"}, now("postgres:16"))


def test_the_digest_of_the_configuration_follows_every_setting_but_the_connection() -> None:
    def digest(**changed: Any) -> str:
        recording = record_stack({**stack_file("dev"), **changed})
        return str(recording.exports[fingerprint.OUTPUT])

    base = digest()
    assert re.fullmatch("[0-9a-f]{10}", base)
    assert base == digest()
    levels = {"ingress-tls": {"level": "disabled", "reason": "of a test"}, "autoscaler-minimum": "advisory"}
    changes: list[dict[str, Any]] = [
        {"feastflow:rotation": 2},
        {"feastflow:frontend": {"env": {"A": "b"}}},
        {"feastflow:frontend": {"env": {"A": "c"}}},
        {"policies:levels": levels},
    ]
    assert len({base, *(digest(**change) for change in changes)}) == 1 + len(changes)


def test_the_connection_is_no_part_of_the_digest() -> None:
    def whole() -> dict[str, str]:
        pulumi.runtime.set_all_config(
            {"feastflow:rotation": "2", "kubernetes:context": "a", "kubernetes:kubeconfig": "b"}
        )
        return reader.whole()

    assert contextvars.copy_context().run(whole) == {"feastflow:rotation": "2"}


def test_the_digest_cannot_be_tried_without_the_stacks_own_secret(dev: Recording) -> None:
    keys = ("generated postgres-admin-password-1", "another stack's")
    content = {
        key: value if isinstance(value, str) else encode(value) for key, value in stack_file("dev").items()
    }
    ours, theirs = (names.keyed_digest(key, dict(sorted(content.items()))) for key in keys)
    assert dev.exports[fingerprint.OUTPUT] == ours != theirs


def test_the_digest_itself_is_no_secret() -> None:
    def program() -> None:
        found = fingerprint.recorded({}, pulumi.Output.secret("key"), [])
        pulumi.export("secret", pulumi.Output.from_input(found.is_secret()))

    assert record(program).exports == {"secret": False}


def test_what_the_data_depends_on_is_recorded_for_the_next_update(dev: Recording) -> None:
    assert dev.exports["dataDependsOn"] == {
        "namespace": "feastflow-dev",
        "database.engine": "standalone",
        "database.version": 15,
        "database.image": "ghcr.io/cloudnative-pg/postgresql:15.14-bookworm",
        "database.name": "feastflow",
        "database.user": "feastflow",
        "database.storageClass": None,
        "database.uid": 26,
        "tenancy.createNamespace": True,
        "database.storage": "2Gi",
        "rotation": 1,
        "administrator": 1,
    }


def test_nothing_is_touched_before_a_refusal() -> None:
    before = {continuity.OUTPUT: {**FACTS, "namespace": "elsewhere"}}
    with pytest.raises(pulumi.RunError, match="out of reach"):
        record_stack(stack_file("dev"), last_update=before)


def test_an_update_like_the_last_one_is_let_through(dev: Recording) -> None:
    continuity.check(dev.exports[continuity.OUTPUT], continuity.facts(stack("dev")))


def test_the_project_describes_every_key_of_a_stack() -> None:
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    fields = {field.alias or name: field for name, field in Stack.model_fields.items()}
    assert set(project["config"]) == {f"feastflow:{name}" for name in fields}
    for name, field in fields.items():
        entry = project["config"][f"feastflow:{name}"]
        assert entry["description"] == field.description, name
        kind = {"str": "string", "int": "integer"}.get(getattr(field.annotation, "__name__", ""), "object")
        assert entry["type"] == kind, name
        # Empty where the program itself requires it: the CLI would refuse without the reason.
        empty = {"string": "", "object": {}}
        assert entry["default"] == (field.default if kind == "integer" else empty[kind]), name


def test_the_reference_of_every_key_is_what_the_model_says() -> None:
    document = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert document.endswith(reference.tables()), "python -m components.settings.reference writes the tables"
