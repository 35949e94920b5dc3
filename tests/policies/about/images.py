"""Cases of the rules about images."""

from ..manifests import DELETE
from .shape import DIGEST, About, at

ABOUT: dict[str, About] = {
    "image-version": About(
        kind="Deployment",
        field="container/image",
        allowed=at(
            "container/image",
            "web:1",
            "localhost:5000/web:1.2.3-rc.1",
            f"web@{DIGEST}",
            f"web:latest@{DIGEST}",
        ),
        denied=at(
            "container/image", "web", "web:latest", "localhost:5000/web", "registry.example.com/web:latest"
        ),
        wrong=["web:1"],
    ),
    "image-registry": About(
        kind="Deployment",
        field="container/image",
        allowed=at("container/image", "registry.example.com/team/web:2"),
        denied=at(
            "container/image",
            "evil.example.com/web:1.0.0",
            "registry.example.com.evil.example.com/web:1.0.0",
            "nginx:1.29",
        ),
        wrong=["web:1"],
    ),
    "image-digest": About(
        kind="Deployment",
        field="container/image",
        allowed=at("container/image", f"registry.example.com/web@{DIGEST}"),
        denied=at(
            "container/image", "registry.example.com/web:1.0.0", "registry.example.com/web@sha256:0123"
        ),
        wrong=["web:1"],
    ),
    "image-pull-policy": About(
        kind="Deployment",
        field="container/imagePullPolicy",
        allowed=at("container/imagePullPolicy", "Always", "IfNotPresent", "Never"),
        denied=at("container/imagePullPolicy", DELETE),
        wrong=["Always"],
    ),
}
