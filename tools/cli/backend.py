"""`make backend` and its siblings: the place of a stack's state, and the rights of its deployer."""

import contextlib
import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from tools.stacks import scope, workspace
from tools.stacks.holding import Holding
from tools.stacks.options import Options, suffix
from tools.stacks.target import Target
from tools.stacks.workspace import Workspace
from tools.state import address as addresses
from tools.state import burial, deployment, lock, permissions, store, versions
from tools.state import place as places
from tools.state.address import Address
from tools.state.deployment import Deployment
from tools.state.move import Moved, Mover
from tools.state.place import Place
from tools.toolchain.console import Step, say
from tools.toolchain.errors import UserError

_URL = "PULUMI_BACKEND_URL"


def move(options: Options) -> None:
    """Move the stack's state to BACKEND, whose bucket and key are made or completed first."""
    if _URL in os.environ:
        raise UserError(
            f"{_URL} is set",
            "a backend that you name goes before every other: moving the state would change nothing for you",
            f"unset it and run it again: env -u {_URL} make backend BACKEND=…",
        )
    wanted = addresses.parse(options.backend or "")
    workspace.settings(options.stack)
    with scope.alone(options) as chosen:
        cli = scope.tools()
        wanted = wanted and _made(wanted)
        here = workspace.of(chosen.identity, options.stack)
        Holding(workspace=here, stack=options.stack).wait()
        if not (here.folder / f"Pulumi.{options.stack}.yaml").exists():
            here.write(options.stack, {})
        with Step("move", f"the state of {options.stack}") as step:
            mover = Mover(
                stack=options.stack,
                project=_project(),
                identity=chosen.identity,
                cli=cli,
                environment={**workspace.passphrase(), **chosen.environment},
                prepare=lambda there: workspace.prepare(chosen.identity, there),
                provider=_named(options.stack),
                guard=guard(options.stack, here),
                fits=lambda exported: fits(chosen, options.stack, wanted.url if wanted else "", exported),
                reached=step.note,
            )
            moved = mover.to(wanted)
            step.result(moved.how)
    _tell(options, moved, workspace.of(chosen.identity, options.stack).folder)


def policy(options: Options) -> None:
    """Print what IAM must allow the stack's deployer, and nothing of other stacks."""
    with contextlib.redirect_stdout(sys.stderr):
        address = _address(options)
    reached = store.clients(address)
    key = store.key_arn(address, reached)
    if key is None:
        raise UserError(
            f"there is no key {address.alias}",
            "the deployer must be allowed to use it",
            f"make it, with its bucket: make backend BACKEND='{address.url}'{suffix(options)}",
        )
    shared = _without_context(address, options)
    document = permissions.deployer(address, _project(), options.stack, key, shared_secrets=shared)
    say(json.dumps(document, indent=2))


def restore(options: Options) -> None:
    """Bring a state back that was deleted or damaged in its bucket."""
    address = _address(options)
    with Step("restore", f"the state of {options.stack}") as step:
        reached = store.clients(address)
        _unlocked(address, reached, options.stack)
        there = Place(url=address.url, secrets="", name="", local=False)
        if stone := burial.read(there, _project(), options.stack):
            raise stone.refused(options.stack, address.url, suffix(options))
        found = versions.restore(address, reached, _project(), options.stack, options.version)
        step.result(f"{found.resources} resources, as of {found.since:%Y-%m-%d %H:%M:%S}")
    say(f"\nSee what has changed since: make preview{suffix(options)}")


def guard(stack: str, here: Workspace) -> Callable[[Place], None]:
    """Return what refuses to touch the state, which is used in `here`, while another process deploys."""

    def check(there: Place) -> None:
        if there.address:
            _unlocked(there.address, store.clients(there.address), stack)
        elif held := here.holders(stack):
            raise lock.kept_out(held, stack, 0)

    return check


def fits(chosen: Target, stack: str, url: str, exported: Deployment) -> None:
    """Refuse a state whose namespaces are not the cluster's: that cluster may be gone.

    Raises:
        UserError: when it describes another cluster.
    """
    for resource in deployment.resources(exported):
        if resource["type"] != "kubernetes:core/v1:Namespace":
            continue
        metadata = resource.get("outputs", {}).get("metadata", {})
        if not {"name", "uid"} <= metadata.keys():
            continue
        question = ("get", "namespace", metadata["name"], "--ignore-not-found")
        if chosen.client.output(*question, "-o", "jsonpath={.metadata.uid}").strip() != metadata["uid"]:
            raise UserError(
                f"the state there describes another cluster: its namespace {metadata['name']} is not the one "
                f"in {chosen.context}",
                "what it lists would be taken for being here",
                "name the cluster that it describes (CONTEXT=…), or take a folder of its own for this one\n"
                "(BACKEND=s3://bucket/folder), or, if that cluster is gone, remove its state there:\n"
                f"PULUMI_BACKEND_URL={shlex.quote(url)} pulumi stack rm --force --preserve-config {stack}",
            )


