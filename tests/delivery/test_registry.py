"""Images in a real registry, pushed and resolved; and registries that want a login or lie."""

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.delivery import reference, registry
from tools.delivery.reference import Reference
from tools.delivery.registry import Registry
from tools.toolchain.errors import UserError

from . import registries
from .registries import Served
from .web import Asked, Web, serving

_MANIFEST: dict[str, Any] = {"schemaVersion": 2}
_DIGEST = f"sha256:{hashlib.sha256(json.dumps(_MANIFEST).encode()).hexdigest()}"


@pytest.mark.parametrize(
    ("text", "host", "path", "what"),
    [
        ("postgres:15.1", "registry-1.docker.io", "library/postgres", "15.1"),
        ("docker.io/postgres", "registry-1.docker.io", "library/postgres", "latest"),
        ("team/app:1", "registry-1.docker.io", "team/app", "1"),
        ("ghcr.io/team/app/backend:a_b", "ghcr.io", "team/app/backend", "a_b"),
        ("localhost:5000/app:1", "localhost:5000", "app", "1"),
        (f"ghcr.io/team/app:1@{_DIGEST}", "ghcr.io", "team/app", _DIGEST),
    ],
)
def test_a_reference_names_a_registry_as_it_does_for_a_node(
    text: str, host: str, path: str, what: str
) -> None:
    image = reference.parse(text)

    assert (image.host, image.path, image.what) == (host, path, what)
    assert str(image) == text


