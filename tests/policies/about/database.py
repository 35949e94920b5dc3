"""Cases of the rules about database."""

from ..manifests import DELETE
from .shape import DIGEST, About, at

ABOUT: dict[str, About] = {
    "postgres-backup": About(
        kind="Cluster",
        field="spec/backup",
        allowed=(
            *at("spec/backup/barmanObjectStore/destinationPath", "s3://backups/shop"),
            {"spec/backup": DELETE, "spec/plugins": [{"name": "backups", "isWALArchiver": True}]},
        ),
        denied=(
            *at("spec/backup", DELETE, {}, {"barmanObjectStore": {}}, {"retentionPolicy": "14d"}),
            {"spec/backup": DELETE, "spec/plugins": [{"name": "other"}]},
        ),
        wrong=["s3://backups/shop"],
    ),
    "postgres-image": About(
        kind="Cluster",
        field="spec/imageName",
        allowed=at("spec/imageName", "postgresql:15", f"postgresql:15.14@{DIGEST}"),
        denied=at("spec/imageName", "postgresql:latest"),
        wrong=["postgresql:15"],
    ),
    "postgres-resources": About(
        kind="Cluster",
        field="spec/resources",
        allowed=at("spec/resources/limits/cpu", "2"),
        denied=at("spec/resources", DELETE, {}, {"requests": {"cpu": "1", "memory": "1Gi"}}),
    ),
    "postgres-superuser": About(
        kind="Cluster",
        field="spec/enableSuperuserAccess",
        allowed=at("spec/enableSuperuserAccess", DELETE, False),
        denied=at("spec/enableSuperuserAccess", True),
    ),
}
