"""Encrypted settings without the key: rendered, adopted, and compared by a digest."""

import json
from typing import Any

import pytest

from tools.cli import adoption
from tools.render import files, program
from tools.render.manifests import Rendered, render
from tools.render.secrets import Store
from tools.toolchain.errors import UserError

from .recorder import stack_file

_STORE = Store(kind="ClusterSecretStore", name="vault", path="feastflow/dev")


def _config(ciphertext: str, **backend: Any) -> dict[str, Any]:
    config: dict[str, Any] = stack_file("dev")
    secrets = {"STRIPE_API_KEY": {"secure": ciphertext}}
    config["feastflow:backend"] = {**config["feastflow:backend"], "secrets": secrets, **backend}
    return {**config, "kubernetes:kubeconfig": {"secure": "v1:of-the-kubeconfig"}}


def _rendered(ciphertext: str) -> list[Rendered]:
    return render(program.objects("dev", _config(ciphertext)), _STORE)


def _own(rendered: list[Rendered]) -> dict[str, Any]:
    (found,) = (
        each.manifest
        for each in rendered
        if each.manifest["kind"] == "ExternalSecret" and "STRIPE_API_KEY" in json.dumps(each.manifest)
    )
    return found


def test_a_rendering_reads_the_value_from_the_store_under_a_name_that_follows_the_ciphertext() -> None:
    one, same, other = (_rendered(each) for each in ("v1:abc", "v1:abc", "v1:def"))
    name = _own(one)["metadata"]["name"]
    assert _own(one)["spec"]["data"] == [
        {
            "secretKey": "STRIPE_API_KEY",
            "remoteRef": {"key": f"feastflow/dev/{name}", "property": "STRIPE_API_KEY"},
        }
    ]
    assert files.texts(one, "dev") == files.texts(same, "dev")
    assert _own(other)["metadata"]["name"] != name
    pods = [each.manifest for each in one if each.manifest["kind"] in ("Deployment", "Job")]
    assert sum(name in json.dumps(each) for each in pods) == 2
    text = "".join(files.texts(one, "dev").values())
    assert "encrypted-" not in text
    assert "v1:abc" not in text


def test_new_values_are_made_up_for_what_the_program_generates_and_not_for_the_applications() -> None:
    rendered = _rendered("v1:abc")
    generated = [each.manifest for each in rendered if each.generated]
    assert len(generated) >= 3
    assert _own(rendered) not in generated


def test_what_would_be_adopted_is_known_without_the_key() -> None:
    wanted = adoption.planned("dev", _config("v1:abc"))
    assert "Deployment" in {each["kind"] for each in wanted}


def test_an_encrypted_value_in_another_place_is_refused_in_a_rendering_too() -> None:
    with pytest.raises(UserError, match=r"feastflow:backend\.secrets\.STRIPE_API_LIVE"):
        program.objects("dev", _config("v1:abc", env={"STRIPE_API_LIVE": {"secure": "v1:live"}}))
