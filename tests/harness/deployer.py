"""A deployer: a service account with the rights of `make deployer-role` and no others."""

import shlex
import sys
from pathlib import Path
from typing import Any

import yaml

from ..documented import documented
from .kube import Kube
from .product import Product


def account(kube: Kube, namespace: str, name: str) -> str:
    """Create a service account, and its namespace where there is none; returns its user's name."""
    if kube.ask("get", "namespace", namespace).code:
        kube.run("create", "namespace", namespace)
    kube.run("--namespace", namespace, "create", "serviceaccount", name)
    return f"system:serviceaccount:{namespace}:{name}"


def kubeconfig(kube: Kube, subject: str, folder: Path) -> Path:
    """Write the kubeconfig of a service account, with the administrator's one context."""
    _, _, namespace, name = subject.split(":")
    token = kube.run("--namespace", namespace, "create", "token", name).strip()
    document = yaml.safe_load(kube.kubeconfig.read_text(encoding="utf-8"))
    document["users"][0]["user"] = {"token": token}
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def allow(product: Product, kube: Kube, stack: str, subject: str) -> list[dict[str, Any]]:
    """Apply what the command prints for a stack, as an administrator; returns it."""
    line = documented(
        "make -s deployer-role STACK=prod SUBJECT=repo:OWNER/REPO:environment:prod | kubectl apply -f -",
        {
            "make -s deployer-role": f"{sys.executable} -m tools.delivery deployer-role",
            "STACK=prod": f"--stack {stack}",
            "SUBJECT=repo:OWNER/REPO:environment:prod": f"--subject {subject}",
            "kubectl apply": f"tee role.yaml | {shlex.quote(kube.kubectl)} apply",
        },
    )
    product.typed(f"KUBECONFIG={kube.kubeconfig} {line}")
    path = product.root / "role.yaml"
    found = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    path.unlink()
    return found
