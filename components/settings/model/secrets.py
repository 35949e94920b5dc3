"""The application's own secrets: where each variable's value comes from, and what their names must be."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, SecretStr, Tag, model_validator

from .base import Model, refuse
from .external import External
from .scalars import Key, Subdomain, Variable, text_of_scalar

# Parts of an error's place that only say which form of the value was read; no key contains them.
_TEXT, _REFERENCE = "<text>", "<reference>"
FORMS = (_TEXT, _REFERENCE)


def _not_empty(value: SecretStr) -> SecretStr:
    if not value.get_secret_value():
        raise refuse(
            "the variable would be empty, as if it had never been set",
            "set it again, or remove it: pulumi config rm --path …",
        )
    return value


class StoreKey(Model):
    """A value in a store of the External Secrets Operator (https://external-secrets.io)."""

    store: Subdomain = Field(description="Name of the store.", examples=["feastflow"])
    kind: Literal["SecretStore", "ClusterSecretStore"] = Field(
        default="ClusterSecretStore", description="Kind of the store.", examples=["SecretStore"]
    )
    key: str = Field(min_length=1, description="Entry in the store.", examples=["shop/payments"])
    property: str | None = Field(
        default=None,
        min_length=1,
        description="Property of the entry, where it has several.",
        examples=["key"],
    )
    version: str | None = Field(
        default=None,
        min_length=1,
        description="Version of the entry; another one is read again and rolls the pods.",
        examples=["2"],
    )


class Reference(Model):
    """A value that is kept elsewhere: a key of a Secret of the namespace, or an entry of a store."""

    secret: Annotated[Subdomain, External("Secret")] | None = Field(
        default=None, description="Name of an existing Secret of the namespace.", examples=["smtp"]
    )
    key: Key | None = Field(default=None, description="Key in that Secret.", examples=["password"])
    external_secret: StoreKey | None = Field(
        default=None,
        description="Entry of a store; needs the External Secrets Operator.",
        examples=[{"store": "feastflow", "key": "shop/payments", "property": "key"}],
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        existing = self.secret is not None and self.key is not None
        partly = self.secret is not None or self.key is not None
        if (existing, partly, self.external_secret is not None) not in {
            (True, True, False),
            (False, False, True),
        }:
            raise refuse(
                "a value has one place: a key of a Secret, or an entry of a store",
                '{"secret": "smtp", "key": "password"}',
            )
        return self


def _form(value: Any) -> str:  # noqa: ANN401 - raw input of any shape
    return _REFERENCE if isinstance(value, Mapping | Reference) else _TEXT


Source = Annotated[
    Annotated[SecretStr, BeforeValidator(text_of_scalar), AfterValidator(_not_empty), Tag(_TEXT)]
    | Annotated[Reference, Tag(_REFERENCE)],
    Discriminator(_form),
]
# Each is a key of a Secret: https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data
Sources = dict[Annotated[Variable, Field(max_length=253)], Source]
