"""`make observe` and `make unobserve`: refusals, a run again, a run that was cut off, and the end."""

import json
import shutil
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest

from tools.cluster.handle import Cluster
from tools.observe import commands, images, rendering
from tools.observe.certificate import Certificate
from tools.observe.part import NAMESPACE
from tools.observe.parts import PARTS
from tools.observe.rendering import MARK, MARKED
from tools.stacks.options import Options
from tools.toolchain import cache
from tools.toolchain.errors import UserError

from .fakes import Machine

_OPTIONS = Options(stack="dev", context=None, cluster="x", port=8080)
_NODES = {
    "items": [
        {"status": {"addresses": [{"type": "InternalIP", "address": f"10.0.0.{n}"}, {"type": "Hostname"}]}}
        for n in (1, 2, 3)
    ]
}
# `api` and `secret` are those of the part that serves an API.
# `made` has the marked objects of no namespace, `theirs` the labels of a namespace, `left` an older object.
_KUBECTL = """
case "$*" in
  *"get nodes -o json"*) show nodes.json ;;
  *"get nodes"*) [ -e "$ROOT/serves" ] || exit 1; show serves ;;
  *"get namespace kube-system"*) printf 5ad1 ;;
  *"get namespace "*) show theirs ;;
  *"get apiservice "*) show api ;;
  *"get secret adapter"*) show secret ;;
  *"get service kubernetes"*) printf 10.96.0.1 ;;
  *" apply "*) cat > "$ROOT/applied" ;;
  *"--all-namespaces"*) if [ -e "$ROOT/left" ]; then show left; else echo '{"items": []}'; fi ;;
  *rollout*) [ ! -e "$ROOT/broken" ] || { echo "timed out waiting for the condition" >&2; exit 1; } ;;
  *" get "*" -l "*) case "$*" in *"get namespaces"*) show made ;; esac ;;
esac
"""
# `listed` are the names of the images on each node, `table` what `ctr images list` prints.
_DOCKER = """
case "$1" in
  ps) show nodes ;;
  exec) case "$*" in *"list --quiet"*) show listed ;; *list*) show table ;; esac ;;
esac
"""


@pytest.fixture
def loaded(machine: Machine, standing: Cluster) -> Cluster:
    """Return a cluster whose nodes have the images, by a kubectl that knows of observability."""
    shutil.rmtree(standing.tools)

    def make(folder: Path) -> None:
        machine.program("kubectl", _KUBECTL, folder=folder)

    cache.entry("bin", standing.tools.name, make)
    machine.file("nodes.json", json.dumps(_NODES))
    listed = "".join(f"{image}\n" for image in images.named().values())
    machine.file("listed", listed)
    machine.program("docker", _DOCKER)
    return standing


def _observed(capsys: pytest.CaptureFixture[str]) -> str:
    commands.observe(_OPTIONS)
    return capsys.readouterr().out


@pytest.mark.parametrize("command", [commands.observe, commands.unobserve])
def test_a_cluster_of_the_users_is_refused_before_anything_is_asked(
    machine: Machine, loaded: Cluster, command: object
) -> None:
    assert loaded
    with pytest.raises(UserError, match=r"CONTEXT=theirs names a cluster of yours(.|\n)*unset CONTEXT"):
        command(replace(_OPTIONS, context="theirs"))  # type: ignore[operator]

    assert machine.calls("kubectl") == []


@pytest.mark.parametrize("command", [commands.observe, commands.unobserve])
def test_a_cluster_that_does_not_run_is_told_how_to_start(
    machine: Machine, loaded: Cluster, command: object
) -> None:
    assert loaded
    (machine.root / "serves").unlink()

    with pytest.raises(UserError, match=r"the local cluster x does not run(.|\n)*make up"):
        command(_OPTIONS)  # type: ignore[operator]
    assert machine.called("kubectl", " apply ") == []


@pytest.mark.parametrize("labels", [{}, {MARK: "helm"}])
def test_a_namespace_that_another_made_is_left_alone(
    machine: Machine, loaded: Cluster, labels: dict[str, str]
) -> None:
    assert loaded
    machine.file("theirs", json.dumps({"metadata": {"name": NAMESPACE, "labels": labels}}))

    with pytest.raises(UserError, match="a namespace observability that `make observe` did not make"):
        commands.observe(_OPTIONS)
    assert machine.called("kubectl", " apply ") == []


def test_an_api_that_another_serves_is_left_alone(machine: Machine, loaded: Cluster) -> None:
    assert loaded
    (name,) = rendering.apis()
    machine.file("api", json.dumps({"metadata": {"name": name, "labels": {MARK: "helm"}}}))

    with pytest.raises(UserError, match=f"an APIService {name} that `make observe` did not make"):
        commands.observe(_OPTIONS)
    assert machine.called("kubectl", " apply ") == []


