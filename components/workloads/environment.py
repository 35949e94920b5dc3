"""A container's environment: plain values from an immutable ConfigMap, secret ones from an immutable Secret.

Both objects are named after their content. A changed value makes a second object, the pods roll to it, and
the first goes when no pod uses it any more.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_random as random
from pulumi_kubernetes import core, meta

from ..settings.values import expansion, names
from ..settings.values.names import Identity
from .context import Place

Variable = core.v1.EnvVarArgs
_LETTERS_AND_DIGITS = 40


@dataclass(frozen=True, kw_only=True)
class SecretKey:
    """The place of a secret value: a Secret of the namespace and a key in it. Never the value."""

    secret: pulumi.Input[str]
    key: str

    def variable(self, name: str) -> core.v1.EnvVarArgs:
        """The value as an environment variable."""
        return core.v1.EnvVarArgs(
            name=name,
            value_from=core.v1.EnvVarSourceArgs(
                secret_key_ref=core.v1.SecretKeySelectorArgs(name=self.secret, key=self.key)
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Derived:
    """A secret text made of others of the same Secret, such as a URL: `{key}` stands for the value of a key.

    Those are passwords of letters and digits, so that none has to be quoted. A rendering has the same text
    with references to the other keys, and a store holds those alone.
    """

    template: str

    def made_of(self, values: Mapping[str, str]) -> str:
        """Return the text; a key that the Secret does not have is a KeyError."""
        return self.template.format_map(values)


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Variables by name. `extra` comes last, so its values may refer to all of them as `$(NAME)`.

    Those of the contract, `plain` and `secret`, may be `renamed`; the application's `own` secrets and the
    `extra` ones are called as they are.
    """

    plain: Mapping[str, str]
    secret: Mapping[str, SecretKey]
    extra: Mapping[str, str]
    renamed: Mapping[str, str]
    own: Mapping[str, SecretKey] = field(default_factory=dict)


