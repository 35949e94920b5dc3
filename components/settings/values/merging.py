"""Settings over settings: the one merge of nested mappings."""

from collections.abc import Mapping
from typing import Any


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, the upper one's values winning; mappings are merged key by key, all else is replaced."""
    result = dict(below)
    for key, value in above.items():
        lower = result.get(key)
        if isinstance(lower, Mapping) and isinstance(value, Mapping):
            result[key] = merged(lower, value)
        else:
            result[key] = value
    return result