def test_the_certificate_of_an_api_stays_while_it_lasts(machine: Machine, loaded: Cluster) -> None:
    made = commands._certificates(loaded.client)["adapter"]
    data = {"tls.crt": b64encode(made.certificate.encode()), "tls.key": b64encode(made.key.encode())}
    machine.file("secret", json.dumps({"data": {name: text.decode() for name, text in data.items()}}))
    assert commands._certificates(loaded.client)["adapter"] == made

    machine.file("secret", json.dumps({"data": {"tls.crt": "!", "tls.key": ""}}))
    assert commands._certificates(loaded.client)["adapter"] != made


def test_everything_is_applied_and_awaited_and_the_pages_are_named(
    machine: Machine, loaded: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    told = _observed(capsys)

    applied = (machine.root / "applied").read_text()
    assert applied.count("---\n") == len(rendering.manifests(_setting(loaded)))
    for part in PARTS:
        assert machine.called("kubectl", "rollout status", part.workload, part.namespace)
    for page in rendering.addresses(loaded.port).values():
        assert page in told
    assert "make unobserve" in told


def test_a_second_run_applies_the_same_and_carries_no_image(
    machine: Machine, loaded: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loaded
    _observed(capsys)
    first = (machine.root / "applied").read_text()
    applied = [json.loads(each) for each in first.split("---\n") if each]
    machine.file("secret", json.dumps(next(each for each in applied if each["kind"] == "Secret")))
    machine.file("theirs", json.dumps({"metadata": {"name": NAMESPACE, "labels": {MARK: MARKED}}}))
    _observed(capsys)

    assert (machine.root / "applied").read_text() == first
    assert machine.called("docker", "import") == []
    assert machine.called("kubectl", " delete ") == []


def test_a_part_that_does_not_start_is_named_and_the_next_run_goes_on(
    machine: Machine, loaded: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loaded
    broken = machine.file("broken")
    with pytest.raises(
        UserError, match=r"metrics of observability is not available(.|\n)*make observe again"
    ):
        commands.observe(_OPTIONS)
    broken.unlink()

    assert "observed, after" in _observed(capsys)


def test_what_an_earlier_version_applied_and_this_one_does_not_is_deleted(
    machine: Machine, loaded: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loaded
    kept = {"kind": "ConfigMap", "metadata": {"name": "metrics", "namespace": NAMESPACE}}
    old = {"kind": "ConfigMap", "metadata": {"name": "old", "namespace": NAMESPACE}}
    machine.file("left", json.dumps({"items": [kept, old]}))
    _observed(capsys)

    (deleted,) = machine.called("kubectl", " delete ")
    assert "configmap old -n observability" in deleted


def test_the_end_names_and_deletes_what_bears_the_mark_alone(
    machine: Machine, loaded: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loaded
    machine.file("made", "observability\nobservability-nodes\n")
    commands.unobserve(_OPTIONS)

    told = capsys.readouterr().out
    assert "deleting namespaces/observability\n" in told
    assert "deleting namespaces/observability-nodes\n" in told
    deleted = machine.called("kubectl", " delete ")
    assert [call.partition(" delete ")[2].split()[0] for call in deleted] == list(rendering.CLUSTER_WIDE)
    assert all(f"-l {MARK}={MARKED}" in call for call in deleted)


def test_an_end_without_a_beginning_deletes_nothing_and_says_so(
    machine: Machine, loaded: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loaded
    commands.unobserve(_OPTIONS)

    assert machine.called("kubectl", " delete ") == []
    assert "there is nothing of `make observe` on this cluster" in capsys.readouterr().out


def test_images_go_from_the_nodes_by_every_name_that_they_have_there(
    machine: Machine, loaded: Cluster
) -> None:
    assert loaded
    own = images.named()["vmalert"]
    rows = [
        "REF TYPE DIGEST SIZE",
        f"{own} application/vnd.oci sha256:aa 1",
        "sha256:c0ffee application/vnd.oci sha256:aa 1",
        "localhost/feastflow/vmalert:1.0.0-old application/vnd.oci sha256:bb 1",
        "localhost/feastflow/backend:1 application/vnd.oci sha256:cc 1",
        "sha256:decaf application/vnd.oci sha256:cc 1",
    ]
    machine.file("table", "\n".join(rows) + "\n")
    commands.unobserve(_OPTIONS)

    removed = machine.called("docker", "images remove")
    assert len(removed) == 3
    assert removed[0].endswith(f"--sync {own} sha256:c0ffee localhost/feastflow/vmalert:1.0.0-old")


def _setting(cluster: Cluster) -> rendering.Setting:
    return rendering.Setting(
        images=images.named(),
        addresses=commands._addresses(cluster.client),
        certificates={"adapter": Certificate(certificate="one", key="two")},
        port=cluster.port,
    )


def test_the_addresses_of_the_nodes_are_found_whatever_their_order(loaded: Cluster, tmp_path: Path) -> None:
    assert tmp_path
    found = commands._addresses(loaded.client)

    assert found.nodes == ("10.0.0.1", "10.0.0.2", "10.0.0.3")
    assert found.api == "10.96.0.1"
