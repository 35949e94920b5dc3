"""The stage of a stack on the local cluster, also while some of it is broken."""

from tools.cluster import lifecycle, record
from tools.cluster.api import Api
from tools.drills.stage import Stage
from tools.stacks import workspace
from tools.stacks.stack import Stack
from tools.toolchain.errors import UserError
from tools.toolchain.pulumi import Pulumi


def stage(cluster: str, stack: str, cli: Pulumi) -> Stage:
    """Return where the drills on this stack take place; ask neither nodes nor API server.

    Raises:
        UserError: when there is no such cluster here, the stack is not deployed on it, or its database is not
            a server of its own.
    """
    database = workspace.section(workspace.settings(stack), "database")
    if database.get("engine") == "external":
        raise UserError(
            f"the database of the stack {stack} is a server that is not the stack's",
            "drills break the database too, and ask it what was lost",
            "drill a stack with a server of its own: make drill STACK=prod",
        )
    found = lifecycle.find(cluster)
    identity = record.read(cluster).get("identity")
    if found is None or not identity:
        raise UserError(
            f"there is no local cluster {cluster}",
            "drills kill its nodes and pods; a cluster of your own is never touched",
            "make it, and what is drilled on it: make up, make up STACK=prod",
        )
    opened = Stack(
        name=stack,
        workspace=workspace.of(identity, stack),
        cli=cli,
        environment={"KUBECONFIG": str(found.kubeconfig)},
    )
    outputs = opened.outputs() if opened.exists() else {}
    if "url" not in outputs:
        raise UserError(
            f"the stack {stack} is not deployed on {cluster}",
            "a drill shows what a running stack does when something fails",
            f"deploy it first: make up STACK={stack}",
        )
    return Stage(
        cluster=found,
        api=Api(found.kubeconfig),
        stack=opened,
        namespace=outputs["namespace"],
        url=outputs["url"],
    )
