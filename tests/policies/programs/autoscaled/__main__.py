"""A workload whose number of replicas is left to an autoscaler."""

import os

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes import apps, autoscaling, core, meta

# The SDK passes it as an argument, which excludes files.
os.environ.pop("KUBECONFIG", None)

labels = {"app": "shop"}
files = pulumi.ResourceOptions(
    provider=kubernetes.Provider("files", render_yaml_to_directory=pulumi.Config().require("folder"))
)
shop = apps.v1.Deployment(
    "shop",
    metadata=meta.v1.ObjectMetaArgs(name="shop"),
    spec=apps.v1.DeploymentSpecArgs(
        selector=meta.v1.LabelSelectorArgs(match_labels=labels),
        template=core.v1.PodTemplateSpecArgs(
            metadata=meta.v1.ObjectMetaArgs(labels=labels),
            spec=core.v1.PodSpecArgs(containers=[core.v1.ContainerArgs(name="web", image="shop:1.4.2")]),
        ),
    ),
    opts=files,
)
autoscaling.v2.HorizontalPodAutoscaler(
    "shop",
    metadata=meta.v1.ObjectMetaArgs(name="shop"),
    spec=autoscaling.v2.HorizontalPodAutoscalerSpecArgs(
        scale_target_ref=autoscaling.v2.CrossVersionObjectReferenceArgs(
            api_version="apps/v1", kind="Deployment", name="shop"
        ),
        min_replicas=2,
        max_replicas=4,
    ),
    opts=files,
)
