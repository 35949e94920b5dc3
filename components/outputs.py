"""What a stack tells its operator: addresses, versions, and the exact commands that come next."""

from collections.abc import Mapping
from dataclasses import dataclass

from . import names
from .model.stack import Kubeconfig, Stack


@dataclass(frozen=True, kw_only=True)
class Commands:
    """Commands by purpose, ready to be pasted into a shell."""

    settings: Stack
    cluster: Kubeconfig

    @property
    def kubectl(self) -> str:
        """The client, pointed at this stack's cluster and namespace."""
        context = f" --context {self.cluster.context}" if self.cluster.context else ""
        return f"kubectl{context} --namespace {self.settings.namespace}"

    def listing(self) -> Mapping[str, str]:
        """Every command."""
        database = self.settings.database
        return {
            "pods": f"{self.kubectl} get pods --output wide",
            "events": f"{self.kubectl} get events --sort-by .lastTimestamp",
            "backendLogs": f"{self.kubectl} logs --selector component=backend --tail 100 --prefix",
            "frontendLogs": f"{self.kubectl} logs --selector component=frontend --tail 100 --prefix",
            "migrationLogs": f"{self.kubectl} logs --selector component=migrations --tail 100",
            "databaseLogs": f"{self.kubectl} logs --selector component=database --tail 100 --prefix",
            "psql": f"{self.kubectl} exec --stdin --tty {names.DATABASE}-0 --container postgres -- "
            f"psql --username postgres {database.name}",
            "status": f"curl --fail {self.settings.edge.url}/api/status",
        }
