"""The commands `make up`, `make down`, `make status`, `make preview` and others, from top to bottom."""

import contextlib
import os
import shlex
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from tools.cli import (
    adopted_additions,
    adoption,
    application,
    bringup,
    diagnosis,
    looking,
    overrides,
    unreachable,
    verifying,
)
from tools.cli.audit import command as auditing
from tools.cli.bringup import Building
from tools.cli.drift import command as drifting
from tools.cli.drift import report
from tools.cli.drift.objects import Objects
from tools.cluster import atrest, lifecycle
from tools.data import proofs
from tools.stacks import holding, scope, smoke, target, workspace
from tools.stacks.options import Options, suffix
from tools.stacks.target import Target
from tools.state import place
from tools.store import keys
from tools.telemetry import judging
from tools.toolchain import disk, scratch, turn
from tools.toolchain.background import Task
from tools.toolchain.console import Step, elapsed, say
from tools.toolchain.errors import UserError


def up(options: Options) -> None:
    """Deploy everything, from an empty machine to the site's address. Run again, it changes nothing."""
    started = time.monotonic()
    with ExitStack() as held:
        # What cannot work is refused now, not after minutes of work.
        settings = workspace.settings(options.stack)
        judging.check(settings)
        carrying: Task[None] | None = None
        building: Building | None = None
        if options.context:
            chosen = target.named(options.context)
            overrides.named_images(options)
        else:
            held.enter_context(turn.cluster(options.cluster))
            wanted = application.wanted(settings)
            chosen, building = bringup.made(options.cluster, options.port, settings, wanted)
            if chosen.local and building:
                carrying = building.carried(chosen.local)
        with Step("at rest", "whether the cluster encrypts Secrets") as step:
            step.result(atrest.told(chosen.client))
        held.enter_context(turn.state(chosen.identity))
        added = overrides.of(chosen, options, building.named() if building else None)
        stack = scope.stack(options, chosen, scope.tools())
        stack.holding.wait()
        releases = stack.workspace.releases(options.stack)
        config = stack.workspace.write(options.stack, added)
        canaries = judging.begin(chosen, releases, config, suffix(options))
        releases.begin(config)
        if carrying:
            bringup.judged(stack, carrying)
        if chosen.local:
            bringup.admitting(chosen.local, config)
        if not carrying:
            stack.ensure()
        with Step("drift", "what others changed since the last deployment") as step:
            told = drifting.repaired(stack, chosen, config, step)
        if told:
            say(told)
        with (
            keys.offered(chosen.client, config) if chosen.local else contextlib.nullcontext(),
            Step("pulumi up", f"stack {options.stack}") as step,
            diagnosis.explained(chosen, config, step) as waiting,
        ):
            watched = replace(stack, hopeless=waiting.hopeless)
            step.result(watched.up(step, judged=carrying is not None))
        outputs = stack.outputs()
        releases.finished(outputs)
        if chosen.local:
            lifecycle.usable(chosen.local)
        verifying.verify(options, stack, config, outputs, canaries)
        releases.worked()
        if chosen.local:
            lifecycle.ready(chosen.local)
    _tell(options, outputs, time.monotonic() - started)
    _add(chosen, config)


def _add(chosen: target.Target, config: workspace.Config) -> None:
    """Add what the user should know besides."""
    proofs.warn(chosen.client, config)
    if chosen.local:
        say(f"\n  caches    {disk.told(disk.taken())}; make clean-cache frees what is out of use")


def preview(options: Options) -> None:
    """Print what `up` would change on the cluster that runs; give a local one the images that it would name.

    Where none runs and none is named, the comparison is with the stack's state alone.
    """
    with scope.perhaps_alone(options) as chosen:
        if chosen is None:
            unreachable.preview(options.stack, scope.tools())
            return
        stack = scope.stack(options, chosen, scope.tools())
        stack.holding.wait()
        stack.workspace.write(options.stack, overrides.of(chosen, options))
        stack.ensure()
        say(stack.preview())


