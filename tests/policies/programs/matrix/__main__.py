"""Every case as a resource, under its id and unchanged; the configuration names the file that has them."""

import json
from pathlib import Path

import pulumi

for manifest in json.loads(Path(pulumi.Config().require("cases")).read_text(encoding="utf-8")):
    version = manifest["apiVersion"] if "/" in manifest["apiVersion"] else f"core/{manifest['apiVersion']}"
    pulumi.CustomResource(f"kubernetes:{version}:{manifest['kind']}", manifest["metadata"]["name"], manifest)
