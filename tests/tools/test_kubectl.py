"""One way to call kubectl: a list of words, and its answer."""

from pathlib import Path

import pytest

from tools.toolchain import kubectl
from tools.toolchain.kubectl import Kubectl
from tools.toolchain.process import CommandError, Ended

from .fakes import Machine


def test_every_word_reaches_kubectl_as_it_is(machine: Machine) -> None:
    program = machine.program("kubectl", "printf '<%s>' \"$@\"")
    there = kubectl.of(program, kubeconfig=Path("/home/a b/kubeconfig"), context="mine").within("shop")
    assert there.output("get", "pods", "-o", "jsonpath={.items[*].metadata.name}") == (
        "<--kubeconfig></home/a b/kubeconfig><--context><mine><--namespace><shop>"
        "<get><pods><-o><jsonpath={.items[*].metadata.name}>"
    )


def test_as_a_text_it_is_what_a_user_types() -> None:
    there = kubectl.of(Path("/t/kubectl"), kubeconfig=Path("/a b/k"))
    assert str(there) == "/t/kubectl --kubeconfig '/a b/k'"
    assert str(kubectl.of(Path("/t/kubectl"))) == "/t/kubectl"


def test_what_was_printed_before_a_failure_is_an_answer_where_it_is_asked_for(machine: Machine) -> None:
    there = Kubectl(command=(str(machine.program("kubectl", "cat; echo refused >&2; exit 3")),))
    assert there.ended("apply", stdin="one") == Ended(3, "one", "refused\n")
    with pytest.raises(CommandError, match="refused"):
        there.output("apply", stdin="one")