def drift(options: Options) -> int:
    """Print what others changed on the cluster since the last deployment; return the exit code."""
    # Standard output is the report alone.
    with contextlib.redirect_stdout(sys.stderr), scope.alone(options) as chosen:
        stack = scope.stack(options, chosen, scope.tools())
        stack.holding.wait()
        found = drifting.looked(stack, chosen)
    say(report.document(found).rstrip() if options.as_json else report.text(found))
    return 0 if found.clean else drifting.DRIFTED


def audit(options: Options) -> None:
    """Print who may do what in the stack's namespace, from the RBAC that is live."""
    with contextlib.redirect_stdout(sys.stderr):
        chosen = scope.present(options)
        told = auditing.told(options.stack, chosen, all_subjects=os.environ.get("ALL") == "yes")
    say(told)


def adopt(options: Options) -> None:
    """Take over a FeastFlow that kubectl or a GitOps tool applied under the same names, with its data."""
    with scope.alone(options) as chosen:
        stack = scope.stack(options, chosen, scope.tools())
        stack.holding.wait()
        if stack.exists() and stack.outputs():
            raise UserError(
                f"the stack {options.stack} is there already",
                "what it deployed is its own",
                "see what differs: make preview",
            )
        releases = stack.workspace.releases(options.stack)
        config = stack.workspace.write(options.stack, overrides.of(chosen, options))
        with Step("adopt", "looking at what is there") as step:
            looked, live, seen = adoption.look(chosen, options.stack, stack.owner(), config)
            additions = adopted_additions.look(looked.wanted, Objects(client=chosen.client))
            step.result(f"{len(live)} of {len(looked.wanted)} objects are there, and none is recreated")
        say("\n".join([adoption.told(looked, live, seen), *map("  deleted     {}".format, additions.told)]))
        releases.begin(config)
        adopted_additions.delete(additions, looked.wanted, Objects(client=chosen.client))
        adoption.take_jobs(chosen, looked.wanted, live)
        with (
            Step("pulumi up", f"stack {options.stack}") as step,
            diagnosis.explained(chosen, config, step) as waiting,
        ):
            stack.ensure()
            allowed = adoption.allowed(config)
            environment = {**stack.environment, **allowed}
            forcing = replace(stack, environment=environment, hopeless=waiting.hopeless)
            step.result(forcing.up(step))
        outputs = stack.outputs()
        releases.finished(outputs)
        with Step("smoke check", outputs["url"]) as step:
            step.result(smoke.check(outputs["url"], smoke.asked(config, outputs)))
        releases.worked()
    say("\nadopted; whatever else applies these objects must stop, and old Secrets may go")


def rollback(options: Options) -> None:
    """Deploy the settings and images of the release before again; the data and its schema stay."""
    started = time.monotonic()
    with scope.alone(options) as chosen:
        stack = scope.stack(options, chosen, scope.tools())
        stack.holding.wait()
        releases = stack.workspace.releases(options.stack)
        release = releases.earlier()
        if stack.workspace.shared:
            releases.must_be_last(stack.outputs())
        config = releases.settings(release)
        stack.workspace.put(options.stack, config)
        doing = f"stack {options.stack}, to {release.at}"
        with Step("roll back", doing) as step, diagnosis.explained(chosen, config, step) as waiting:
            stack.ensure()
            step.result(replace(stack, hopeless=waiting.hopeless).back(step))
        outputs = stack.outputs()
        releases.went_back(release, config, outputs)
        with Step("smoke check", outputs["url"]) as step:
            step.result(smoke.check(outputs["url"], smoke.asked(config, outputs)))
    say(
        f"\nback to the release of {release.at}, after {elapsed(time.monotonic() - started)}; "
        f"the data and its schema stay as they are\n"
        f"the checkout still has what was withdrawn: correct Pulumi.{options.stack}.yaml before `make up`"
    )