def password(name: str, rotation: int, parent: pulumi.Resource) -> pulumi.Output[str]:
    """A generated secret of 40 letters and digits (238 bits); each `rotation` has one of its own.

    No special characters: the value fits a URL, a shell and SQL without quoting.
    """
    generated = random.RandomPassword(
        f"{name}-{rotation}",
        length=_LETTERS_AND_DIGITS,
        special=False,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return pulumi.Output.secret(generated.result)


def secret(
    name: str,
    place: Place,
    identity: Identity,
    values: Mapping[str, pulumi.Input[str] | Derived],
    parent: pulumi.Resource,
    kind: str = "Opaque",
) -> pulumi.Output[str]:
    """Create the workload's Secret and return its name, which follows the content and is no secret.

    `name` must be another one for each rotation: see `config`.
    """
    whole = _with_derived(values)
    return keep(name, place.metadata(secret_name(identity, whole), identity), whole, parent, kind)


def secret_name(
    identity: Identity, values: Mapping[str, pulumi.Input[str]], apart: pulumi.Input[str] = ""
) -> pulumi.Output[str]:
    """Return the name of a Secret with these values, which is no secret.

    Where another resource of Pulumi may have the same content, `apart` tells the two objects from each other:
    with one name, the object that was created would be deleted with the former resource.
    """

    def named(content: Mapping[str, str], told: str) -> str:
        digest = _fingerprint({**content, "": told} if told else content)
        return f"{names.SECRET_PREFIX}-{identity.component}-{digest}"

    both = pulumi.Output.all(pulumi.Output.all(**values), apart)
    return pulumi.Output.unsecret(both.apply(lambda known: named(known[0], str(known[1]))))


def keep(
    name: str,
    metadata: meta.v1.ObjectMetaArgs,
    values: Mapping[str, pulumi.Input[str]],
    parent: pulumi.Resource,
    kind: str = "Opaque",
) -> pulumi.Output[str]:
    """Create an immutable Secret of these values, and return its name; another content needs another one."""
    created = core.v1.Secret(
        name,
        metadata=metadata,
        type=kind,
        immutable=True,
        data=pulumi.Output.all(**values).apply(
            lambda known: {key: base64.b64encode(known[key].encode()).decode() for key in known}
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return created.metadata.apply(lambda metadata: str(metadata.name))


def config(
    name: str, place: Place, identity: Identity, values: Mapping[str, str], parent: pulumi.Resource
) -> pulumi.Output[str]:
    """Create the workload's ConfigMap and return its name.

    Other content is another resource for Pulumi too, not a replacement of this one. If an update fails and
    the content then goes back to what it was, a replacement would be made under a name that still waits to
    be deleted, and be deleted with it.
    """
    digest = names.digest(values)
    created = core.v1.ConfigMap(
        f"{name}-{digest}",
        metadata=place.metadata(f"{names.CONFIG_PREFIX}-{identity.component}-{digest}", identity),
        immutable=True,
        data=dict(values),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return created.metadata.apply(lambda metadata: str(metadata.name))


def configs(
    name: str,
    place: Place,
    identity: Identity,
    contents: Sequence[Mapping[str, str]],
    parent: pulumi.Resource,
) -> list[pulumi.Output[str]]:
    """As `config` for each content in turn; equal ones are one ConfigMap."""
    made: dict[str, pulumi.Output[str]] = {}
    for values in contents:
        if names.digest(values) not in made:
            made[names.digest(values)] = config(name, place, identity, values, parent)
    return [made[names.digest(values)] for values in contents]


def variables(environment: Environment, config_name: pulumi.Input[str]) -> list[core.v1.EnvVarArgs]:
    """The environment of a container, in an order that never changes by itself.

    Raises:
        ValueError: for a new name of a variable that is not of the contract; a defect of this program.
    """
    lost = sorted(environment.renamed.keys() - environment.plain.keys() - environment.secret.keys())
    if lost:
        raise ValueError(f"{', '.join(lost)} would be renamed, and is no variable of the contract here")

    def called(name: str) -> str:
        return environment.renamed.get(name, name)

    plain = [
        core.v1.EnvVarArgs(
            name=called(name),
            value_from=core.v1.EnvVarSourceArgs(
                config_map_key_ref=core.v1.ConfigMapKeySelectorArgs(name=config_name, key=name)
            ),
        )
        for name in sorted(environment.plain)
    ]
    hidden = [environment.secret[name].variable(called(name)) for name in sorted(environment.secret)]
    hidden += [environment.own[name].variable(name) for name in sorted(environment.own)]
    before = [*plain, *hidden]
    extra = {name: environment.extra[name] for name in sorted(environment.extra)}
    return _with(before, extra, environment.renamed)


def over(
    variables: Sequence[core.v1.EnvVarArgs], own: Mapping[str, str], renamed: Mapping[str, str]
) -> list[core.v1.EnvVarArgs]:
    """Return another container's environment with `own` values over it, which may refer to the rest."""
    kept = [variable for variable in variables if variable.name not in own]
    texts = {str(variable.name): str(variable.value) for variable in kept if variable.value is not None}
    before = [variable for variable in kept if variable.value is None]
    return _with(before, {**texts, **{name: own[name] for name in sorted(own)}}, renamed)


def words(
    texts: Sequence[str], variables: Sequence[core.v1.EnvVarArgs], renamed: Mapping[str, str]
) -> list[str]:
    """Return a command or its arguments, with references to the variables by the names that these have."""
    new = expansion.new_names(renamed, {str(variable.name) for variable in variables})
    return [expansion.renamed(text, new) for text in texts]


def plain(values: Mapping[str, str]) -> list[core.v1.EnvVarArgs]:
    """Return the values as a container's variables, in their order."""
    return [core.v1.EnvVarArgs(name=name, value=value) for name, value in values.items()]


def _with(
    before: Sequence[core.v1.EnvVarArgs], values: Mapping[str, str], renamed: Mapping[str, str]
) -> list[core.v1.EnvVarArgs]:
    """Return the variables and after them those of the values, each after all that it refers to."""
    new = expansion.new_names(renamed, {*(str(variable.name) for variable in before), *values})
    texts = {name: expansion.renamed(text, new) for name, text in values.items()}
    return [
        *before,
        *plain({name: texts[name] for name in expansion.ordered(texts)}),
    ]


def _with_derived(
    values: Mapping[str, pulumi.Input[str] | Derived],
) -> dict[str, pulumi.Input[str]]:
    """Return the Secret's values with the derived ones made of the others."""
    given = {key: value for key, value in values.items() if not isinstance(value, Derived)}
    derived = {key: value for key, value in values.items() if isinstance(value, Derived)}
    known = pulumi.Output.all(**given)
    return {**given, **{key: known.apply(value.made_of) for key, value in derived.items()}}


def _fingerprint(values: Mapping[str, str]) -> str:
    # The key is as long and as secret as what it hides, so nobody can test guesses against the name.
    return names.keyed_digest("".join(values[key] for key in sorted(values)), values)
