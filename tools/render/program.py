"""One stack's program, run for what it would create: no cluster is looked for, and no state."""

import contextvars
import os
import runpy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pulumi
from pulumi.runtime import set_all_config

from components.settings.file import encrypted, prefixes
from tools.render import recording
from tools.render.recording import Registered, encode
from tools.toolchain.errors import UserError

_MAIN = Path(__file__).parents[2] / "__main__.py"
_OBJECT = "kubernetes:"


def objects(stack: str, config: Mapping[str, object]) -> list[Registered]:
    """Return the stack's Kubernetes objects with this configuration, and what was registered before them.

    What is encrypted in it stays so: a name stands for it, which is another when the ciphertext is.

    Raises:
        UserError: with the reason that the program reports, when the configuration cannot be deployed.
    """
    # Which cluster it would go to is for the tool that applies it to know.
    ours = {name: value for name, value in config.items() if not name.startswith(_OBJECT)}
    kept = {name: encode(value) for name, value in encrypted.stand_ins(ours).items()}

    def run() -> list[Registered]:
        wrong = [*prefixes.problems(config), *encrypted.misplaced(encrypted.paths(ours))]
        if wrong:
            raise pulumi.RunError("\n\n".join(wrong))
        set_all_config(kept, encrypted.keys(ours))
        with _without_kubeconfig():
            recorded = recording.record(lambda: runpy.run_path(str(_MAIN), run_name="__main__"), {}, stack)
        return [each for each in recorded.resources if each.type.startswith(_OBJECT)]

    try:
        return contextvars.Context().run(run)
    except pulumi.RunError as error:
        raise UserError(
            str(error),
            "what cannot be deployed is not rendered either",
            f"correct Pulumi.{stack}.yaml and run it again",
        ) from error


@contextmanager
def _without_kubeconfig() -> Iterator[None]:
    before = os.environ.get("KUBECONFIG")
    os.environ["KUBECONFIG"] = os.devnull
    try:
        yield
    finally:
        del os.environ["KUBECONFIG"]
        if before is not None:
            os.environ["KUBECONFIG"] = before
