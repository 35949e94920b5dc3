"""The shape of a kubeconfig, as far as it is read here; what is wrong is told by its place, not by its value.

https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/. Further keys are the provider's.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

SECTIONS = {"contexts": "context", "clusters": "cluster", "users": "user"}

# Says what is wrong with a value that is there; empty where nothing is.
_Check = Callable[[Any], str]


def problem(config: Any) -> str:  # noqa: ANN401 - a document of any shape
    """Return the first thing in the document that no client of Kubernetes takes; empty where all is well."""
    return next(_problems(config), "")


def server(text: str) -> str:
    """Return a server's address as a URL: one without a scheme is reached by TLS.

    Raises:
        ValueError: when it is none, such as an IPv6 address without its second bracket.
    """
    url = text if "://" in text else f"https://{text}"
    parts = urlsplit(url)
    # Reading the port raises where it is no number, or too large a one.
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("no scheme, host or port")
    if any(character.isspace() or not character.isprintable() for character in text):
        raise ValueError("a space in it")
    return url


def _problems(config: Any) -> Iterator[str]:  # noqa: ANN401 - a document of any shape
    if not isinstance(config, Mapping):
        yield f"it holds {_kind(config)} instead of contexts, clusters and users"
        return
    if wrong := _text(config.get("current-context")):
        yield f"current-context is {wrong}"
    for section, key in SECTIONS.items():
        entries = config.get(section)
        if entries is None:
            continue
        if not isinstance(entries, list):
            yield f"{section} is {_kind(entries)} instead of a list"
            continue
        for index, entry in enumerate(entries):
            yield from _of_entry(entry, f"{section}[{index}]", key)


def _of_entry(entry: Any, place: str, key: str) -> Iterator[str]:  # noqa: ANN401 - a value of any shape
    if not isinstance(entry, Mapping):
        yield f"{place} is {_kind(entry)} instead of a name and a {key}"
        return
    name = entry.get("name")
    if name is None or name == "":
        yield f"{place} has no name"
    elif wrong := _text(name):
        yield f"{place}.name is {wrong}"
    yield from _of_fields(entry.get(key), f"{place}.{key}", _FIELDS[key])


def _of_fields(value: Any, place: str, fields: Mapping[str, _Check]) -> Iterator[str]:  # noqa: ANN401
    if value is None:
        return
    if not isinstance(value, Mapping):
        yield f"{place} is {_kind(value)} instead of names and values"
        return
    for field, check in fields.items():
        if value.get(field) is not None and (wrong := check(value[field])):
            yield f"{place}.{field} is {wrong}"
    if fields is _FIELDS["user"]:
        yield from _of_plugin(value.get("exec"), f"{place}.exec")


def _of_plugin(plugin: Any, place: str) -> Iterator[str]:  # noqa: ANN401 - a value of any shape
    if plugin is None:
        return
    yield from _of_fields(plugin, place, _PLUGIN)
    if isinstance(plugin, Mapping):
        if not plugin.get("command"):
            yield f"{place} has no command"
        variables = plugin.get("env") or []
        for index, each in enumerate(variables if isinstance(variables, list) else []):
            if not (isinstance(each, Mapping) and all(isinstance(each.get(key), str) for key in _PAIR)):
                yield f"{place}.env[{index}] is no name with a value, both text"


def _text(value: Any) -> str:  # noqa: ANN401 - a value of any shape
    if value is None or isinstance(value, str):
        return ""
    return f"{_kind(value)} instead of text"


def _flag(value: Any) -> str:  # noqa: ANN401 - a value of any shape
    return "" if isinstance(value, bool) else f"{_kind(value)} instead of true or false"


def _list(value: Any) -> str:  # noqa: ANN401 - a value of any shape
    return "" if isinstance(value, list) else f"{_kind(value)} instead of a list"


def _texts(value: Any) -> str:  # noqa: ANN401 - a value of any shape
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ""
    return "no list of texts"


def _mapping(value: Any) -> str:  # noqa: ANN401 - a value of any shape
    return "" if isinstance(value, Mapping) else f"{_kind(value)} instead of names and values"


def _base64(value: Any) -> str:  # noqa: ANN401 - a value of any shape
    if wrong := _text(value):
        return wrong
    try:
        base64.b64decode("".join(value.split()), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return "no base64 of a text"
    return ""


def _address(value: Any) -> str:  # noqa: ANN401 - a value of any shape
    if wrong := _text(value):
        return wrong
    try:
        if value:
            server(value)
    except ValueError:
        # An address may hold a password.
        shown = value if "@" not in value else "the one given"
        return f"no address of a server ({shown[:200]!r}); an IPv6 address stands in brackets"
    return ""


def _kind(value: Any) -> str:  # noqa: ANN401 - a value of any shape
    names = {
        dict: "names and values",
        list: "a list",
        str: "text",
        bool: "true or false",
        type(None): "nothing",
    }
    return names.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)


_PAIR = ("name", "value")
_FIELDS: Mapping[str, Mapping[str, _Check]] = {
    "context": {"cluster": _text, "user": _text, "namespace": _text},
    "cluster": {
        "server": _address,
        "proxy-url": _text,
        "tls-server-name": _text,
        "insecure-skip-tls-verify": _flag,
        "certificate-authority": _text,
        "certificate-authority-data": _base64,
    },
    "user": {
        **dict.fromkeys(("client-certificate", "client-key", "token", "tokenFile"), _text),
        **dict.fromkeys(("client-certificate-data", "client-key-data"), _base64),
        **dict.fromkeys(("username", "password"), _text),
        **dict.fromkeys(("auth-provider", "exec"), _mapping),
    },
}
_PLUGIN: Mapping[str, _Check] = {
    "apiVersion": _text,
    "command": _text,
    "args": _texts,
    "env": _list,
    "provideClusterInfo": _flag,
}
