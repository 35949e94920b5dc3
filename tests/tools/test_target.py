"""The target of a deployment: a context that the user named and that answers, or the local cluster."""

import json
from pathlib import Path

import pytest

from tools.cluster.engine import Engine
from tools.cluster.handle import Cluster
from tools.stacks import target
from tools.stacks.target import Target
from tools.toolchain.errors import UserError

from .fakes import Heard, Machine, with_go

_CONFIG = json.dumps({"contexts": [{"name": "theirs"}, {"name": "staging"}]})


def _kubectl(machine: Machine, answer: str = "printf uid-1", config: str = _CONFIG) -> None:
    machine.program("kubectl", f"case \"$*\" in 'config view'*) echo '{config}' ;; *) {answer} ;; esac")


def test_a_context_that_answers_is_the_users_cluster_and_only_asked(machine: Machine) -> None:
    _kubectl(machine)

    named = target.named("theirs")

    assert (named.context, named.identity, named.kubeconfig, named.local) == ("theirs", "uid-1", None, None)
    assert named.environment == {}
    assert machine.calls("kubectl") == [
        "config view -o json",
        "--context theirs --request-timeout=10s get namespace kube-system -o jsonpath={.metadata.uid}",
    ]


def test_a_cluster_whose_own_namespaces_may_not_be_read_is_told_by_the_context(machine: Machine) -> None:
    _kubectl(
        machine, "echo 'Error from server (Forbidden): namespaces \"kube-system\" is forbidden' >&2; exit 1"
    )

    theirs, staging = target.named("theirs"), target.named("staging")

    assert theirs == target.named("theirs")
    assert theirs.identity != staging.identity


def test_an_unknown_context_is_refused_with_those_there_are(machine: Machine) -> None:
    _kubectl(machine)

    with pytest.raises(UserError) as caught:
        target.named("production")

    assert caught.value.found == "there is no context production in your kubeconfig"
    assert caught.value.fix == "choose one of: theirs, staging"
    assert machine.called("kubectl", "--context") == []


@pytest.mark.parametrize("config", ['{"contexts": null}', '{"contexts": []}', "{}"])
def test_a_context_is_refused_where_there_is_none(machine: Machine, config: str) -> None:
    _kubectl(machine, config=config)

    with pytest.raises(UserError, match="set KUBECONFIG to the file that has it"):
        target.named("theirs")


@pytest.mark.parametrize(
    "program",
    [
        "echo 'error: error loading config file: yaml: line 2: did not find expected node' >&2; exit 1",
        r"printf '\377\376'",
        "echo 'no JSON'",
        "echo '[]'",
        "echo '{\"contexts\": [1]}'",
    ],
)
def test_a_kubeconfig_that_kubectl_cannot_read_ends_in_one_message(machine: Machine, program: str) -> None:
    machine.program("kubectl", program)

    with pytest.raises(UserError, match="kubectl cannot read your kubeconfig: ") as caught:
        target.named("theirs")
    assert "set KUBECONFIG" in caught.value.fix


def test_an_entry_without_a_name_is_no_context_to_choose(machine: Machine) -> None:
    _kubectl(machine, config='{"contexts": [{"context": {}}, {"name": ""}, {"name": "staging"}]}')

    with pytest.raises(UserError) as caught:
        target.named("theirs")
    assert caught.value.fix == "choose one of: staging"


def test_a_silent_cluster_is_refused_with_what_kubectl_said(machine: Machine) -> None:
    _kubectl(machine, 'echo "Unable to connect to the server: dial tcp: i/o timeout" >&2; exit 1')

    with pytest.raises(UserError) as caught:
        target.named("staging")

    assert "the cluster behind staging does not answer: Unable to connect" in caught.value.found
    assert "kubectl --context staging get nodes" in caught.value.fix


def test_without_a_local_cluster_none_is_present_and_nothing_is_asked(machine: Machine) -> None:
    assert target.present(None, "feastflow") is None
    assert list(machine.bin.iterdir()) == []


def test_a_kubectl_is_compiled_only_where_there_is_none(machine: Machine, step: Heard) -> None:
    with_go(machine)
    compiled = target._kubectl()
    assert compiled.read_text() == "compiled k8s.io/kubernetes/cmd/kubectl\n"

    _kubectl(machine)
    assert target._kubectl() == machine.bin / "kubectl"
    assert step.notes == []


def test_a_command_against_the_local_cluster_needs_no_settings_and_survives_spaces() -> None:
    engine = Engine(command="docker", own=False, why="")
    kubeconfig = Path("/home/a b/kubeconfig")
    local = Cluster(name="x", port=1, engine=engine, kubeconfig=kubeconfig, tools=Path("/t"))
    chosen = Target(
        context="kind-x", kubeconfig=kubeconfig, kubectl=local.kubectl, identity="uid", local=local
    )

    assert str(chosen.client) == "/t/kubectl --kubeconfig '/home/a b/kubeconfig' --context kind-x"
    assert chosen.environment == {"KUBECONFIG": "/home/a b/kubeconfig"}
