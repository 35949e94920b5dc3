"""Run the program in $FEASTFLOW_PROGRAM with a Kubernetes provider that writes files and asks no cluster.

Everything else is the program's own: what it registers, under which names, with which inputs.
"""

import os
import runpy
from pathlib import Path

import pulumi

_PROVIDER = "pulumi:providers:kubernetes"


def _rendering(
    arguments: pulumi.ResourceTransformationArgs,
) -> pulumi.ResourceTransformationResult | None:
    if arguments.type_ != _PROVIDER:
        return None
    # The provider takes one or the other; without a kubeconfig of its own it looks for none.
    files = {"render_yaml_to_directory": os.environ["FEASTFLOW_RENDERED"], "kubeconfig": None}
    return pulumi.ResourceTransformationResult(props={**arguments.props, **files}, opts=arguments.opts)


program = Path(os.environ["FEASTFLOW_PROGRAM"])
pulumi.runtime.register_stack_transformation(_rendering)
os.chdir(program)
runpy.run_path(str(program), run_name="__main__")
