"""Stack files as users write them, and Pulumi's reading of each: the settings, or a refusal.

The unit tests read them by our own reader, and the delivery lane by the real CLI.
"""

from typing import Any

# What stands behind `A:` in an environment, and what arrives; the second half is told to be quoted.
KEPT: dict[str, object] = {
    "NO": "NO",
    "yes": "yes",
    "on": "on",
    "off": "off",
    "y": "y",
    "12:30:45": "12:30:45",
    "1.2.3": "1.2.3",
    "1,000": "1,000",
    "0x1p-2": "0x1p-2",
    "1e999": "1e999",
    "0o8": "0o8",
    "08x": "08x",
    "_1": "_1",
    "._5": "._5",
    ".5__0": ".5__0",
    "=": "=",
    "a#b": "a#b",
    "a:b": "a:b",
    "2030-13-01": "2030-13-01",
    "2030-02-30": "2030-02-30",
    "2030-01-31T00:00:00": "2030-01-31T00:00:00",
    "NaN": "NaN",
    "!custom NO": "NO",
    "!!str 0777": "0777",
    "! 'true'": "true",
    "!!binary aGk=": "hi",
    "'0777'": "0777",
    '"2030-01-31"': "2030-01-31",
    '"\\u00e9\\t\\x41"': "é\tA",
    '"a\\\\/b"': "a\\/b",
    "true": True,
    "false": False,
    "5": 5,
    "-5": -5,
    "0": 0,
    "0.5": 0.5,
    "9223372036854775807": 9223372036854775807,
}
ALTERED: dict[str, object] = {
    "0777": 511,
    "0o17": 15,
    "0x1F": 31,
    "0b101": 5,
    "08": 8,
    "+5": 5,
    "-0": 0,
    "1_000": 1000,
    "1e3": 1000,
    "2.10": 2.1,
    "1.0": 1,
    ".5": 0.5,
    "5.": 5,
    ".5_0": 0.5,
    "1e21": 1e21,
    "18446744073709551615": 18446744073709552000,
    "0.10e-07": 1e-8,
    "True": True,
    "FALSE": False,
    "2030-01-31": "2030-01-31 00:00:00 +0000 UTC",
    "2030-1-3": "2030-01-03 00:00:00 +0000 UTC",
    "0001-01-01": "0001-01-01 00:00:00 +0000 UTC",
    "2001-12-14 21:59:43.10": "2001-12-14 21:59:43.1 +0000 UTC",
    "2001-12-14t21:59:43.10Z": "2001-12-14 21:59:43.1 +0000 UTC",
    '"\\n\\nx"': "\nx",
}


def environment(values: dict[str, object]) -> tuple[str, dict[str, Any]]:
    """Return a file with each of them as a variable, and its settings."""
    lines = [f"      V{index}: {written}" for index, written in enumerate(values)]
    text = "\n".join(["config:", "  feastflow:backend:", "    env:", *lines, ""])
    return text, {
        "feastflow:backend": {"env": {f"V{index}": each for index, each in enumerate(values.values())}}
    }


