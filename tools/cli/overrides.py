"""Settings that the machine adds to a stack's file: the context, images, the edge of a local cluster."""

import os
from typing import Any

from components.settings.values.tiers import OF_APPLICATION
from tools.cli import edge, images, workspace
from tools.cli.options import Options
from tools.cli.target import Target
from tools.toolchain.console import Step
from tools.toolchain.refusal import Refusal


def of(chosen: Target, options: Options, *, carried: bool = False) -> dict[str, Any]:
    """Return what this machine adds to the settings: the context; locally, images, port and attempts.

    `carried` says that the images are on their way to the nodes already.
    """
    if chosen.local is None:
        return {"kubernetes:context": chosen.context, **named_images(options)}
    if carried:
        built = images.named(chosen.local.engine)
    else:
        with Step("images", images.TITLES) as step:
            built = images.build(chosen.local.engine, step)
            images.carry(chosen.local, built, step)
            step.result(images.CARRIED)
    config = workspace.settings(options.stack)
    overrides: dict[str, Any] = {
        "kubernetes:context": chosen.context,
        "feastflow:edge": edge.overrides(chosen.local.port, config),
    }
    for tier, image in built.by_tier.items():
        # An image that the stack's file names is meant; its own default is only a name until it is built.
        if "image" not in workspace.section(config, tier):
            overrides[f"feastflow:{tier}"] = {"image": image}
    return overrides


def is_demo(chosen: Target, options: Options) -> bool:
    """Return whether the API is the one that was built here."""
    return chosen.local is not None and "image" not in workspace.section(
        workspace.settings(options.stack), "backend"
    )


def named_images(options: Options) -> dict[str, Any]:
    """Return images for a cluster that the user named: from the environment or the stack file.

    None is built.

    Raises:
        Refusal: when a tier has none.
    """
    config = workspace.settings(options.stack)
    found = {}
    for tier in OF_APPLICATION:
        image = os.environ.get(f"{tier.upper()}_IMAGE") or workspace.section(config, tier).get("image")
        if not image:
            example = f"{tier.upper()}_IMAGE=registry.example.com/feastflow/{tier}:1.0.0"
            raise Refusal(
                f"no image is named for the {tier}",
                f"{options.context} is a cluster of yours: nothing is built for it or loaded into it",
                f"build demo/{tier} (or take your own), push it where the cluster can pull it, and name it:\n"
                f"make up CONTEXT={options.context} {example}",
            )
        found[f"feastflow:{tier}"] = {"image": image}
    return found
