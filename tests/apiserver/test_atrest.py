"""Secrets in etcd: under the local cluster's EncryptionConfiguration, and without one."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.cluster import atrest
from tools.toolchain import kubectl

from ..harness.kube import Kube
from . import server
from .server import Server

_VALUE = b"canary-at-rest-6161616161"
_KEY = b"k" * 32


@pytest.fixture(scope="module")
def encrypting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Yield an API server with the configuration that the local cluster's has."""
    file = tmp_path_factory.mktemp("encryption") / "configuration.yaml"
    file.write_text(atrest.configuration(_KEY), encoding="utf-8")
    with server.alone(f"{atrest.FLAG}={file}") as made:
        yield made


def _stored(made: Server, name: str) -> bytes:
    """Create a Secret, and read what etcd has of it."""
    kube = Kube(kubectl=str(made.kubectl), kubeconfig=made.kubeconfig, namespace="default")
    kube.run("create", "secret", "generic", name, f"--from-literal=key={_VALUE.decode()}")
    held = kube.get("secret", name)
    assert base64.b64decode(held["data"]["key"]) == _VALUE
    return made.etcd(f"/registry/secrets/default/{name}")


def test_etcd_holds_nothing_of_a_secret_and_the_api_server_still_reads_it(encrypting: Server) -> None:
    stored = _stored(encrypting, "hidden")
    assert stored.startswith(f"{atrest.PREFIX}secretbox:v1:own:".encode())
    assert _VALUE not in stored
    assert not any(_VALUE in path.read_bytes() for path in _data(encrypting)), "not in the log ahead either"


def test_without_a_configuration_etcd_holds_it_in_plain_text(server: Server) -> None:
    stored = _stored(server, "plain")
    assert stored.startswith(b"k8s\x00")
    assert _VALUE in stored


def test_whether_secrets_are_encrypted_is_known_from_an_api_server_that_hides_its_arguments(
    encrypting: Server, server: Server
) -> None:
    def told(made: Server) -> str:
        return atrest.told(kubectl.of(made.kubectl, kubeconfig=made.kubeconfig))

    assert told(encrypting) == "encrypted, as k8s:enc:secretbox:v1:"
    assert "cannot be known" in told(server)


def _data(made: Server) -> list[Path]:
    found = [path for path in (made.known.folder.parent / "etcd").rglob("*") if path.is_file()]
    assert found
    return found
