import pulumi
from pulumi_kubernetes.apps.v1 import Deployment, DeploymentSpecArgs
from pulumi_kubernetes.core.v1 import (
    ContainerArgs,
    ContainerPortArgs,
    EnvVarArgs,
    PodSpecArgs,
    PodTemplateSpecArgs,
    ResourceRequirementsArgs,
    Service,
    ServicePortArgs,
    ServiceSpecArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

config = pulumi.Config()
# Minikube has no load balancers.
is_minikube = config.get_bool("isMinikube")


class ServiceDeployment(pulumi.ComponentResource):
    deployment: Deployment
    service: Service

    def __init__(
        self,
        name: str,
        image: str,
        port: int,
        replicas: int = 1,
        service_type: str = "ClusterIP",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("examples:kubernetes:ServiceDeployment", name, {}, opts)
        labels = {"app": name}
        self.deployment = Deployment(
            name,
            spec=DeploymentSpecArgs(
                selector=LabelSelectorArgs(match_labels=labels),
                replicas=replicas,
                template=PodTemplateSpecArgs(
                    metadata=ObjectMetaArgs(labels=labels),
                    spec=PodSpecArgs(
                        containers=[
                            ContainerArgs(
                                name=name,
                                image=image,
                                env=[EnvVarArgs(name="GET_HOSTS_FROM", value="dns")],
                                resources=ResourceRequirementsArgs(
                                    requests={"cpu": "100m", "memory": "100Mi"},
                                ),
                                ports=[ContainerPortArgs(container_port=port)],
                            )
                        ],
                    ),
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.service = Service(
            name,
            metadata=ObjectMetaArgs(name=name, labels=labels),
            spec=ServiceSpecArgs(
                type=service_type,
                ports=[ServicePortArgs(port=port)],
                selector=self.deployment.spec.selector.match_labels,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


ServiceDeployment("redis-leader", image="redis", port=6379)
ServiceDeployment("redis-replica", image="redis:7.4.1", port=6379, replicas=2)
frontend = ServiceDeployment(
    "frontend",
    image="gcr.io/google-samples/gb-frontend:v5",
    port=80,
    replicas=3,
    service_type="ClusterIP" if is_minikube else "LoadBalancer",
)

pulumi.export("frontend", frontend.service.metadata.name)
