"""The nodes that a tier's pods may run on: labels that these must have, and taints that do not matter."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from .base import Model, refuse
from .scalars import LabelKey, LabelValue, Sequence, text_of_scalar

# https://kubernetes.io/docs/reference/labels-annotations-taints/
_ARCHITECTURE, _SYSTEM = "kubernetes.io/arch", "kubernetes.io/os"
# As uname calls them: as Go, and so Kubernetes, does.
_ARCHITECTURES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "x64": "amd64",
    "aarch64": "arm64",
    "arm64v8": "arm64",
}
# The rules node-choice and tolerations refuse them: most of them are the control plane's.
_ROLE = "node-role.kubernetes.io/"
_NODE_GONE = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")

Label = Annotated[LabelValue, BeforeValidator(text_of_scalar)]


def _labels(wanted: dict[str, str]) -> dict[str, str]:
    for key in wanted:
        if key.startswith(_ROLE):
            raise refuse(
                f"{key} tells the control plane's nodes, and the rule node-choice refuses such a pod",
                "remove it, and give the nodes a label of your own: kubectl label node NAME pool=shop",
            )
    if meant := _ARCHITECTURES.get(wanted.get(_ARCHITECTURE, "").lower()):
        raise refuse(
            f"no node has {_ARCHITECTURE}: {wanted[_ARCHITECTURE]}, so every pod would stay pending; "
            f"did you mean {meant}?",
            f'{{"{_ARCHITECTURE}": "{meant}"}}',
        )
    if wanted.get(_SYSTEM, "linux") != "linux":
        raise refuse("the images and their security settings are Linux'", f'{{"{_SYSTEM}": "linux"}}')
    return wanted


class Toleration(Model):
    """A taint of nodes that does not keep the pods off."""

    key: LabelKey = Field(description="Key of the taint.", examples=["kubernetes.io/arch"])
    operator: Literal["Equal", "Exists"] = Field(
        default="Equal",
        description="`Equal`: the taint has this value. `Exists`: it may have any.",
        examples=["Exists"],
    )
    value: Label | None = Field(
        default=None, description="Value of the taint; none means the empty one.", examples=["arm64"]
    )
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Effect of the taint; none means any.", examples=["NoSchedule"]
    )
    toleration_seconds: Annotated[int, Field(ge=0, le=86400)] | None = Field(
        default=None,
        description="Seconds for which a pod stays on a node that gets the taint; none means for good.",
        examples=[60],
    )

    @model_validator(mode="after")
    def _as_kubernetes_takes_it(self) -> Self:
        if self.operator == "Exists" and self.value is not None:
            raise refuse(
                "with Exists a taint of any value is tolerated, and the API server takes no value with it",
                "remove value, or set operator to Equal",
                at="value",
            )
        if self.toleration_seconds is not None and self.effect != "NoExecute":
            raise refuse(
                "only pods on a node that gets a NoExecute taint have to leave, and the API server takes "
                "seconds for that effect alone",
                "set effect to NoExecute, or remove tolerationSeconds",
                at="tolerationSeconds",
            )
        if self.key.startswith(_ROLE):
            raise refuse(
                "such taints keep pods off the control plane's nodes, and the rule tolerations refuses them",
                "remove it, and give the nodes another taint: kubectl taint node NAME pool=shop:NoSchedule",
                at="key",
            )
        if self.key in _NODE_GONE:
            raise refuse(
                "for how long pods stay on a node that does not answer is one setting for all tiers",
                "pulumi config set --path feastflow:cluster.deadNodeSeconds 60",
                at="key",
            )
        return self


NodeSelector = Annotated[dict[LabelKey, Label], AfterValidator(_labels)]
Tolerations = Annotated[tuple[Toleration, ...], Sequence]
