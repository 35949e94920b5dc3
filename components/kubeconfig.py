"""The kubeconfig as kubectl reads it: which context is meant, and how its API server is reached."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .model.stack import Kubeconfig

_DEFAULT = "~/.kube/config"
_SECTIONS = {"contexts": "context", "clusters": "cluster", "users": "user"}
# Paths in a file are relative to it.
_PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")

Entry = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Contexts:
    """What one or several files say, the first one that names a thing winning. `current` may be empty."""

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

    None when there is no file, or none that is a kubeconfig: the provider then has its own word for it.
    """
    text = settings.kubeconfig
    if text is not None and "\n" in text:
        documents = [_parsed(text, None)]
    else:
        given = text or environ.get("KUBECONFIG") or _DEFAULT
        # Only the variable may name several; a setting is one path.
        names = [given] if text else given.split(os.pathsep)
        paths = [Path(name).expanduser() for name in names if name]
        documents = [
            _parsed(path.read_text(encoding="utf-8"), path.parent) for path in paths if path.is_file()
        ]
    found = [document for document in documents if document is not None]
    if not found:
        return None
    # Later values first, so that the first file wins.
    merged: dict[str, dict[str, Entry]] = {section: {} for section in _SECTIONS}
    for document in reversed(found):
        for section in _SECTIONS:
            merged[section].update(document[section])
    current = next((str(each["current"]) for each in found if each["current"]), "")
    return Contexts(current=current, **merged)


def _parsed(text: str, folder: Path | None) -> dict[str, Any] | None:
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    if not isinstance(config, dict):
        return None
    sections = {
        section: {
            str(entry["name"]): _located(entry.get(key) or {}, folder)
            for entry in config.get(section) or []
            if isinstance(entry, dict) and "name" in entry
        }
        for section, key in _SECTIONS.items()
    }
    return {"current": config.get("current-context"), **sections}


def _located(entry: Entry, folder: Path | None) -> Entry:
    if folder is None:
        return entry
    return {
        key: str(folder / str(value)) if key in _PATHS and value else value for key, value in entry.items()
    }
