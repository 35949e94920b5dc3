"""The namespace's guards on the running cluster: a sample of each; tests/apiserver has all of them."""

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.toolchain import cache

from ..harness.kube import RESTRICTED, Kube, Object, name_of, ruled
from ..harness.product import Product
from ..policies.manifests import DELETE, changed

_PASSWORD = "random:index/randomPassword:RandomPassword"
_SENSITIVE = ("PASSWORD", "SECRET", "TOKEN")


def _created(kube: Kube, manifest: Object) -> str:
    """Return what the API server says of an object that it is asked to create; nothing where it agrees."""
    ran = kube.ask("create", "--dry-run=server", "--filename", "-", stdin=json.dumps(manifest))
    return ran.err if ran.code else ""


def _pod(**security: object) -> Object:
    """Return a pod that keeps every rule, but for what is given of its container's security context."""
    spec = ruled({"securityContext": {**RESTRICTED, **security}})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": spec}


def test_a_pod_that_keeps_the_rules_is_let_in(kube: Kube) -> None:
    assert _created(kube, _pod()) == ""


def test_a_pod_that_runs_as_root_is_refused_by_pod_security(kube: Kube) -> None:
    assert 'violates PodSecurity "restricted:' in _created(kube, _pod(runAsUser=0, runAsNonRoot=False))


def test_a_deployment_without_a_liveness_probe_is_refused_by_the_policies(kube: Kube) -> None:
    manifest = changed("Deployment", {"container/livenessProbe": DELETE})
    assert "denied request: probe-liveness: Deployment web" in _created(kube, manifest)


def test_a_developer_really_reads_logs_and_really_gets_no_secret(kube: Kube) -> None:
    developer = ("--as", "any-user", "--as-group", "feastflow-developers")
    (pod, *_) = kube.ready("backend")
    assert kube.run("logs", pod, "--tail=1", *developer).startswith("{")
    refused = kube.ask("get", "secrets", *developer)
    assert "Forbidden" in refused.err, refused


def test_etcd_has_nothing_of_a_secret_in_plain_text(kube: Kube, product: Product) -> None:
    """The control plane's own files, the write-ahead log too; what is in a ConfigMap is found there."""
    (node,) = (each for each in product.nodes() if each.endswith("control-plane"))
    (jwt,) = (each["data"]["jwt"] for each in kube.all("secrets") if "jwt" in each["data"])
    (shown,) = {
        each["data"]["FRONTEND_URL"] for each in kube.all("configmaps") if "FRONTEND_URL" in each["data"]
    }

    def files(value: str) -> int:
        look = (
            f"grep --recursive --text --files-with-matches --fixed-strings -e '{value}' /var/lib/etcd | wc -l"
        )
        return int(product.engine("exec", node, "sh", "-c", look))

    assert files(shown) > 0
    assert files(base64.b64decode(jwt).decode()) == 0


def test_no_pod_has_a_token_for_the_kubernetes_api(kube: Kube) -> None:
    pods = kube.all("pods")
    tokens = [
        pod["metadata"]["name"]
        for pod in pods
        for volume in pod["spec"].get("volumes", [])
        if any("serviceAccountToken" in source for source in volume.get("projected", {}).get("sources", []))
    ]
    assert len(pods) >= 6
    assert tokens == []


def test_every_pod_that_runs_keeps_the_newest_restricted_rules(kube: Kube) -> None:
    # A namespace whose level changes has all its pods evaluated; those that break it are named in warnings.
    level = "pod-security.kubernetes.io/enforce"
    known = kube.get("namespace", kube.namespace)["metadata"]["labels"]
    assert known[level] == "restricted"
    other = "v1.33" if known.get(f"{level}-version") == "latest" else "latest"
    change = ["namespace", kube.namespace, f"{level}-version={other}"]
    ran = kube.ask("label", "--dry-run=server", "--overwrite", *change)
    assert ran.code == 0, ran
    assert "Warning" not in ran.err, ran


@pytest.fixture(scope="module")
def secrets(product: Product, kube: Kube) -> dict[str, str]:
    """Return every value that was generated for this stack: from the opened state, and from the Secrets."""
    found = {}
    exported = json.loads(product.shell("pulumi stack export --stack dev --show-secrets").out)
    for resource in exported["deployment"]["resources"]:
        if resource["type"] == _PASSWORD:
            result = resource["outputs"]["result"]
            value = json.loads(result["plaintext"]) if isinstance(result, dict) else result
            found[f"{resource['urn'].rsplit('::', 1)[1]} in the state"] = value
    for secret in kube.all("secrets"):
        for key, value in (secret.get("data") or {}).items():
            if any(word in key.upper() for word in _SENSITIVE):
                found[f"{key} in the Secret {name_of(secret)}"] = base64.b64decode(value).decode()
    return found


def test_the_stack_has_secrets_that_cannot_be_guessed(secrets: dict[str, str]) -> None:
    assert len(secrets) >= 4, secrets.keys()
    short = [name for name, value in secrets.items() if len(value) < 24]
    assert short == []
    assert any("JWT" in name.upper() for name in secrets), secrets.keys()


def test_no_secret_is_in_state_logs_messages_or_caches(product: Product, secrets: dict[str, str]) -> None:
    texts = dict(_files(product.home))
    texts |= dict(_files(cache.home() / "logs"))
    texts |= {f"the output of {' '.join(ran.command[-2:])}": ran.text for ran in product.said}
    for question in ("export", "output --json", "history --json"):
        texts[f"stack {question}"] = product.shell(f"pulumi stack {question} --stack dev").out
    assert any("pulumi.log" in name for name in texts)
    assert "ciphertext" in texts["stack export"]
    assert _found(secrets, texts) == []


def test_no_secret_is_in_any_object_but_the_secrets_own_data(kube: Kube, secrets: dict[str, str]) -> None:
    texts = {}
    kinds = [kind for kind in kube.kinds(namespaced=True) if not kind.endswith("metrics.k8s.io")]
    for thing in kube.all(",".join(kinds)):
        shown = {**thing, "data": None} if thing["kind"] == "Secret" else thing
        texts[f"{thing['kind']} {name_of(thing)}"] = json.dumps(shown)
    assert any(name.startswith("Pod postgres") for name in texts)
    assert any(name.startswith("Secret") for name in texts)
    assert _found(secrets, texts) == []


def test_no_secret_is_in_a_containers_log(kube: Kube, secrets: dict[str, str]) -> None:
    texts = {}
    for pod in kube.all("pods"):
        name = name_of(pod)
        texts[name] = kube.run("logs", name, "--all-containers", "--tail=-1", "--ignore-errors")
    assert any(text.strip() for text in texts.values())
    assert _found(secrets, texts) == []


def _found(secrets: dict[str, str], texts: dict[str, str]) -> list[str]:
    """Return which secret is in which text, plain or in base64, without the values themselves."""
    return [
        f"{secret} is in {place}"
        for secret, value in secrets.items()
        for place, text in texts.items()
        if value in text or base64.b64encode(value.encode()).decode() in text
    ]


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if path.suffix == ".gz":
                content = gzip.decompress(content)
            yield str(path), content.decode(errors="replace")
