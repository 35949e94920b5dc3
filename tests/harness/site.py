"""The site as a customer's program reaches it: through the edge, on loopback."""

import http.client
import json
import ssl
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .waiting import meanwhile

_MOST_QUESTIONS = 20_000
_PAUSE = 0.05


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.text)


@dataclass(frozen=True, kw_only=True)
class Site:
    """A site below `.localhost`: connections go to 127.0.0.1 and nowhere else."""

    url: str

    @property
    def host(self) -> str:
        """The host name and port, as a browser sends them."""
        return urlsplit(self.url).netloc

    @property
    def port(self) -> int:
        """The edge's port."""
        return urlsplit(self.url).port or 80

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        body: object = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 5,
    ) -> Answer:
        """Send one request on a connection of its own."""
        connection = self._connection(timeout)
        sent = {"Host": self.host, **(headers or {})}
        content = None
        if body is not None:
            content = json.dumps(body)
            sent["Content-Type"] = "application/json"
        try:
            connection.request(method, path, body=content, headers=sent)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
            return Answer(status=answer.status, headers=dict(answer.getheaders()), text=text)
        finally:
            connection.close()

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        if urlsplit(self.url).scheme == "http":
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        # The local controller's certificate is self-signed; the loopback address identifies it.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=context)

    def answers(self, path: str = "/api/menu") -> bool:
        """Return True if the path answers with 200."""
        return self.ask(path).status == http.client.OK


@dataclass
class Watch:
    """A customer's view over repeated requests: answers, failures, and the longest time without an answer."""

    answered: int = 0
    failures: list[str] = field(default_factory=list)
    longest_silence: float = 0.0

    @property
    def kept_answering(self) -> bool:
        """Return True if more requests were answered than failed, so that a retry helps at once."""
        return self.answered > len(self.failures)

    def __str__(self) -> str:
        failed, asked = len(self.failures), self.answered + len(self.failures)
        return f"{failed} of {asked} requests failed, at most {self.longest_silence:.1f} s without an answer"


@contextmanager
def watched(site: Site, path: str = "/api/menu") -> Iterator[Watch]:
    """Keep asking, one request after the other, while the block runs."""
    watch = Watch()

    def keep_asking(over: threading.Event) -> None:
        last = time.monotonic()
        for _ in range(_MOST_QUESTIONS):
            try:
                status = site.ask(path, timeout=2).status
            except (OSError, http.client.HTTPException) as problem:
                watch.failures.append(repr(problem))
            else:
                if status == http.client.OK:
                    watch.answered += 1
                    watch.longest_silence = max(watch.longest_silence, time.monotonic() - last)
                    last = time.monotonic()
                else:
                    watch.failures.append(str(status))
            if over.wait(_PAUSE):
                break
        watch.longest_silence = max(watch.longest_silence, time.monotonic() - last)

    with meanwhile(keep_asking):
        yield watch


@dataclass
class Writes:
    """Orders placed one after the other: numbers of the acknowledged ones, and the longest time without."""

    numbers: list[str] = field(default_factory=list)
    longest_silence: float = 0.0


@contextmanager
def ordering(site: Site, *, customer: str) -> Iterator[Writes]:
    """Place orders while the block runs, as a customer who tries again when one fails."""
    writes = Writes()
    order = {"items": [{"menu_item_id": "margherita", "quantity": 1}], "customer_name": customer}

    def keep_ordering(over: threading.Event) -> None:
        last = time.monotonic()
        for _ in range(_MOST_QUESTIONS):
            key = {"Idempotency-Key": str(uuid.uuid4())}
            with suppress(OSError, http.client.HTTPException):
                answer = site.ask("/api/orders", method="POST", body=order, headers=key)
                if answer.status == http.client.CREATED:
                    writes.numbers.append(answer.json["number"])
                    writes.longest_silence = max(writes.longest_silence, time.monotonic() - last)
                    last = time.monotonic()
            if over.wait(2 * _PAUSE):
                break

    with meanwhile(keep_ordering):
        yield writes
