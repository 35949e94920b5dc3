"""Image references: what may be deployed, and which version it is.

A reference without a version (`latest`, or no tag at all) means something else every time a node pulls it, so
a rollback has nothing to go back to. Such a reference is refused here, in one place.
"""

import re

# https://pkg.go.dev/github.com/distribution/reference, by which the kubelet and containerd read one.
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
# The first part is a registry where it has a dot, a port or a capital, or is this machine.
_REGISTRY = rf"(?:localhost|(?=[^/]*[.:A-Z]){_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_REGISTRY}/)?(?P<path>{_PART}(?:/{_PART})*))"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)

# Docker's own image of PostgreSQL by each of its names, and those of CloudNativePG's with only the server:
# https://github.com/cloudnative-pg/postgres-containers#image-types
_OFFICIAL_POSTGRES = ("postgres", "docker.io/postgres", "docker.io/library/postgres", "library/postgres")
_OPERAND = re.compile(
    r"ghcr\.io/cloudnative-pg/postgresql:[0-9]+(?:\.[0-9]+)?[0-9-]*-(minimal|standard)(-.*)?"
)
_WITH_BARMAN = "ghcr.io/cloudnative-pg/postgresql:15.14-bookworm"
_DEBIAN = re.compile(r"bullseye|bookworm|trixie|forky")
_LABEL_LENGTH = 63
# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
_LONGEST_NAME = 255


class ImageError(ValueError):
    """A reference that must not be deployed; `why` and `fix` say so to the user."""

    def __init__(self, why: str, fix: str) -> None:
        super().__init__(why)
        self.why = why
        self.fix = fix


def check(reference: str) -> str:
    """Return the reference, unchanged, when it names one version of one image.

    Raises:
        ImageError: when it does not parse, has neither tag nor digest, or is tagged `latest`.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise ImageError(
            "it is no image reference, so no node could pull it",
            "registry.example.com/team/app:1.2.3",
        )
    name, tag, digest = match["name"], match["tag"], match["digest"]
    if len(name) > _LONGEST_NAME:
        raise ImageError(
            f"its name has {len(name)} characters, and above {_LONGEST_NAME} no node could pull it",
            "registry.example.com/team/app:1.2.3",
        )
    if digest is None and tag is None:
        raise ImageError(
            "without a tag or digest it means `latest`: what runs would depend on when a node pulled it, "
            "and no earlier version could be restored",
            f"{name}:1.2.3",
        )
    if digest is None and tag == "latest":
        raise ImageError(
            "`latest` names another image every day: what runs would depend on when a node pulled it, "
            "and no earlier version could be restored",
            f"{name}:1.2.3",
        )
    return reference


def version(reference: str) -> str:
    """Return the version that a checked reference names: its tag, or the first 12 digits of its digest.

    Fit for a label value, hence at most 63 characters that end in a letter or digit.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise ImageError("it is no image reference", "registry.example.com/team/app:1.2.3")
    text = match["tag"] or match["digest"].removeprefix("sha256:")[:12]
    return str(text)[:_LABEL_LENGTH].strip("-_.") or "0"


def debian(reference: str) -> str | None:
    """Return the release of Debian that a checked reference's tag names, None where it names none."""
    match = _REFERENCE.fullmatch(reference)
    found = _DEBIAN.findall(match["tag"] or "") if match else []
    return str(found[-1]) if found else None


def without_barman(reference: str) -> str:
    """Return an image in place of a checked reference that certainly lacks barman-cloud; empty for others."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return ""
    named = f"{match['name']}:{match['tag'] or ''}"
    if found := _OPERAND.fullmatch(named):
        return named.replace(f"-{found[1]}", "-system", 1)
    return _WITH_BARMAN if match["name"] in _OFFICIAL_POSTGRES else ""
