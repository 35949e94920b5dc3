"""A recorder between a client and the cloud, and the permissions that AWS would require for each request."""

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from .cloud import Cloud
from .iam import Asked

_HOP = {"connection", "transfer-encoding", "content-length", "server", "date"}
_CONTEXT = "kms:EncryptionContext:"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request and the status of its answer. `headers` are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    status: int

    def asks(self, region: str, key: str) -> Iterator[Asked]:
        """Yield every permission that AWS asks for; `key` is the ARN of the bucket's KMS key.

        Raises:
            AssertionError: for a request that is not known here.
        """
        if target := self.headers.get("x-amz-target"):
            context = json.loads(self.body).get("EncryptionContext") or {}
            named = {f"{_CONTEXT}{name}": value for name, value in context.items()}
            yield Asked(action=f"kms:{target.rpartition('.')[2]}", resource=key, context=named)
            return
        bucket, _, name = self.path.removeprefix("/").partition("/")
        arn = f"arn:aws:s3:::{bucket}"
        if not name:
            yield self._of_bucket(arn)
            return
        yield from self._of_object(arn, f"{arn}/{name}")
        through = {"kms:ViaService": f"s3.{region}.amazonaws.com", f"{_CONTEXT}aws:s3:arn": arn}
        if self.method != "DELETE":
            # The bucket's own encryption: S3 calls KMS with the caller's permissions.
            for action in (
                ("kms:GenerateDataKey", "kms:Decrypt") if self.method == "PUT" else ("kms:Decrypt",)
            ):
                yield Asked(action=action, resource=key, context=through)
        if self.status == http.HTTPStatus.NOT_FOUND:
            # Without it the answer would be "forbidden", which Pulumi does not read as "there is none".
            yield Asked(action="s3:ListBucket", resource=arn)

    def _of_bucket(self, arn: str) -> Asked:
        assert self.method in ("GET", "HEAD"), self
        action = "s3:ListBucketVersions" if "versions" in self.query else "s3:ListBucket"
        known = {f"s3:{name}": self.query[name] for name in ("prefix", "delimiter") if name in self.query}
        return Asked(action=action, resource=arn, context=known)

    def _of_object(self, arn: str, resource: str) -> Iterator[Asked]:
        versioned = "Version" if "versionId" in self.query else ""
        assert not self.query.keys() - {"versionId", "x-id"}, self
        match self.method:
            case "GET" | "HEAD":
                yield Asked(action=f"s3:GetObject{versioned}", resource=resource)
            case "DELETE":
                yield Asked(action=f"s3:DeleteObject{versioned}", resource=resource)
            case "PUT":
                yield Asked(action="s3:PutObject", resource=resource)
            case _:
                raise AssertionError(self)
        if source := self.headers.get("x-amz-copy-source"):
            path, _, version = unquote(source).partition("?versionId=")
            name = path.lstrip("/").partition("/")[2]
            yield Asked(action=f"s3:GetObject{'Version' if version else ''}", resource=f"{arn}/{name}")


@dataclass(kw_only=True)
class Recorder:
    """A proxy before the fake cloud that records every forwarded request."""

    port: int
    requests: list[Request] = field(default_factory=list)

    @property
    def cloud(self) -> Cloud:
        """The cloud as it is reached through the recorder."""
        return Cloud(port=self.port)


@contextlib.contextmanager
def recording(cloud: Cloud) -> Iterator[Recorder]:
    """Stand before the cloud for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            far = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=60)
            far.request(self.command, self.path, body=body, headers=dict(self.headers))
            answer = far.getresponse()
            content = answer.read()
            parts = urlsplit(self.path)
            query = {
                name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()
            }
            made.requests.append(
                Request(
                    method=self.command,
                    path=unquote(parts.path),
                    query=query,
                    headers={name.lower(): value for name, value in self.headers.items()},
                    body=body,
                    status=answer.status,
                )
            )
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            length = answer.getheader("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            far.close()

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _forward  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Recorder(port=server.server_address[1])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
