"""OpenTofu with the provider that applies manifests: one resource an object, all of them at once.

The provider is compiled too, and found in a mirror of files: no registry is asked.
"""

from pathlib import Path

import yaml

from tools.bench import manifests
from tools.bench.kubectl import CHANGED
from tools.bench.place import Place
from tools.toolchain import golang, pins, process
from tools.toolchain.console import Step

_SOURCE = "registry.opentofu.org/gavinbunney/kubectl"
_PARALLEL = "-parallelism=64"
_MAIN = """\
terraform {{
  required_providers {{
    kubectl = {{
      source  = "gavinbunney/kubectl"
      version = "{version}"
    }}
  }}
}}
provider "kubectl" {{
  config_path = "{kubeconfig}"
}}
variable "folder" {{
  type = string
}}
locals {{
  namespace = "00-namespace.yaml"
  others    = setsubtract(fileset(var.folder, "*.yaml"), [local.namespace])
}}
resource "kubectl_manifest" "namespace" {{
  yaml_body = file("${{var.folder}}/${{local.namespace}}")
}}
resource "kubectl_manifest" "other" {{
  for_each   = local.others
  yaml_body  = file("${{var.folder}}/${{each.value}}")
  depends_on = [kubectl_manifest.namespace]
}}
"""
_SETTINGS = """\
provider_installation {{
  filesystem_mirror {{
    path = "{mirror}"
  }}
}}
"""


class Tofu:
    """`tofu apply`."""

    name = "tofu"
    what = "tofu apply"

    def __init__(self, program: Path, provider: Path) -> None:
        """Take the programs that were compiled."""
        self._program, self._provider = program, provider

    def prepare(self, place: Place, folder: Path) -> None:
        """Write a folder for each version with a file an object, and initialise its configuration."""
        for name, value in (("first", None), ("changed", CHANGED)):
            _split(manifests.write(place, folder / f"{name}-files", value), folder / name)
        mirror = folder / "mirror"
        target = mirror / _SOURCE / pins.TOFU_KUBECTL / "linux_amd64"
        target.mkdir(parents=True)
        (target / f"terraform-provider-kubectl_v{pins.TOFU_KUBECTL}").symlink_to(self._provider)
        main = _MAIN.format(version=pins.TOFU_KUBECTL, kubeconfig=place.cluster.kubeconfig)
        (folder / "main.tf").write_text(main, encoding="utf-8")
        (folder / "tofurc").write_text(_SETTINGS.format(mirror=mirror), encoding="utf-8")
        self._run(folder, "init")

    def install(self, place: Place, folder: Path) -> None:
        """Run `tofu apply`; the provider waits for each workload's rollout."""
        self._apply(folder, "first")

    def again(self, place: Place, folder: Path) -> None:
        """Apply the same as `install`."""
        self._apply(folder, "first")

    def preview(self, place: Place, folder: Path) -> None:
        """Run `tofu plan`."""
        self._run(folder, "plan", f"-var=folder={folder / 'first'}", _PARALLEL)

    def change(self, place: Place, folder: Path) -> None:
        """Run `tofu apply` of the changed ones."""
        self._apply(folder, "changed")

    def _apply(self, folder: Path, version: str) -> None:
        self._run(folder, "apply", "-auto-approve", f"-var=folder={folder / version}", _PARALLEL)

    def _run(self, folder: Path, *arguments: str) -> None:
        command = [str(self._program), f"-chdir={folder}", arguments[0], "-input=false", "-no-color"]
        environment = {"TF_CLI_CONFIG_FILE": str(folder / "tofurc"), "CHECKPOINT_DISABLE": "true"}
        process.output([*command, *arguments[1:]], env=environment, timeout=600)


def programs(step: Step) -> tuple[Path, Path]:
    """Return OpenTofu and the provider, compiled now when they are not in the cache."""
    tofu = golang.binaries(pins.OPENTOFU_BUILD, step) / "tofu"
    return tofu, golang.binaries(pins.TOFU_KUBECTL_BUILD, step) / "terraform-provider-kubectl"


def _split(files: Path, folder: Path) -> None:
    """Write a file for each object, named after it."""
    folder.mkdir()
    for path in sorted(files.iterdir()):
        for each in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            kind, name = each["kind"].lower(), each["metadata"]["name"]
            file = path.name if kind == "namespace" else f"{kind}-{name}.yaml"
            (folder / file).write_text(yaml.safe_dump(each), encoding="utf-8")
