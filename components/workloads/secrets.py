"""The application's own secrets: a Secret of those in the settings, an ExternalSecret for each store.

An object's name is another one for each content, as everywhere (see `names`), but does not follow from it:
a secret may be short, and every reader of a name could try all short ones.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_random as random
from pulumi_kubernetes import apiextensions
from pydantic import SecretStr

from policies.references import MADE_ELSEWHERE

from ..settings.model.secrets import Reference, StoreKey
from ..settings.values import names
from ..settings.values.names import Identity
from . import environment
from .context import Place, await_condition
from .environment import SecretKey

API_VERSION, KIND = "external-secrets.io/v1", "ExternalSecret"
# Ten hex digits, as many as a digest has.
_BYTES = 5


def create(
    place: Place,
    identity: Identity,
    sources: Mapping[str, SecretStr | Reference],
    parent: pulumi.Resource,
) -> Mapping[str, SecretKey]:
    """Create what the variables need, and return where the value of each one is."""
    own = {name: source for name, source in sources.items() if isinstance(source, SecretStr)}
    elsewhere = {name: source for name, source in sources.items() if isinstance(source, Reference)}
    external = {name: source.external_secret for name, source in elsewhere.items() if source.external_secret}
    found = {
        name: SecretKey(secret=source.secret, key=source.key)
        for name, source in elsewhere.items()
        if source.secret and source.key
    }
    if own:
        secret = _secret(place, identity, own, parent)
        found |= {name: SecretKey(secret=secret, key=name) for name in own}
    for kind, store in sorted({(entry.kind, entry.store) for entry in external.values()}):
        entries = {name: each for name, each in external.items() if (each.kind, each.store) == (kind, store)}
        fetched = _external(place, identity, entries, parent)
        found |= {name: SecretKey(secret=fetched, key=name) for name in entries}
    return found


def _secret(
    place: Place, identity: Identity, values: Mapping[str, SecretStr], parent: pulumi.Resource
) -> pulumi.Output[str]:
    """Create the Secret and return its name: another one whenever a value changes.

    Settings that go back to what they were get a third name, so that nothing is made under one that still
    waits to be deleted.
    """
    hidden = {name: pulumi.Output.secret(values[name].get_secret_value()) for name in sorted(values)}
    label = f"{identity.component}-{names.OF_APPLICATION}"
    drawn = random.RandomId(
        f"{label}-name",
        byte_length=_BYTES,
        keepers=hidden,
        opts=pulumi.ResourceOptions(parent=parent, additional_secret_outputs=["keepers"]),
    )
    name = pulumi.Output.concat(f"{names.SECRET_PREFIX}-{identity.component}-", drawn.hex)
    return environment.keep(label, place.metadata(name, identity), hidden, parent)


def _external(
    place: Place, identity: Identity, entries: Mapping[str, StoreKey], parent: pulumi.Resource
) -> pulumi.Output[str]:
    """Create the ExternalSecret and return the name of the Secret that the operator makes of it."""
    store = next(iter(entries.values()))
    spec = {
        # A name stands for one content, for ever: another version of an entry is another name.
        "refreshPolicy": "CreatedOnce",
        "secretStoreRef": {"kind": store.kind, "name": store.store},
        "data": [{"secretKey": name, "remoteRef": _remote(entries[name])} for name in sorted(entries)],
    }
    digest = names.digest(spec)
    name = f"{names.SECRET_PREFIX}-{identity.component}-{digest}"
    target = {
        "name": name,
        "creationPolicy": "Owner",
        "immutable": True,
        "template": {"engineVersion": "v2", "type": "Opaque", "metadata": {"labels": dict(identity.labels)}},
    }
    created = apiextensions.CustomResource(
        f"{identity.component}-{names.OF_APPLICATION}-{digest}",
        api_version=API_VERSION,
        kind=KIND,
        metadata=place.metadata(
            name, identity, {**await_condition("Ready"), MADE_ELSEWHERE: f"Secret/{name}"}
        ),
        spec={**spec, "target": target},
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return created.urn.apply(lambda _: name)


def _remote(entry: StoreKey) -> dict[str, Any]:
    given = {"key": entry.key, "property": entry.property, "version": entry.version}
    return {name: value for name, value in given.items() if value is not None}
