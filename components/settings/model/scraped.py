"""A tier's metrics, as a collector reads them from each of its pods."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scraped:
    """The port, by number and by its name in the container, and the path of metrics in Prometheus' format."""

    port: int
    port_name: str
    path: str

    @property
    def annotations(self) -> Mapping[str, str]:
        """Return the annotations of pods that collectors without Prometheus' operator go by."""
        return {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": str(self.port),
            "prometheus.io/path": self.path,
        }
