"""`make backend` and its siblings, from the command line to their output, with a fake cluster."""

import json
import os
import shlex
import shutil
from pathlib import Path

import pytest

from tools.cli import backend
from tools.cli.__main__ import main
from tools.stacks.target import Target
from tools.state import permissions, place, store
from tools.state.address import Address
from tools.state.deployment import Deployment
from tools.toolchain.errors import UserError

from .cloud import Cloud
from .parcel import IDENTITY, PROJECT, STACK, Parcel

_KUBECTL = f"""#!/bin/sh
case "$*" in
  *"config view"*) echo '{{"contexts": [{{"name": "theirs"}}]}}' ;;
  *"namespace kube-system"*) printf {IDENTITY} ;;
  *"namespace shop"*) printf uid-of-shop ;;
esac
"""


@pytest.fixture(autouse=True)
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a kubectl that knows one cluster."""
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text(_KUBECTL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    for name in ("BACKEND", "STACK", "CONTEXT", "CLUSTER", "PORT", "VERSION"):
        monkeypatch.delenv(name, raising=False)
    return program


def _run(command: str, *arguments: str) -> None:
    main([command, "--context", "theirs", "--cluster", "of-tests", *arguments])


def test_one_command_moves_the_stack_and_says_what_comes_next(
    aws: Cloud, bucket: str, parcel: Parcel, capfd: pytest.CaptureFixture[str]
) -> None:
    address = aws.address(bucket)

    _run("backend", "--backend", address.url)

    said = capfd.readouterr().out
    assert f"The state of dev is in {address.url}" in said
    assert "stacks/uid-of-the-cluster?metadata=skip has it as it was, until the next move" in said
    assert "make up CONTEXT=theirs" in said
    assert f"secretsprovider: {address.secrets(PROJECT, STACK)}" in said
    assert "encryptedkey: " in said
    assert "very-secret" not in said
    assert not parcel.place.local

    _run("backend", "--backend", "local")

    assert parcel.place.local
    assert "The state of dev is in file://" in capfd.readouterr().out


def test_the_policy_is_printed_as_json_and_nothing_else(
    aws: Cloud, bucket: str, parcel: Parcel, capfd: pytest.CaptureFixture[str]
) -> None:
    address = aws.address(bucket)
    with pytest.raises(UserError, match="there is no key"):
        _run("backend-policy", "--backend", address.url)
    parcel.move(address)
    capfd.readouterr()

    _run("backend-policy")

    document = json.loads(capfd.readouterr().out)
    key = store.key_arn(address, store.clients(address))
    assert document == permissions.deployer(address, PROJECT, STACK, str(key))


def test_a_stack_whose_secrets_have_no_context_keeps_them_and_is_told_how_to_part_them(
    aws: Cloud, bucket: str, parcel: Parcel, capfd: pytest.CaptureFixture[str]
) -> None:
    address = aws.address(bucket)
    old, _, _ = address.secrets(PROJECT, STACK).partition("&context_")
    parcel.move(address, provider=old)
    assert parcel.is_whole()
    capfd.readouterr()

    _run("backend-policy", "--backend", address.url)

    said = capfd.readouterr()
    assert "allows those of every such stack" in said.err
    key = str(store.key_arn(address, store.clients(address)))
    shared = permissions.deployer(address, PROJECT, STACK, key, shared_secrets=True)
    assert json.loads(said.out) == shared
    (change,) = (
        line.partition("&& ")[2] for line in said.err.splitlines() if "change-secrets-provider" in line
    )
    ran = parcel.pulumi(*shlex.split(change)[1:])
    assert ran.code == 0, ran.text
    assert parcel.is_whole()

    _run("backend-policy", "--backend", address.url)

    said = capfd.readouterr()
    assert "every such stack" not in said.err
    assert json.loads(said.out) == permissions.deployer(address, PROJECT, STACK, key)


def test_a_stack_whose_secrets_are_encrypted_for_another_one_is_given_no_policy_for_those(
    aws: Cloud, bucket: str, parcel: Parcel
) -> None:
    address = aws.address(bucket)
    parcel.move(address, provider=address.secrets(PROJECT, "prod"))

    with pytest.raises(UserError, match=f"the secrets of dev are encrypted for {PROJECT}/prod") as caught:
        _run("backend-policy", "--backend", address.url)
    assert f"change-secrets-provider '{address.secrets(PROJECT, STACK)}'" in caught.value.fix


def test_a_lost_state_is_brought_back_by_one_command(
    on_s3: Parcel, address: Address, capfd: pytest.CaptureFixture[str]
) -> None:
    reached = store.clients(address)
    reached.s3.delete_object(Bucket=address.bucket, Key=f".pulumi/stacks/{PROJECT}/{STACK}.json")

    _run("backend-restore")

    assert on_s3.at().exists()
    assert "4 resources" in capfd.readouterr().out


def test_nothing_is_moved_or_restored_during_a_deployment(on_s3: Parcel, address: Address) -> None:
    lock = f".pulumi/locks/organization/{PROJECT}/{STACK}/1.json"
    store.clients(address).s3.put_object(Bucket=address.bucket, Key=lock, Body=b"{}")

    for command in (("backend", "--backend", "local"), ("backend-restore",)):
        with pytest.raises(UserError) as caught:
            _run(*command)
        assert "dev is locked in s3://" in caught.value.found
        assert "pulumi cancel --yes dev" in caught.value.fix
    assert not on_s3.place.local


def test_nothing_is_restored_where_the_state_has_left(on_s3: Parcel, address: Address) -> None:
    on_s3.move(None)

    with pytest.raises(UserError, match="the state of dev has moved to file://"):
        _run("backend-restore", "--backend", address.url)


@pytest.mark.parametrize("command", ["backend-policy", "backend-restore"])
def test_what_only_a_bucket_has_is_refused_for_this_machines_files(parcel: Parcel, command: str) -> None:
    with pytest.raises(UserError, match="the state of dev is in file://"):
        _run(command)
    assert parcel.place.local


def test_a_backend_that_the_user_names_is_not_moved_behind_his_back(
    parcel: Parcel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file:///elsewhere")

    with pytest.raises(UserError, match="PULUMI_BACKEND_URL is set"):
        _run("backend", "--backend", "s3://b")
    assert parcel.home.exists()


def test_a_store_that_cannot_be_reached_is_refused_before_anything_is_moved(
    parcel: Parcel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    address = Cloud(port=9).address("unreachable")

    with pytest.raises(UserError, match=r"http://127\.0\.0\.1:9 cannot be asked"):
        _run("backend", "--backend", address.url)
    assert parcel.place == place.first(IDENTITY)


def test_a_state_of_another_cluster_is_not_taken_for_this_ones(kubectl: Path) -> None:
    target = Target(context="theirs", kubeconfig=None, kubectl=kubectl, identity=IDENTITY, local=None)

    def state(uid: str) -> Deployment:
        metadata = {"name": "shop", "uid": uid}
        namespace = {"type": "kubernetes:core/v1:Namespace", "outputs": {"metadata": metadata}}
        return {"deployment": {"resources": [{"type": "pulumi:pulumi:Stack"}, namespace]}}

    backend.fits(target, STACK, "s3://b", state("uid-of-shop"))
    with pytest.raises(UserError, match="describes another cluster: its namespace shop") as caught:
        backend.fits(target, STACK, "s3://b", state("uid-of-another"))
    assert "PULUMI_BACKEND_URL=s3://b pulumi stack rm --force --preserve-config dev" in caught.value.fix
    assert shutil.which("kubectl") == str(kubectl)
