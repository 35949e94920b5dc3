"""The kubeconfig as kubectl reads it: which context is meant, and how its API server is reached."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ...settings.model.stack import Kubeconfig
from .kubeconfig_shape import SECTIONS, problem

_DEFAULT = "~/.kube/config"
_SETTING = "kubernetes:kubeconfig"
# Paths in a file are relative to it.
_PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")

Entry = Mapping[str, Any]


class KubeconfigError(Exception):
    """A kubeconfig that cannot be used; `place` is its file or setting, `problem` what is wrong there.

    Neither holds a value of it: any of them may be a credential.
    """

    def __init__(self, place: str, problem: str) -> None:
        """Keep where it is and what is wrong."""
        super().__init__(f"{place}: {problem}")
        self.place = place
        self.problem = problem


@dataclass(frozen=True, kw_only=True)
class Contexts:
    """The content of one or several files: the first one that names a thing wins. `current` may be empty."""

    current: str
    contexts: Mapping[str, Entry]
    clusters: Mapping[str, Entry]
    users: Mapping[str, Entry]

    def cluster(self, context: str) -> Entry:
        """Return the cluster of a context; empty when nothing describes it."""
        return self.clusters.get(str(self.contexts.get(context, {}).get("cluster")), {})

    def user(self, context: str) -> Entry:
        """Return who logs in by a context; empty when nothing describes that."""
        return self.users.get(str(self.contexts.get(context, {}).get("user")), {})


def read(settings: Kubeconfig, environ: Mapping[str, str]) -> Contexts | None:
    """Read what the provider will read: the setting's content or path, else $KUBECONFIG, else the default.

    None when there is no file, or only empty ones: the provider then has its own word for it.

    Raises:
        KubeconfigError: when one is there that no client of Kubernetes understands.
    """
    found = [document for document in _documents(settings, environ) if document is not None]
    if not found:
        return None
    # Later values first, so that the first file wins.
    merged: dict[str, dict[str, Entry]] = {section: {} for section in SECTIONS}
    for document in reversed(found):
        for section in SECTIONS:
            merged[section].update(document[section])
    current = next((str(each["current"]) for each in found if each["current"]), "")
    return Contexts(current=current, **merged)


def reached(settings: Kubeconfig, environ: Mapping[str, str]) -> tuple[Contexts, str] | None:
    """Return what `read` found and the context that is meant; None where no API server is named.

    Raises:
        KubeconfigError: as `read` does.
    """
    config = read(settings, environ)
    context = settings.context or (config.current if config else "")
    return (config, context) if config and config.cluster(context).get("server") else None


def _documents(settings: Kubeconfig, environ: Mapping[str, str]) -> Iterator[dict[str, Any] | None]:
    text = settings.kubeconfig
    if text is not None and _is_content(text):
        yield _parsed(text, _SETTING, None)
        return
    given = text or environ.get("KUBECONFIG") or _DEFAULT
    # Only the variable may name several; a setting is one path.
    for name in [given] if text else given.split(os.pathsep):
        if not name:
            continue
        try:
            path = Path(name).expanduser()
            content = path.read_bytes() if path.is_file() else None
        except (OSError, RuntimeError, ValueError) as error:
            # A home that is not known, a name that is too long, a file that may not be read.
            raise KubeconfigError(name[:200], f"the file cannot be read: {_reason(error)}") from None
        if content is not None:
            yield _parsed(_text(content, str(path)), str(path), path.parent)


def _is_content(text: str) -> bool:
    # A whole document in one line is JSON.
    return "\n" in text or text.lstrip().startswith("{")


def _text(content: bytes, place: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise KubeconfigError(
            place, f"it is not UTF-8: byte {error.start} of {len(content)} is none of a text"
        ) from None


def _parsed(text: str, place: str, folder: Path | None) -> dict[str, Any] | None:
    try:
        config = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" in line {mark.line + 1}" if mark else ""
        raise KubeconfigError(place, f"it is no YAML{where}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, ArithmeticError, RecursionError, TypeError, KeyError) as error:
        # PyYAML lets the errors of dates, numbers and depths through.
        raise KubeconfigError(place, f"it is no YAML: {type(error).__name__}") from None
    if config is None:
        return None
    if wrong := problem(config):
        raise KubeconfigError(place, wrong)
    sections = {
        section: {
            entry["name"]: _located(entry.get(key) or {}, folder) for entry in config.get(section) or []
        }
        for section, key in SECTIONS.items()
    }
    return {"current": config.get("current-context"), **sections}


def _located(entry: Entry, folder: Path | None) -> Entry:
    if folder is None:
        return entry
    return {
        key: str(folder / str(value)) if key in _PATHS and value else value for key, value in entry.items()
    }


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