def _made(wanted: Address) -> Address:
    """Make the bucket and its key, with all that a state needs; return the address with its region."""
    with Step("store", wanted.bucket) as step:
        reached = store.clients(wanted)
        made = store.ensure(wanted.within(reached.region), reached, step.note)
        done = ", ".join(made.changed) or "all there"
        step.result(f"{wanted.bucket}: {done}")
    return made.address


def _address(options: Options) -> Address:
    """Return the bucket that BACKEND or the user's own environment names, else the one that has the state."""
    text = options.backend or os.environ.get(_URL)
    if text is None:
        identity = scope.present(options).identity
        text = places.read(identity, options.stack).current.url
    address = addresses.parse(text) if text.startswith("s3:") else None
    if address is None:
        raise UserError(
            f"the state of {options.stack} is in {text}",
            "that is no bucket: it has neither a policy nor versions",
            f"move it to one: make backend BACKEND=s3://my-company-pulumi-state{suffix(options)}",
        )
    return address


def _without_context(address: Address, options: Options) -> bool:
    """Return whether the secrets are encrypted without the stack's name; tell on stderr how to change that.

    Raises:
        UserError: when they are encrypted for another stack: a policy for this one must not allow that.
    """
    used = versions.provider(address, _project(), options.stack)
    if used is None or not used.startswith("awskms:"):
        return False
    named = addresses.context(used)
    if named == address.context(_project(), options.stack):
        return False
    wanted = shlex.quote(address.secrets(_project(), options.stack))
    change = (
        f'eval "$(make -s shell{suffix(options)})" && '
        f"pulumi stack change-secrets-provider {wanted} --stack {options.stack}"
    )
    if named is not None:
        raise UserError(
            f"the secrets of {options.stack} are encrypted for {named}",
            "a policy that allows them would allow that stack's, too",
            f"have them encrypted for this one, with rights to the whole key: {change}",
        )
    sys.stderr.write(
        f"the secrets of {options.stack} are encrypted without the stack's name: this policy\n"
        "allows those of every such stack of the bucket. To part them, with rights to the whole key,\n"
        f"and then print it again:\n{change}\n"
    )
    return True


def _unlocked(address: Address, reached: store.Clients, stack: str) -> None:
    held = store.locks(address, reached, _project(), stack)
    if held:
        raise UserError(
            f"{stack} is locked in {address.url}",
            "another deployment runs, or a run was killed; what it records would be lost",
            "wait until it is done. If no deployment runs, and only then:\n"
            f"PULUMI_BACKEND_URL={shlex.quote(address.url)} pulumi cancel --yes {stack}",
        )


def _named(stack: str) -> str | None:
    """Return the secrets provider that the checkout's file names, a salt meaning a passphrase."""
    theirs = workspace.encryption(stack)
    return theirs.get("secretsprovider") or (places.PASSPHRASE if theirs else None)


def _project() -> str:
    return str(workspace.project()["name"])


def _tell(options: Options, moved: Moved, folder: Path) -> None:
    chosen = suffix(options)
    say(f"\nThe state of {options.stack} is in {moved.current.url}\n")
    if moved.previous:
        say(f"  before    {moved.previous.url} has it as it was, until the next move")
        say("            a deployment from there is refused, and told where the state is")
    say(f"  deploy    make up{chosen}")
    if moved.current.local:
        return
    say(f"  allow     make -s backend-policy{chosen} > policy.json")
    known = yaml.safe_load((folder / f"Pulumi.{options.stack}.yaml").read_text(encoding="utf-8"))
    keys = {name: known[name] for name in deployment.ENCRYPTION if name in known}
    if keys != workspace.encryption(options.stack):
        lines = "".join(f"  {name}: {value}\n" for name, value in keys.items())
        say(
            f"\nFor everybody else, and CI: PULUMI_BACKEND_URL={shlex.quote(moved.current.url)}\n"
            f"and at the top of Pulumi.{options.stack}.yaml, to be committed (it is no secret):\n{lines}"
        )
