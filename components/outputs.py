"""Outputs for a stack's operator: addresses, versions, and the exact commands that come next."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from .settings.model.stack import Kubeconfig, Stack
from .settings.values import names
from .tiers import TIERS


@dataclass(frozen=True, kw_only=True)
class Commands:
    """Commands by purpose, ready to be pasted into a shell."""

    settings: Stack
    cluster: Kubeconfig

    @property
    def kubectl(self) -> str:
        """The client, pointed at this stack's cluster and namespace."""
        context = f" --context {shlex.quote(self.cluster.context)}" if self.cluster.context else ""
        return f"kubectl{context} --namespace {self.settings.namespace}"

    def listing(self) -> Mapping[str, str]:
        """Every command."""
        edge = self.settings.edge
        # The controller's own certificate is signed by nobody that curl knows.
        trust = " --insecure" if edge.tls.enabled and edge.tls.certificate is None else ""
        logs = f"{self.kubectl} logs --prefix --tail 100"
        return {
            "pods": f"{self.kubectl} get pods --output wide",
            "events": f"{self.kubectl} get events --sort-by .lastTimestamp",
            "scaling": f"{self.kubectl} get horizontalpodautoscalers",
            **{f"{name}Logs": f"{logs} --selector component={name}" for name in self._logged()},
            **self._psql(),
            "status": f"curl --fail{trust} {edge.url}/api/status",
        }

    def _logged(self) -> list[str]:
        """Return the components that have logs; an external server's are not here."""
        database = self.settings.database
        external = database.external is not None
        of_tiers = [
            name for tier in TIERS for name in tier.logs if not external or tier.workload != names.DATABASE
        ]
        return [*of_tiers, *([names.POOLER_COMPONENT] if database.pooler else [])]

    def _psql(self) -> Mapping[str, str]:
        if self.settings.database.external is not None:
            return {}
        return {
            "psql": f"{self.kubectl} exec --stdin --tty {self._server()} --container postgres -- "
            f"psql --username postgres {self.settings.database.name}"
        }

    def _server(self) -> str:
        if self.settings.database.engine == "replicated":
            return f"$({self.kubectl} get pods --selector {names.DATABASE_PRIMARY} --output name)"
        return f"{names.DATABASE}-0"
