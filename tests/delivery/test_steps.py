"""The preview's own step, run in a temporary repository with a real diff, and its comment."""

import re
import time

import pytest

from tools.delivery.comment import LONGEST, MARKER

from .conftest import Preview, Previewed
from .repository import Repository

_TOKEN = """
import pulumi_kubernetes as kubernetes
kubernetes.core.v1.Secret(
    "token",
    metadata={"name": "token", "namespace": stack.namespace},
    immutable=True,
    string_data={"token": pulumi.Output.secret("the first token of all")},
    opts=on_cluster,
)
"""


def _nothing(_: Repository) -> None:
    pass


def test_without_a_change_both_stacks_say_so_and_pass(preview: Preview, measured: dict[str, float]) -> None:
    began = time.monotonic()
    same = preview(_nothing, stacks=("dev", "prod"))
    measured["preview of both stacks in a clean clone, warm caches"] = time.monotonic() - began

    assert same.code == 0, same.out
    assert [(found.stack, found.changes, found.errors) for found in same.report.previews] == [
        ("dev", (), ()),
        ("prod", (), ()),
    ]
    assert "## Preview: no change" in same.comment
    assert same.comment.count("Nothing changes.") == 2
    assert same.comment.startswith(MARKER)
    assert same.comment in same.out


@pytest.fixture(scope="module")
def ordinary(preview: Preview) -> Previewed:
    """Return a new version of the page, and a rotation."""

    def change(clone: Repository) -> None:
        image = {"image": "registry.example.com/page:2.0.0"}
        clone.configure("dev", feastflow__frontend=image, feastflow__rotation=2)

    return preview(change)


def test_what_is_updated_is_shown_with_its_old_and_new_value_and_passes(ordinary: Previewed) -> None:
    assert ordinary.code == 0, ordinary.out
    assert "! Deployment feastflow-dev/feastflow-frontend (update)" in ordinary.comment
    assert '"feastflow/frontend:1.0.0" => "registry.example.com/page:2.0.0"' in ordinary.comment


def test_what_is_created_is_shown_whole(ordinary: Previewed) -> None:
    created = [change for change in ordinary.report.previews[0].changes if change.operation == "create"]

    assert {"ConfigMap", "Job", "Secret", "RandomPassword"} <= {change.kind for change in created}
    assert any(line.startswith("+ spec.template") for change in created for line in change.lines)


def test_a_rotation_is_shown_without_a_value_and_is_no_loss(ordinary: Previewed) -> None:
    changes = [change for change in ordinary.report.previews[0].changes if change.kind == "Secret"]

    assert {change.operation for change in changes} == {"create", "delete"}
    assert "CAUTION" not in ordinary.comment
    assert "[secret]" in ordinary.comment


@pytest.fixture(scope="module")
def losing(preview: Preview) -> Previewed:
    """Return a StatefulSet that is recreated, and a Secret of the program's that gets another value."""

    def before(clone: Repository) -> None:
        program = clone.folder / "__main__.py"
        program.write_text(program.read_text(encoding="utf-8") + _TOKEN, encoding="utf-8")

    def change(clone: Repository) -> None:
        clone.edit(
            "components/postgres/standalone.py",
            "service_name=names.DATABASE_HEADLESS",
            'service_name="other"',
        )
        clone.edit("__main__.py", "the first token of all", "the second token of all")

    return preview(change, before=before)


def test_a_stateful_set_that_is_recreated_stands_out_and_fails(losing: Previewed) -> None:
    assert losing.code != 0
    head = losing.comment.partition("### dev")[0]
    assert "**this must not be merged as it is**" in head
    assert "> **dev would lose data or a secret in use:**" in head
    assert (
        "> - `StatefulSet feastflow-dev/postgres` is **replaced** because of `spec.serviceName`"
        in losing.comment
    )


def test_a_secret_that_gets_another_value_stands_out_and_neither_value_is_shown(losing: Previewed) -> None:
    assert losing.code != 0
    assert "`Secret feastflow-dev/token` is **replaced**" in losing.comment
    assert "[secret] => [secret]" in losing.comment.replace('"', "")
    for text in (losing.comment, losing.out):
        assert "token of all" not in text


def _unprotecting(clone: Repository) -> None:
    clone.configure("prod", feastflow__tenancy={"protect": False}, kubernetes__context="other")


@pytest.fixture(scope="module")
def unprotected(preview: Preview) -> Previewed:
    """Preview prod without its protection, and on another cluster: no object of it changes."""
    return preview(_unprotecting, before=_named, stacks=("prod",))


def _named(clone: Repository) -> None:
    clone.configure("prod", kubernetes__context="prod-cluster")


def test_protection_that_is_turned_off_stands_out_and_fails(unprotected: Previewed) -> None:
    assert unprotected.code != 0
    (found,) = unprotected.report.previews
    assert (found.changes, found.errors) == ((), ())
    head = unprotected.comment.partition("### prod")[0]
    assert "**this must not be merged as it is**" in head
    assert "> **prod would lose its protection against deletion:**" in head
    assert "> - `Namespace feastflow-prod` may be **deleted** from then on" in head
    assert "> - `Cluster feastflow-prod/postgres` may be **deleted** from then on" in head


def test_another_cluster_stands_out_and_fails(unprotected: Previewed) -> None:
    head = unprotected.comment.partition("### prod")[0]
    assert "> **prod would be deployed to another place:**" in head
    assert "> - `kubernetes:context: prod-cluster => other`" in head


def test_with_the_label_that_the_comment_names_it_passes(preview: Preview, unprotected: Previewed) -> None:
    (label,) = re.findall(r"a reviewer agrees by the label `(agreed-\w+)`", unprotected.comment)
    passed = preview(_unprotecting, before=_named, stacks=("prod",), labels=("bug", label))

    assert passed.code == 0, passed.out
    assert f"Agreed to by the label `{label}`" in passed.comment
    assert "> **prod would lose its protection against deletion:**" in passed.comment


def test_a_broken_rule_is_named_with_what_to_do_and_fails(preview: Preview) -> None:
    levels = {"ingress-tls": "mandatory", "autoscaler-minimum": "mandatory"}
    judged = preview(lambda clone: clone.configure("dev", policies__levels=levels))

    assert judged.code != 0
    assert "Rules broken: 1" in judged.comment
    assert "ingress-tls (mandatory): Ingress feastflow-dev/feastflow: set spec.tls" in judged.comment
    assert judged.report.previews[0].errors == ()


def test_a_program_that_breaks_says_why_without_the_machines_folders(preview: Preview) -> None:
    broken = preview(
        lambda clone: clone.edit("__main__.py", "import pulumi\n", "import pulumi\nimport nowhere\n")
    )

    assert broken.code != 0
    assert "ModuleNotFoundError: No module named 'nowhere'" in broken.comment
    assert "/tmp" not in broken.comment
    assert len(broken.comment) <= LONGEST


def test_data_that_a_setting_would_lose_is_refused_in_the_programs_own_words(preview: Preview) -> None:
    def change(clone: Repository) -> None:
        clone.configure("dev", feastflow__database={"engine": "standalone", "instances": 1, "storage": "1Gi"})

    refused = preview(change)

    assert refused.code != 0
    assert "a volume can grow and never shrink" in refused.comment
