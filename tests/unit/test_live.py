"""The program's reads of a cluster before it changes anything, with the kubeconfig's credentials."""

import base64
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.guards.cluster import live
from components.guards.cluster.live import Namespace, Seen
from components.settings.model.stack import Kubeconfig

SYSTEM = "/api/v1/namespaces/kube-system"
SHOP = "/api/v1/namespaces/shop"
DENIED = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/default-deny"
CLAIMS = f"{SHOP}/persistentvolumeclaims?limit=1"
DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments?limit=1"
OWNED = {"feastflow.pulumi.com/owner": "feastflow/dev/1"}


@dataclass
class Api:
    """An API server that answers GET with the object or the status that it is given."""

    answers: dict[str, Any] = field(default_factory=dict)
    authorizations: set[str | None] = field(default_factory=set)
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                api.authorizations.add(self.headers["Authorization"])
                answer = api.answers.get(self.path, 404)
                is_status = isinstance(answer, int)
                self.send_response(answer if is_status else 200)
                self.end_headers()
                self.wfile.write(json.dumps({} if is_status else answer).encode())

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def api() -> Iterator[Api]:
    """Yield a cluster without the namespace `shop`."""
    made = Api({SYSTEM: {"metadata": {"uid": "uid-a"}}})
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


Look = Callable[..., Seen]


@pytest.fixture
def look(api: Api, tmp_path: Path) -> Look:
    """Look at the cluster with a user's entry of the kubeconfig, and more about the cluster's."""

    def looked(
        user: Mapping[str, Any] | None = None,
        cluster: Mapping[str, Any] | None = None,
        **how: Any,
    ) -> Seen:
        document = {
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": api.url, **(cluster or {})}}],
            "users": [{"name": "u", "user": dict(user or {})}],
        }
        path = tmp_path / "config"
        path.write_text(yaml.safe_dump(document))
        found = live.look(Kubeconfig(), "shop", {"KUBECONFIG": str(path)}, **how)
        assert found
        return found

    return looked


def test_the_cluster_is_known_by_its_oldest_namespace(api: Api, look: Look) -> None:
    assert look() == Seen(name=f"context here at {api.url}", cluster="uid-a")


@pytest.mark.parametrize("answer", [403, 404])
def test_what_may_not_be_read_is_not_known(api: Api, look: Look, answer: int) -> None:
    api.answers = {SYSTEM: answer, SHOP: answer}

    assert look() == Seen(name=f"context here at {api.url}")


SERVICE = "/api/v1/namespaces/default/services/kubernetes"
SLICES = (
    "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
    "?labelSelector=kubernetes.io/service-name%3Dkubernetes"
)


def test_the_api_servers_addresses_are_asked_for_where_they_are_wanted(api: Api, look: Look) -> None:
    endpoints = [{"addresses": ["172.18.0.3", "fd00::3"]}, {"addresses": ["172.18.0.2"]}]
    api.answers |= {
        SERVICE: {"spec": {"clusterIPs": ["10.96.0.1"], "ports": [{"port": 443}]}},
        SLICES: {"items": [{"endpoints": endpoints, "ports": [{"port": 6443}]}, {"endpoints": None}]},
    }

    assert look(addresses=True).api_server == (
        "10.96.0.1 443",
        "172.18.0.2 6443",
        "172.18.0.3 6443",
        "fd00::3 6443",
    )
    assert look().api_server == ()


@pytest.mark.parametrize("path", [SERVICE, SLICES])
def test_without_endpoints_the_api_servers_addresses_are_not_known(api: Api, look: Look, path: str) -> None:
    api.answers |= {
        SERVICE: {"spec": {"clusterIPs": ["None", "10.96.0.1"], "ports": [{"port": 443}]}},
        SLICES: {"items": [{"endpoints": [{"addresses": ["here.example.com"]}], "ports": [{"port": 1}]}]},
        path: 403,
    }

    assert look(addresses=True).api_server == ()


def test_the_owner_is_read_from_the_namespace(api: Api, look: Look) -> None:
    api.answers |= {
        SHOP: {"metadata": {"annotations": OWNED}},
        DENIED: {"metadata": {"name": "default-deny"}},
    }

    assert look().namespace == Namespace(owner="feastflow/dev/1")


@pytest.mark.parametrize("namespace", [403, {"metadata": {}}])
def test_the_owner_of_a_given_namespace_is_read_from_its_first_object(
    api: Api, look: Look, namespace: object
) -> None:
    api.answers |= {SHOP: namespace, DENIED: {"metadata": {"annotations": OWNED}}}

    assert look().namespace == Namespace(owner="feastflow/dev/1")


