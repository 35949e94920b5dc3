"""The check for a cluster, before anything else, and its message when there is none."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest
import yaml

from components.guards.cluster import connection
from components.settings.model.stack import Kubeconfig


def kubeconfig(server: str, **cluster_settings: str) -> str:
    return yaml.safe_dump(
        {
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c"}}, {"name": "there", "context": {}}],
            "clusters": [{"name": "c", "cluster": {"server": server, **cluster_settings}}],
        }
    )


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"https://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def refusing() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"https://127.0.0.1:{port}"


def test_a_cluster_that_answers_is_used(listening: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(kubeconfig(listening))
    connection.check(Kubeconfig(), {"KUBECONFIG": str(path)})
    connection.check(Kubeconfig(context="here", kubeconfig=str(path)), {})
    connection.check(Kubeconfig(kubeconfig=kubeconfig(listening)), {})


def test_a_cluster_that_does_not_answer_is_refused_before_anything_is_tried(refusing: str) -> None:
    with pytest.raises(pulumi.RunError) as error:
        connection.check(Kubeconfig(kubeconfig=kubeconfig(refusing)), {})
    text = str(error.value)
    assert text.startswith("The cluster cannot be reached; nothing was changed.\n\ncontext here\n")
    assert f"  found: {refusing} does not answer (" in text
    assert "  why:   " in text
    assert (
        "  next:  start the cluster, or name another one: pulumi config set kubernetes:context NAME" in text
    )


def test_a_context_that_does_not_exist_is_refused_with_those_that_do(listening: str) -> None:
    with pytest.raises(pulumi.RunError) as error:
        connection.check(Kubeconfig(context="nowhere", kubeconfig=kubeconfig(listening)), {})
    text = str(error.value)
    assert "kubernetes:context\n  found: nowhere\n" in text
    assert "  next:  pulumi config set kubernetes:context here (known: here, there)" in text


@pytest.mark.parametrize("kind", ["cluster", "user"])
def test_a_context_whose_cluster_or_user_is_not_there_is_refused_with_those_that_are(
    listening: str, kind: str
) -> None:
    config = yaml.safe_load(kubeconfig(listening))
    config["users"] = [{"name": "c", "user": {}}]
    config["contexts"][0]["context"] = {"cluster": "c", "user": "c", kind: "gone"}
    with pytest.raises(pulumi.RunError) as error:
        connection.check(Kubeconfig(kubeconfig=yaml.safe_dump(config)), {})
    assert f"found: the {kind} gone, which the kubeconfig does not have" in str(error.value)
    assert f"next:  kubectl config set-context here --{kind}=c (known: c)" in str(error.value)


@pytest.mark.parametrize(
    "environ", [{"HTTPS_PROXY": "http://proxy"}, {"https_proxy": "x"}, {"ALL_PROXY": "x"}, {"all_proxy": "x"}]
)
def test_behind_a_proxy_nothing_is_certain_and_so_nothing_is_refused(
    environ: dict[str, str], refusing: str
) -> None:
    connection.check(Kubeconfig(kubeconfig=kubeconfig(refusing)), environ)


@pytest.mark.parametrize(
    "text",
    [
        "current-context: here\ncontexts: []\n\n",
        kubeconfig("https://127.0.0.1:1", **{"proxy-url": "http://proxy"}),
        kubeconfig(""),
        yaml.safe_dump({"contexts": None, "clusters": None}) + "\n",
    ],
)
def test_a_kubeconfig_that_leaves_the_address_open_is_left_to_the_provider(text: str) -> None:
    if "contexts: []" in text:
        with pytest.raises(pulumi.RunError, match="known: none"):
            connection.check(Kubeconfig(kubeconfig=text), {})
    else:
        connection.check(Kubeconfig(kubeconfig=text), {})


def test_no_kubeconfig_or_several_are_left_to_the_provider(tmp_path: Path) -> None:
    connection.check(Kubeconfig(), {"KUBECONFIG": str(tmp_path / "missing")})
    connection.check(Kubeconfig(), {"KUBECONFIG": "/a:/b"})


def test_an_address_that_makes_no_sense_is_none() -> None:
    with pytest.raises(pulumi.RunError, match="no address of a server"):
        connection.check(Kubeconfig(kubeconfig=kubeconfig("https://127.0.0.1:99999")), {})


def test_an_address_without_a_scheme_is_reached_all_the_same(listening: str) -> None:
    connection.check(Kubeconfig(kubeconfig=kubeconfig(listening.removeprefix("https://"))), {})
