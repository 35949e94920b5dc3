"""Two workloads with mistakes; an image and a Secret's name of the second one are unknown at preview."""

import pulumi_random as random
from pulumi import Output
from pulumi_kubernetes import apps, core, meta

built = random.RandomString("built", length=6, special=False, upper=False)
login = core.v1.Secret(
    "login",
    metadata=meta.v1.ObjectMetaArgs(name=built.result),
    immutable=True,
    string_data={"password": "of a test"},
)
from_login = core.v1.EnvVarSourceArgs(
    secret_key_ref=core.v1.SecretKeySelectorArgs(name=login.metadata.name, key="password")
)


def deployment(
    name: str, containers: list[core.v1.ContainerArgs], init: list[core.v1.ContainerArgs] | None = None
) -> None:
    """Create a Deployment of this name."""
    labels = {"app": name}
    apps.v1.Deployment(
        name,
        metadata=meta.v1.ObjectMetaArgs(name=name),
        spec=apps.v1.DeploymentSpecArgs(
            replicas=1,
            selector=meta.v1.LabelSelectorArgs(match_labels=labels),
            template=core.v1.PodTemplateSpecArgs(
                metadata=meta.v1.ObjectMetaArgs(labels=labels),
                spec=core.v1.PodSpecArgs(containers=containers, init_containers=init),
            ),
        ),
    )


deployment(
    "legacy",
    [core.v1.ContainerArgs(name="web", image="shop:1.4.2")],
    init=[core.v1.ContainerArgs(name="prepare", image="shop")],
)
deployment(
    "computed",
    [
        core.v1.ContainerArgs(
            name="server",
            image=Output.concat("shop:", built.result),
            env=[core.v1.EnvVarArgs(name="PASSWORD", value_from=from_login)],
        ),
        core.v1.ContainerArgs(name="proxy", image="proxy:latest"),
    ],
)