# A whole file, and its settings.
READ: dict[str, tuple[str | bytes, dict[str, Any]]] = {
    "nothing": ("", {}),
    "a comment": ("# nothing yet\n", {}),
    "no settings": ("config:\nencryptionsalt: v1:abc\n", {}),
    "short keys": ("config: {namespace: NO}\n", {"feastflow:namespace": "NO"}),
    "keys of old": ("config: {'feastflow:config:rotation': 2}\n", {"feastflow:rotation": 2}),
    "an empty setting": (
        "config:\n  feastflow:edge:\n  feastflow:rotation: ~\n",
        {"feastflow:edge": "", "feastflow:rotation": ""},
    ),
    "an empty value": (
        "config: {feastflow:backend: {env: {A: }}}\n",
        {"feastflow:backend": {"env": {"A": None}}},
    ),
    "Windows' lines": ("config:\r\n  feastflow:rotation: 2\r\n", {"feastflow:rotation": 2}),
    "a mark of order": ("\ufeffconfig: {feastflow:rotation: 2}\n", {"feastflow:rotation": 2}),
    "tabs between": ("config:\n  feastflow:rotation:\t2\n", {"feastflow:rotation": 2}),
    "two documents": ("config: {feastflow:rotation: 2}\n---\nconfig: [\n", {"feastflow:rotation": 2}),
    "a directive": ("%YAML 1.1\n---\nconfig: {feastflow:rotation: 2}\n", {"feastflow:rotation": 2}),
    "JSON": ('{"config": {"feastflow:edge": {"host": "\\u00e9"}}}', {"feastflow:edge": {"host": "é"}}),
    "an anchor": (
        "base: &b {x: NO, y: 1}\nconfig:\n  feastflow:backend:\n    y: 2\n    <<: *b\n",
        {"feastflow:backend": {"x": "NO", "y": 2}},
    ),
    "several anchors": (
        "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nconfig: {feastflow:backend: {<<: [*a, *b]}}\n",
        {"feastflow:backend": {"x": 1, "y": 2}},
    ),
    "an anchor again": ("config: {feastflow:b: [&x 1, *x, &x 2, *x]}\n", {"feastflow:b": [1, 1, 2, 2]}),
    "keys that are no texts": (
        "config: {feastflow:b: {1: a, true: b, ~: c, 0x1F: d, NO: e}}\n",
        {"feastflow:b": {"1": "a", "true": "b", "<nil>": "c", "31": "d", "NO": "e"}},
    ),
    "blocks": (
        "config:\n feastflow:b:\n  a: |\n    x\n     y\n  b: >-\n    x\n    y\n  c: |+\n    x\n\n",
        {"feastflow:b": {"a": "x\n y\n", "b": "x y", "c": "x\n\n"}},
    ),
    "addresses in a list": (
        "config: {feastflow:b: [http://x:80, a:b, {a:1}, {'a':1}]}\n",
        {"feastflow:b": ["http://x:80", "a:b", {"a:1": None}, {"a": 1}]},
    ),
    "a set": ("config: {feastflow:b: !!set {x, y}}\n", {"feastflow:b": {"x": None, "y": None}}),
    "a number of a kind": ("config: {feastflow:b: [!!int '5', !!float 5]}\n", {"feastflow:b": [5, 5]}),
    "a whole number alone": ("config: {feastflow:rotation: 1e6}\n", {"feastflow:rotation": 1000000}),
    "a day alone": (
        "config: {feastflow:x: 2030-01-31}\n",
        {"feastflow:x": "2030-01-31 00:00:00 +0000 UTC"},
    ),
}
REFUSED: dict[str, str | bytes] = {
    "a list": "- config\n",
    "a text": "config\n",
    "settings in a list": "config: []\n",
    "settings in a text": "config: x\n",
    "a key twice": "config: {feastflow:a: 1, feastflow:a: 2}\n",
    "a variable twice": "config: {feastflow:b: {A: 1, B: 2, A: 3}}\n",
    "a number and a text of one form": "config: {feastflow:b: {'1': x, 1: y}}\n",
    "a key of too many parts": "config: {'a:b:c': 1}\n",
    "a setting that is called by a number": "config: {1: 2}\n",
    "a list for a key": "config: {feastflow:b: {[a]: 1}}\n",
    "an open brace": "config: {a: 1",
    "a tab for space": "config:\n\tfeastflow:a: 1\n",
    "a value after a value": "config:\n  a: b: c\n",
    "an anchor that is not there": "config: {a: *x}\n",
    "an anchor in itself": "config: {feastflow:b: &x [*x]}\n",
    "a merge of a text": "config: {feastflow:b: {<<: x}}\n",
    "a merge in quotes": 'config: {feastflow:b: {"<<": x}}\n',
    "a kind that it is not": "config: {feastflow:b: {a: !!int x}}\n",
    "base64 that is none": "config: {feastflow:b: {a: !!binary '?'}}\n",
    "infinity": "config: {feastflow:b: {a: .inf}}\n",
    "no number": "config: {feastflow:b: .nan}\n",
    "another YAML": "%YAML 1.2\n---\nconfig: {a: 1}\n",
    "no UTF-8": b"config: {a: \xff}\n",
    "a bell": "config: {a: \x07}\n",
    "a reserved sign": "config: {a: @x}\n",
    "an unknown escape": 'config: {a: "\\q"}\n',
    "a slash as YAML 1.2 may escape it": 'config: {a: "b\\/c"}\n',
    "a tab before lines": 'config: {feastflow:b: {a: "\\tx\\ny"}}\n',
}
# Here the engine takes one of two by chance, or prints a number in a form of its own: we refuse.
REFUSED_BY_US: dict[str, str] = {
    "two namespaces": "config: {a: 1, 'feastflow:a': 2}\n",
    "a key that is a fraction": "config: {feastflow:b: {1.5: x}}\n",
}
