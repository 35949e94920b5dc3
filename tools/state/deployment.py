"""The output of `pulumi stack export`, compared without ever showing what is in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterator, Mapping
from typing import Any

Deployment = dict[str, Any]

# What a stack's file says of how its secrets are encrypted. These keys only mean something together.
ENCRYPTION = ("secretsprovider", "encryptedkey", "encryptionsalt")
# How Pulumi marks a value that it wraps, and which of those are secrets, in plain text or encrypted.
MARK = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark, not a secret
# See `components.guards.ownership`.
_UUID = "random:index/randomUuid:RandomUuid"
# When it was written and by which program, and how secrets are encrypted: what a move changes.
_OF_THE_PLACE = {"manifest", "secrets_providers"}


def resources(exported: Deployment) -> list[dict[str, Any]]:
    """Return the resources in their order; none of a stack that was only made."""
    found: list[dict[str, Any]] = content(exported).get("resources") or []
    return found


def content(exported: Deployment) -> dict[str, Any]:
    """Return the deployment without its envelope."""
    found: dict[str, Any] = exported.get("deployment") or {}
    return found


def is_secret(value: Mapping[str, Any]) -> bool:
    """Return whether Pulumi marked the value as a secret, in plain text or encrypted."""
    return value.get(MARK) == _SECRET


def owner(exported: Deployment) -> str:
    """Return the UUID by which a stack of this project is told from others; empty before its first update."""
    found = (each for each in resources(exported) if each["type"] == _UUID)
    return next((str((each.get("outputs") or {}).get("result", "")) for each in found), "")


def open_steps(exported: Deployment) -> dict[str, str]:
    """Return the resources whose last step a killed run did not complete, and that step."""
    operations = content(exported).get("pending_operations") or []
    return {str(operation["resource"]["urn"]): str(operation["type"]) for operation in operations}


def reopened(exported: Deployment, cut_off: Container[str] = ()) -> Deployment:
    """Return the deployment with its open steps, and the updates of these resources, to be done again.

    A refresh would not do: it reads the fields that were recorded, and does not see one that was being added.
    A resource with an initialisation error is updated whether or not it seems to differ.
    """
    changing = open_steps(exported)
    found = [
        {**resource, "initErrors": ["a run that was cut off was changing it"]}
        if not resource.get("delete")
        and (changing.get(resource["urn"]) == "updating" or resource["urn"].rpartition("::")[2] in cut_off)
        else resource
        for resource in resources(exported)
    ]
    return {**exported, "deployment": {**content(exported), "resources": found, "pending_operations": []}}


def fingerprint(exported: Deployment) -> str:
    """Return a digest without the secrets' values: the same for a copy under another secrets provider."""
    masked = json.dumps([_masked(resource) for resource in resources(exported)], sort_keys=True)
    return hashlib.sha256(masked.encode()).hexdigest()


def differences(one: Deployment, other: Deployment) -> list[str]:
    """Return where two deployments differ, in names alone: neither values nor secrets."""
    return sorted(set(_differences(one, other)))


def encryption(exported: Deployment) -> dict[str, str]:
    """Return what a stack's file must say for the deployment's secrets to be readable."""
    provider = content(exported).get("secrets_providers") or {}
    known = provider.get("state") or {}
    match provider.get("type"):
        case "passphrase":
            return {"encryptionsalt": known["salt"]}
        case "cloud":
            return {"secretsprovider": known["url"], "encryptedkey": known["encryptedkey"]}
        case _:
            return {}


def _differences(one: Deployment, other: Deployment) -> Iterator[str]:
    before = {resource["urn"]: resource for resource in resources(one)}
    after = {resource["urn"]: resource for resource in resources(other)}
    for urn in before.keys() | after.keys():
        if urn not in after:
            yield f"{urn} is missing"
        elif urn not in before:
            yield f"{urn} is too many"
        else:
            fields = before[urn].keys() | after[urn].keys()
            changed = sorted(name for name in fields if before[urn].get(name) != after[urn].get(name))
            if changed:
                yield f"{urn} differs in {', '.join(changed)}"
    # An object that is being replaced is there twice under one name.
    if [resource["urn"] for resource in resources(one)] != [resource["urn"] for resource in resources(other)]:
        yield "the resources differ in number or order"
    first, second = content(one), content(other)
    for name in (first.keys() | second.keys()) - _OF_THE_PLACE - {"resources"}:
        if first.get(name) != second.get(name):
            yield f"{name} differs"
    if one.get("version") != other.get("version"):
        yield "version differs"


def _masked(value: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    if isinstance(value, list):
        return [_masked(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if is_secret(value):
        return "secret"
    return {name: _masked(entry) for name, entry in value.items()}
