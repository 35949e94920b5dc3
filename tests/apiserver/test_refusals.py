"""Mistakes made before there is a cluster: each is named at once, and nothing is made."""

import os
import socket

import pytest

from ..harness.product import Product, free_port
from ..harness.refusals import assert_refused


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """Return FeastFlow on a machine that has no cluster."""
    # Another run of these tests must not hold this one's lock.
    cluster = f"feastflow-nowhere-{os.getpid()}"
    product = Product(cluster=cluster, port=free_port(), state=tmp_path_factory.mktemp("state"))
    product.give_users_kubeconfig()
    return product


def test_a_port_that_another_program_has_is_refused(product: Product) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = product.with_variables(PORT=str(port)).local("up")
    assert_refused(ran, found=f"port {port} on 127.0.0.1", fix=f"make up PORT={port + 1}")
    assert product.nodes() == []


@pytest.mark.parametrize("port", ["http", "0", "70000", "80 80"])
def test_a_port_that_is_none_is_refused(product: Product, port: str) -> None:
    ran = product.with_variables(PORT=port).local("up")
    assert_refused(ran, found=f"PORT is {port!r}", fix="make up PORT=8081")


def test_an_unknown_context_is_refused_with_those_that_are_known(product: Product) -> None:
    ran = product.with_variables(CONTEXT="nowhere").local("up")
    assert_refused(ran, found="no context nowhere", fix="of-the-user")


def test_a_context_is_not_looked_for_in_a_kubeconfig_that_is_missing(product: Product) -> None:
    missing = str(product.state / "no-such-kubeconfig")
    ran = product.with_variables(CONTEXT="nowhere", KUBECONFIG=missing).local("up")
    assert_refused(ran, found="no context nowhere", fix="KUBECONFIG")


def test_a_cluster_that_does_not_answer_is_refused(product: Product) -> None:
    ran = product.with_variables(CONTEXT="of-the-user").local("up")
    assert_refused(ran, found="of-the-user does not answer", fix="kubectl --context of-the-user get nodes")


def test_a_stack_without_settings_is_refused_before_a_cluster_is_made_for_it(product: Product) -> None:
    ran = product.with_variables(STACK="production").local("up")
    assert_refused(ran, found="no stack production", fix="make up STACK=dev")
    assert product.nodes() == []


@pytest.mark.parametrize("command", ["status", "destroy"])
def test_what_needs_a_cluster_says_how_to_make_one(product: Product, command: str) -> None:
    assert_refused(product.local(command), found=f"{product.cluster} does not run", fix="make up")


def test_a_node_of_a_cluster_that_is_not_there_cannot_be_stopped(product: Product) -> None:
    assert_refused(product.node("stop", "worker"), found=f"no cluster {product.cluster}", fix="cluster up")


def test_down_without_a_cluster_is_no_mistake(product: Product) -> None:
    product.done("down")
