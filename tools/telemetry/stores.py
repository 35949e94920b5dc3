"""Addresses of the local cluster's stores, through its edge, and of the pages on them."""

from collections.abc import Mapping
from dataclasses import dataclass

from tools.observe import rendering
from tools.telemetry.asking import SECONDS, Source


@dataclass(frozen=True, kw_only=True)
class Stores:
    """The stores behind the edge's port on loopback, which may be there or not."""

    port: int

    @property
    def pages(self) -> Mapping[str, str]:
        """Return the pages that a user opens, by what is seen there."""
        return rendering.addresses(self.port)

    def metrics(self, seconds: float = SECONDS) -> Source:
        """Return the store of metrics."""
        return self._at("metrics", seconds)

    def logs(self, seconds: float = SECONDS) -> Source:
        """Return the store of logs."""
        return self._at("logs", seconds)

    def traces(self, seconds: float = SECONDS) -> Source:
        """Return the store of traces."""
        return self._at("traces", seconds)

    def _at(self, host: str, seconds: float) -> Source:
        return Source(url=f"http://{host}.localhost:{self.port}", seconds=seconds)
