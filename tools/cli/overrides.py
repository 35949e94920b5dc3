"""Settings that the machine adds to a stack's file: the context, images, the edge of a local cluster."""

import os
from typing import Any

from components.settings.values.merging import merged
from components.settings.values.tiers import OF_APPLICATION
from tools.cli import application, edge, images
from tools.cli.images import AppImages
from tools.stacks import localsettings, workspace
from tools.stacks.options import Options
from tools.stacks.target import Target
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError


def of(chosen: Target, options: Options, built: AppImages | None = None) -> dict[str, Any]:
    """Return what this machine adds to the settings: the context; locally, images, port, attempts and more.

    `built` are the images that are on their way to the nodes already.
    """
    if chosen.local is None:
        return {"kubernetes:context": chosen.context, **named_images(options)}
    config = workspace.settings(options.stack)
    wanted = application.wanted(config)
    if built is None:
        with Step("images", images.TITLES) as step:
            built = wanted.found(chosen.local.engine).build(step)
            images.carry(chosen.local, built, step)
            step.result(images.CARRIED)
    here: dict[str, Any] = {
        "kubernetes:context": chosen.context,
        "feastflow:edge": edge.overrides(chosen.local.port, config),
    }
    for tier, image in built.by_tier.items():
        # An image that the stack's file names is meant; its own default is only a name until it is built.
        own = tier not in OF_APPLICATION and "image" in workspace.section(config, tier)
        if not own and wanted.overrides(tier):
            here[f"feastflow:{tier}"] = {"image": image}
    if built.pooler:
        here = merged(here, {"feastflow:database": {"pooler": {"image": built.pooler}}})
    return merged(localsettings.of(config, demo=localsettings.is_demo(built.by_tier["backend"])), here)


def named_images(options: Options) -> dict[str, Any]:
    """Return images for a cluster that the user named: from the environment or the stack file.

    None is built.

    Raises:
        UserError: when a tier has none, or APP names a folder to build.
    """
    if folder := os.environ.get("APP"):
        raise UserError(
            f"APP is {folder}, and {options.context} is a cluster of yours",
            "what is built here is carried to the nodes of the local cluster alone",
            "build and push the images, and name them: "
            f"make up CONTEXT={options.context} BACKEND_IMAGE=… FRONTEND_IMAGE=…",
        )
    config = workspace.settings(options.stack)
    found = {}
    for tier in OF_APPLICATION:
        image = os.environ.get(f"{tier.upper()}_IMAGE") or workspace.section(config, tier).get("image")
        if not image:
            example = f"{tier.upper()}_IMAGE=registry.example.com/feastflow/{tier}:1.0.0"
            raise UserError(
                f"no image is named for the {tier}",
                f"{options.context} is a cluster of yours: nothing is built for it or loaded into it",
                f"build demo/{tier} (or take your own), push it where the cluster can pull it, and name it:\n"
                f"make up CONTEXT={options.context} {example}",
            )
        found[f"feastflow:{tier}"] = {"image": image}
    return found