def status(options: Options) -> None:
    """Print nodes, pods and the site as they are now."""
    chosen = scope.present(options)
    stack = scope.stack(options, chosen, scope.tools(), changes=False)
    subprocess.run([*chosen.client.command, "get", "nodes,pods,ingresses", "--all-namespaces"], check=False)
    if stack.exists():
        outputs, settings = stack.outputs(), workspace.settings(options.stack)
        url = outputs.get("url")
        try:
            seen = smoke.check(url, smoke.asked(settings, outputs)) if url else "nothing is deployed"
        except UserError:
            # Of a site that does not answer, the last hour says most.
            say("\n" + "\n".join(looking.hour(chosen, settings)))
            raise
        say(f"\n{url}: {seen}\n\n" + "\n".join(looking.hour(chosen, settings)))
        proofs.warn(chosen.client, settings)


def down(options: Options) -> None:
    """Take the stack away from a cluster that the user named; of a local cluster, leave no trace at all."""
    if options.context:
        destroy(options)
    else:
        with lifecycle.alone(options.cluster) as identities:
            for identity in identities:
                holding.wait_for_all(identity)
            lifecycle.down(options.cluster)
            for identity in identities:
                _tell_what_stays(identity)
                workspace.forget(identity)
            scratch.sweep()
    say("the downloads and binaries stay in the cache; `make clean-cache ALL=yes` deletes those too")


def destroy(options: Options) -> None:
    """Run `pulumi destroy`: the stack is deleted, the cluster stays."""
    with scope.alone(options) as chosen:
        _destroy(options, chosen)


def _destroy(options: Options, chosen: Target) -> None:
    stack = scope.stack(options, chosen, scope.tools())
    stack.holding.wait()
    if not stack.exists():
        say(f"there is no stack {options.stack} on {chosen.context}")
        return
    with Step("destroy", f"stack {options.stack}") as step:
        step.result(stack.destroy(step))
    stack.remove()
    stack.workspace.releases(options.stack).forget()


def _tell_what_stays(identity: str) -> None:
    """Name the states of a cluster that is gone which are not on this machine; nothing here uses them on."""
    for stack, url in place.remote(identity).items():
        say(f"the state of {stack} stays in {url}; it describes a cluster that is gone")


def shell(options: Options) -> None:
    """Print assignments for `eval`: kubectl and pulumi, pointed at the cluster and its stacks."""
    with contextlib.redirect_stdout(sys.stderr):
        chosen = scope.present(options)
        stack = scope.stack(options, chosen, scope.tools(), changes=False)
    stack = replace(stack, cli=replace(stack.cli, environment=stack.cli.lasting))
    variables = stack.variables()
    variables["PATH"] = f"{chosen.kubectl.parent}{os.pathsep}{variables['PATH']}"
    for name, value in variables.items():
        say(f"export {name}={shlex.quote(value)}")
    say(scratch.function(f"-C {shlex.quote(str(stack.workspace.folder))}"))


def _tell(options: Options, outputs: dict[str, Any], seconds: float) -> None:
    chosen = suffix(options)
    commands = outputs["commands"]
    # `down` takes a whole local cluster; with another stack on it, only `destroy` is about this one.
    stop = f"make down{chosen}" if options.context or options.stack == "dev" else f"make destroy{chosen}"
    say(
        f"\nFeastFlow runs, after {elapsed(seconds)}:\n\n"
        f"  open      {outputs['url']}\n"
        f"  look      make status{chosen}\n"
        f"  stop      {stop}\n\n"
        f'With kubectl and pulumi pointed at it by `eval "$(make -s shell{chosen})"`:\n\n'
        f"  pods      {commands['pods']}\n"
        f"  logs      {commands['backendLogs']}"
        # A server of others has no pod to ask.
        + (f"\n  data      {commands['psql']}" if "psql" in commands else "")
    )