def test_what_a_namespace_without_an_owner_holds_is_told(api: Api, look: Look) -> None:
    api.answers |= {
        SHOP: {"metadata": {}},
        CLAIMS: {"items": [{"metadata": {"name": "data"}}]},
        DEPLOYMENTS: {"items": []},
    }

    assert look().namespace == Namespace(contents=("persistentvolumeclaims/data",))


def test_the_stack_is_read_that_a_namespace_is_reserved_for(api: Api, look: Look) -> None:
    api.answers[SHOP] = {"metadata": {"annotations": {"feastflow.pulumi.com/reserved-for": "feastflow/dev"}}}

    assert look().namespace == Namespace(reserved="feastflow/dev")


def test_a_namespace_that_is_being_deleted_is_seen_as_such(api: Api, look: Look) -> None:
    api.answers[SHOP] = {"metadata": {"deletionTimestamp": "2026-11-29T00:00:00Z"}}

    assert look().namespace == Namespace(deleting=True)


@pytest.mark.parametrize(
    ("user", "sent"),
    [
        ({}, None),
        ({"token": "t0"}, "Bearer t0"),
        ({"tokenFile": "token"}, "Bearer from-file"),
        ({"username": "ann", "password": "pw"}, f"Basic {base64.b64encode(b'ann:pw').decode()}"),
    ],
)
def test_the_kubeconfigs_credentials_are_sent(
    api: Api, look: Look, tmp_path: Path, user: Mapping[str, Any], sent: str | None
) -> None:
    (tmp_path / "token").write_text("from-file\n")

    look(user)

    assert api.authorizations == {sent}


_PLUGIN = """
import json, os
asked = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
assert asked["kind"] == "ExecCredential" and asked["spec"]["interactive"] is False
token = os.environ["NAMED"] + (asked["spec"].get("cluster") or {}).get("server", "")
print(json.dumps({"apiVersion": asked["apiVersion"], "kind": "ExecCredential", "status": {"token": token}}))
"""


def plugin(program: str, **more: Any) -> dict[str, Any]:
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": ["-c", program],
            "env": [{"name": "NAMED", "value": "by-plugin"}],
            **more,
        }
    }


@pytest.mark.parametrize("told", [False, True])
def test_a_credential_plugin_is_asked_as_kubectl_asks_it(api: Api, look: Look, *, told: bool) -> None:
    look(plugin(_PLUGIN, provideClusterInfo=told))

    assert api.authorizations == {f"Bearer by-plugin{api.url if told else ''}"}


@pytest.mark.parametrize("program", ["print('secret')", "raise SystemExit('secret')", "print('{}')"])
def test_a_plugin_that_gives_nothing_is_told_without_what_it_said(look: Look, program: str) -> None:
    seen = look(plugin(program))

    assert "gave none" in seen.unseen
    assert "secret" not in seen.unseen


@pytest.mark.parametrize(
    ("user", "cluster"),
    [
        ({"auth-provider": {"name": "oidc"}}, {}),
        ({}, {"tls-server-name": "elsewhere"}),
        ({"tokenFile": "/nonexistent"}, {}),
        ({"client-certificate-data": "abc", "client-key-data": "abc"}, {}),
        ({}, {"server": "http://127.0.0.1:9"}),
    ],
)
def test_a_connection_that_only_the_provider_can_make_leaves_everything_unseen(
    look: Look, user: Mapping[str, Any], cluster: Mapping[str, Any]
) -> None:
    seen = look(user, cluster)

    assert seen.unseen
    assert seen.cluster is None


@pytest.mark.parametrize("status", [401, 500, 503])
def test_an_answer_that_says_nothing_about_the_object_leaves_everything_unseen(
    api: Api, look: Look, status: int
) -> None:
    api.answers[SHOP] = status

    assert f"answered {status}" in look().unseen


def test_without_a_kubeconfig_nothing_is_looked_for() -> None:
    assert live.look(Kubeconfig(), "shop", {"KUBECONFIG": "/nonexistent"}) is None


def _managed(name: str, *managers: str) -> dict[str, Any]:
    fields = [
        {"manager": manager, "time": f"2026-11-28T10:00:0{number}Z"}
        for number, manager in enumerate(managers)
    ]
    return {"metadata": {"name": name, "managedFields": fields}}


def test_what_others_changed_of_the_guards_of_an_owned_namespace_is_seen(api: Api, look: Look) -> None:
    roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles"
    ours, theirs = "pulumi-kubernetes-1a", "kubectl-patch"
    items = [
        _managed("developer", ours, theirs),
        _managed("viewer", ours),
        _managed("foreign", theirs),
        _managed("adopted", theirs, ours),
    ]
    api.answers |= {SHOP: {"metadata": {"annotations": OWNED}}, roles: {"items": items}}

    namespace = look().namespace

    assert namespace
    assert namespace.touched == (
        "networkpolicies/default-deny is not there",
        "roles/developer was changed by kubectl-patch",
    )
