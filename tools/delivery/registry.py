"""A registry of images, by the OCI's distribution API: what a tag stands for, and a push by digest.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPResponse
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode, urljoin, urlsplit

from tools.delivery.reference import Reference
from tools.toolchain.errors import UserError

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
_KINDS = (
    OCI_INDEX,
    OCI_MANIFEST,
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_EMPTY = "application/vnd.oci.empty.v1+json"
_SECONDS = 60
_LARGEST_MANIFEST = 4 * 2**20
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')

Descriptor = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Registry:
    """The registries that the user reaches. `logins` are `user:password`, by host."""

    logins: Mapping[str, str] = field(default_factory=dict, repr=False)
    _tokens: dict[tuple[str, str], str] = field(default_factory=dict, init=False, repr=False)

    def digest(self, image: Reference) -> str:
        """Return the digest of what the reference stands for now.

        Raises:
            UserError: when the registry does not have it, or does not tell.
        """
        with closing(self._asked(image, "GET", f"manifests/{image.what}")) as answer:
            content = answer.read(_LARGEST_MANIFEST)
            told = answer.headers.get("Docker-Content-Digest")
        found = _digest(content)
        # The bytes decide; a registry that says otherwise is not believed.
        if told not in (None, found) or image.digest not in (None, found):
            raise _refused(image, f"says that it is {told}, and its bytes are {found}")
        return found

    def manifest(self, image: Reference) -> Any:  # noqa: ANN401 - JSON
        """Return the manifest or index, None where the registry has none.

        Raises:
            UserError: when the registry does not tell.
        """
        try:
            return json.loads(self._content(image))
        except _MissingError:
            return None

    def push(self, layout: Path, image: Reference) -> Reference:
        """Push an image from a folder of the OCI's layout, by its digest; returns the reference with it.

        The reference's tag, where it has one, is set last, on what is there whole.

        Raises:
            UserError: when the folder does not hold exactly one image, or the registry does not take it.
        """
        index = json.loads((layout / "index.json").read_text(encoding="utf-8"))
        if len(index["manifests"]) != 1:
            raise UserError(
                f"{layout} holds {len(index['manifests'])} images",
                "which of them is pushed has to be clear",
                "build each into a folder of its own",
            )
        (described,) = index["manifests"]
        self._push(layout, described, image)
        if image.tag:
            content = _blob(layout, described["digest"]).read_bytes()
            self._put(image, image.tag, content, described["mediaType"])
        return image.at(described["digest"])

    def attach(self, file: Path, kind: str, image: Reference) -> Reference:
        """Attach a file of this media type to an image by its digest; returns its manifest's reference.

        Registries that do not list what refers to an image get the tag by which clients find it all the same.

        Raises:
            UserError: when the registry does not take it.
        """
        content = self._content(image)
        raw = file.read_bytes()
        empty = b"{}"
        for blob in (raw, empty):
            self._blob(image, _digest(blob), blob)
        subject = {
            "mediaType": json.loads(content).get("mediaType", OCI_MANIFEST),
            "digest": image.digest,
            "size": len(content),
        }
        manifest: Descriptor = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": kind,
            "config": {"mediaType": _EMPTY, "digest": _digest(empty), "size": len(empty)},
            "layers": [
                {
                    "mediaType": kind,
                    "digest": _digest(raw),
                    "size": len(raw),
                    "annotations": {"org.opencontainers.image.title": file.name},
                }
            ],
            "subject": subject,
        }
        body = json.dumps(manifest, sort_keys=True).encode()
        digest = _digest(body)
        listed = self._put(image, digest, body, OCI_MANIFEST)
        if listed != image.digest:
            entry = {
                "mediaType": OCI_MANIFEST,
                "digest": digest,
                "size": len(body),
                "artifactType": kind,
            }
            self._list(image, entry)
        return image.at(digest)

    def _list(self, image: Reference, entry: Descriptor) -> None:
        """Add to the index under the tag that stands for the referrers of an image."""
        tag = str(image.digest).replace(":", "-")
        place = Reference(text=image.text, host=image.host, path=image.path, tag=tag, digest=None)
        known = self.manifest(place) or {"manifests": []}
        others = [each for each in known["manifests"] if each["digest"] != entry["digest"]]
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*others, entry]}
        self._put(image, tag, json.dumps(index, sort_keys=True).encode(), OCI_INDEX)

    def _push(self, layout: Path, described: Descriptor, image: Reference) -> None:
        file = _blob(layout, described["digest"])
        content = file.read_bytes()
        manifest = json.loads(content)
        for each in manifest.get("manifests", ()):
            self._push(layout, each, image)
        for each in (*manifest.get("layers", ()), *filter(None, [manifest.get("config")])):
            with _blob(layout, each["digest"]).open("rb") as stream:
                self._blob(image, each["digest"], stream, each["size"])
        self._put(image, described["digest"], content, described["mediaType"])

    def _blob(
        self, image: Reference, digest: str, content: bytes | IO[bytes], size: int | None = None
    ) -> None:
        try:
            self._asked(image, "HEAD", f"blobs/{digest}").close()
        except _MissingError:
            with closing(self._asked(image, "POST", "blobs/uploads/", data=b"")) as begun:
                place = urljoin(begun.url, begun.headers["Location"])
            joined = "&" if urlsplit(place).query else "?"
            length = str(len(content) if isinstance(content, bytes) else size)
            headers = {"Content-Type": "application/octet-stream", "Content-Length": length}
            url = f"{place}{joined}{urlencode({'digest': digest})}"
            self._asked(image, "PUT", url, headers=headers, data=content).close()

    def _put(self, image: Reference, what: str, content: bytes, kind: str) -> str | None:
        """Put a manifest; returns the image that the registry lists it for, where it is such a registry."""
        headers = {"Content-Type": kind}
        with closing(self._asked(image, "PUT", f"manifests/{what}", headers=headers, data=content)) as answer:
            subject: str | None = answer.headers.get("OCI-Subject")
        return subject

    def _content(self, image: Reference) -> bytes:
        with closing(self._asked(image, "GET", f"manifests/{image.what}")) as answer:
            return answer.read(_LARGEST_MANIFEST)

    def _asked(
        self,
        image: Reference,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: bytes | IO[bytes] | None = None,
        again: bool = False,
    ) -> HTTPResponse:
        url = urljoin(f"{image.url}/", path)
        known = self._tokens.get((image.host, image.path))
        sent = {"Accept": ", ".join(_KINDS), **(headers or {})}
        try:
            request = urllib.request.Request(url, data=data, headers=sent, method=method)  # noqa: S310 - https or loopback
            # A registry may send uploads and downloads to other places: those get no token.
            if known and urlsplit(url).netloc == image.host:
                request.add_unredirected_header("Authorization", known)
            answer: HTTPResponse = urllib.request.urlopen(request, timeout=_SECONDS)  # noqa: S310 - as above
        except urllib.error.HTTPError as error:
            with error:
                challenge = error.headers.get("WWW-Authenticate")
                # A token lives for minutes, and a push may take longer.
                if error.code == HTTPStatus.UNAUTHORIZED and challenge and not again:
                    self._tokens[image.host, image.path] = self._authorization(image, challenge)
                    if data is not None and not isinstance(data, bytes):
                        data.seek(0)
                    return self._asked(image, method, path, headers=headers, data=data, again=True)
                if error.code == HTTPStatus.NOT_FOUND:
                    raise _MissingError(*_words(image, "does not have it")) from error
                raise _refused(image, f"answers {error.code} to {method}") from error
        except OSError as error:
            raise _refused(image, f"does not answer: {error}") from error
        return answer

    def _authorization(self, image: Reference, challenge: str) -> str:
        """Return what the registry asks for: the login itself, or a token in exchange for it."""
        login = self.logins.get(image.host, "")
        basic = f"Basic {base64.b64encode(login.encode()).decode()}"
        if challenge.lower().startswith("basic"):
            if not login:
                raise _refused(image, "wants a login")
            return basic
        said = dict(_CHALLENGE.findall(challenge))
        realm = said.get("realm", "")
        if not realm.startswith("https://") and not image.url.startswith("http://"):
            raise _refused(image, "sends its clients to a place without TLS")
        scope = f"repository:{image.path}:pull" + (",push" if login else "")
        query = urlencode({"service": said.get("service", ""), "scope": scope})
        request = urllib.request.Request(  # noqa: S310 - https or loopback
            f"{realm}?{query}", headers={"Authorization": basic} if login else {}
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - as above
                found = json.load(answer)
        except (OSError, ValueError) as error:
            code = f" ({error.code})" if isinstance(error, urllib.error.HTTPError) else ""
            raise _refused(image, f"does not let this login in{code}") from error
        return f"Bearer {found.get('token') or found.get('access_token')}"


class _MissingError(UserError):
    """The error of a registry that does not have what was asked for."""


def named_login(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the login of REGISTRY_HOST, _USER and _TOKEN by its host; empty where they are not set."""
    host, token = environ.get("REGISTRY_HOST"), environ.get("REGISTRY_TOKEN")
    return {host: f"{environ.get('REGISTRY_USER')}:{token}"} if host and token else {}


def logins(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the logins of `docker login`, and over them the one of REGISTRY_HOST, _USER and _TOKEN.

    Credential helpers are not asked.
    """
    folder = Path(environ.get("DOCKER_CONFIG") or Path(environ.get("HOME", "/")) / ".docker")
    found = {}
    try:
        known = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("auths") or {}
        found = {
            host.removeprefix("https://").partition("/")[0]: base64.b64decode(entry["auth"]).decode()
            for host, entry in known.items()
            if entry.get("auth")
        }
    except (OSError, ValueError):
        pass
    found |= named_login(environ)
    if "index.docker.io" in found:
        found["registry-1.docker.io"] = found["index.docker.io"]
    return found


def _blob(layout: Path, digest: str) -> Path:
    algorithm, _, name = digest.partition(":")
    return layout / "blobs" / algorithm / name


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _words(image: Reference, problem: str) -> tuple[str, str, str]:
    return (
        f"{image}: {image.host} {problem}",
        "what is deployed is named by its digest, which only the registry knows",
        f"see that it was pushed and that you may read it: docker login {image.host}",
    )


def _refused(image: Reference, problem: str) -> UserError:
    return UserError(*_words(image, problem))