@pytest.mark.parametrize("text", ["", "Upper/case:1", "a b", "app:1\nX=2", "app@sha256:12", "https://x/app"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is no reference"):
        reference.parse(text)


@pytest.mark.parametrize(
    ("host", "scheme"),
    [
        ("ghcr.io", "https"),
        ("127.0.0.1:5000", "http"),
        ("localhost", "http"),
        ("127.0.0.1.example.com", "https"),
    ],
)
def test_only_loopback_is_asked_without_tls(host: str, scheme: str) -> None:
    assert reference.parse(f"{host}/app:1").url.startswith(f"{scheme}://")


def test_an_image_is_pushed_by_its_digest_and_others_find_it_whole(registry: Served, tmp_path: Path) -> None:
    image = reference.parse(f"{registry.host}/whole/app:1.0.0")
    layout = registries.layout(tmp_path / "layout", "content")
    pushed = Registry().push(layout, image)
    again = Registry().push(layout, image)

    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    assert str(pushed) == str(again) == f"{image}@{entry['digest']}"
    assert registry.asked("digest", str(image)) == entry["digest"]
    assert Registry().digest(image) == entry["digest"]
    assert registry.asked("blob", f"{registry.host}/whole/app@{_layer(pushed)}") == "content"


def test_a_file_is_attached_so_that_clients_find_it_and_what_was_attached_stays(
    registry: Served, tmp_path: Path
) -> None:
    layout = registries.layout(tmp_path / "layout", "described")
    image = Registry().push(layout, reference.parse(f"{registry.host}/described/app:1"))
    for name in ("one", "two", "one"):
        file = tmp_path / f"{name}.json"
        file.write_text(f'"{name}"')
        attached = Registry().attach(file, "application/spdx+json", image)

    tag = str(image.digest).replace(":", "-")
    index = json.loads(registry.asked("manifest", f"{registry.host}/described/app:{tag}"))
    kinds = [each["artifactType"] for each in index["manifests"]]
    manifest = json.loads(registry.asked("manifest", f"{registry.host}/described/app@{attached.digest}"))
    assert kinds == ["application/spdx+json"] * 2
    assert manifest["subject"]["digest"] == image.digest
    assert manifest["layers"][0]["annotations"] == {"org.opencontainers.image.title": "one.json"}


def test_a_tag_that_is_not_there_is_refused_with_the_registrys_name(registry: Served) -> None:
    with pytest.raises(UserError, match="does not have it") as caught:
        Registry().digest(reference.parse(f"{registry.host}/nothing:1"))

    assert f"docker login {registry.host}" in caught.value.fix


def _layer(image: Reference) -> str:
    digest: str = Registry().manifest(image)["layers"][0]["digest"]
    return digest


@pytest.fixture
def web() -> Iterator[Web]:
    """Yield a registry that wants a token, and gives it for a login."""
    with serving() as served:
        yield served


def _wanting(web: Web) -> Reference:
    def answer(asked: Asked) -> tuple[int, Any]:
        if asked.path.startswith("/token?"):
            return 200, {"token": "of-an-hour"}
        return (200, _MANIFEST) if asked.headers.get("Authorization") == "Bearer of-an-hour" else (401, {})

    web.answer = answer
    host = web.url.removeprefix("http://")
    web.headers["WWW-Authenticate"] = f'Bearer realm="{web.url}/token",service="{host}"'
    return reference.parse(f"{host}/team/app:1")


def test_a_login_is_shown_to_the_tokens_giver_alone(web: Web) -> None:
    image = _wanting(web)

    assert Registry(logins={image.host: "me:secret", "ghcr.io": "me:other"}).digest(image) == _DIGEST
    basic = f"Basic {base64.b64encode(b'me:secret').decode()}"
    assert [each.headers.get("Authorization") for each in web.asked] == [None, basic, "Bearer of-an-hour"]
    assert "scope=repository%3Ateam%2Fapp%3Apull%2Cpush" in web.asked[1].path


def test_without_a_login_a_public_image_is_asked_for_with_an_anonymous_token(web: Web) -> None:
    image = _wanting(web)

    assert Registry(logins={"ghcr.io": "me:other"}).digest(image) == _DIGEST
    assert web.asked[1].headers.get("Authorization") is None
    assert web.asked[1].path.endswith("scope=repository%3Ateam%2Fapp%3Apull")


def test_a_token_that_has_ended_is_fetched_again(web: Web) -> None:
    image = _wanting(web)
    reached = Registry()
    assert reached.digest(image) == _DIGEST
    web.answer = lambda asked: (
        (200, {"token": "of-now"})
        if asked.path.startswith("/token?")
        else ((200, _MANIFEST) if asked.headers.get("Authorization") == "Bearer of-now" else (401, {}))
    )

    assert reached.digest(image) == _DIGEST


def test_a_place_that_a_registry_sends_its_clients_to_gets_no_token(web: Web) -> None:
    image = _wanting(web)
    with serving() as other:
        other.answer = lambda _: (200, _MANIFEST)
        wanting = web.answer
        web.answer = lambda asked: (
            (307, {}) if asked.headers.get("Authorization") == "Bearer of-an-hour" else wanting(asked)
        )
        web.headers["Location"] = f"{other.url}/elsewhere"
        assert Registry().digest(image) == _DIGEST

    assert [each.path for each in other.asked] == ["/elsewhere"]
    assert "Authorization" not in other.asked[0].headers


def test_a_registry_that_names_other_bytes_than_it_sends_is_not_believed(web: Web) -> None:
    web.answer = lambda _: (200, {"other": "bytes"})
    host = web.url.removeprefix("http://")

    with pytest.raises(UserError, match="its bytes are"):
        Registry().digest(reference.parse(f"{host}/app:1@{_DIGEST}"))


def test_a_registry_whose_headers_name_other_bytes_is_not_believed_either(web: Web) -> None:
    web.answer = lambda _: (200, _MANIFEST)
    web.headers["Docker-Content-Digest"] = f"sha256:{'0' * 64}"
    host = web.url.removeprefix("http://")

    with pytest.raises(UserError, match="says that it is sha256:0000"):
        Registry().digest(reference.parse(f"{host}/app:1"))


def test_a_refusal_shows_no_login(web: Web) -> None:
    image = _wanting(web)
    web.answer = lambda _: (401, {})

    with pytest.raises(UserError, match="does not let this login in") as caught:
        Registry(logins={image.host: "me:secret"}).digest(image)

    assert "secret" not in str(caught.value)


def test_logins_are_those_of_docker_and_over_them_the_runs(tmp_path: Path) -> None:
    auths = {
        "ghcr.io": {"auth": base64.b64encode(b"me:old").decode()},
        "https://index.docker.io/v1/": {"auth": base64.b64encode(b"me:hub").decode()},
    }
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    environ = {
        "DOCKER_CONFIG": str(tmp_path),
        "REGISTRY_HOST": "ghcr.io",
        "REGISTRY_USER": "run",
        "REGISTRY_TOKEN": "new",
    }

    found = registry.logins(environ)

    assert (found["ghcr.io"], found["registry-1.docker.io"]) == ("run:new", "me:hub")
    assert registry.logins({"DOCKER_CONFIG": str(tmp_path / "none")}) == {}
