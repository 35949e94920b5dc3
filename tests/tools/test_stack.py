"""Pulumi for one stack: its output in a few words, and the recovery from a killed run."""

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import pytest

from tools.stacks import stack as stacks
from tools.stacks.stack import Stack
from tools.stacks.workspace import Workspace
from tools.toolchain import proc, process, turn
from tools.toolchain.errors import UserError
from tools.toolchain.pulumi import Pulumi

from . import told
from .fakes import Heard, Machine

_REPORT = "Updating (dev):\n +  kubernetes:core/v1:Namespace feastflow creating (0s)\n"
_EVENTS = "".join(
    [
        told.began("create", "stack", "feastflow-dev", planning=True),
        told.ended("create", "stack", "feastflow-dev", planning=True),
        told.summary(preview=True, create=2, update=1, same=5),
        told.began("create", "stack", "feastflow-dev"),
        told.began("create", "provider", "default"),
        told.began("create", "namespace", "feastflow"),
        told.ended("create", "namespace", "feastflow"),
        told.began("same", "deployment", "frontend"),
        told.began("create", "job", "grant"),
        told.began("update", "deployment", "backend"),
        told.ended("create", "job", "grant"),
        told.ended("update", "deployment", "backend"),
        told.summary(same=5, update=1, create=2),
    ]
)
_LOCKED = "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end"

_BROKEN = told.began("create", "namespace", "feastflow") + told.said(
    "quota exceeded", of=("namespace", "feastflow")
)


@pytest.fixture
def stack(machine: Machine) -> Stack:
    """Return a stack whose pulumi prints the machine's files; `cancel` deletes one of the `locks`."""
    executable = machine.program(
        "pulumi",
        told.TELL
        + """
        case "$*" in
          *" cancel "*) [ ! -e "$ROOT/locks" ] || sed -i 1d "$ROOT/locks" ;;
          *" up "*|*" destroy "*)
            if [ -s "$ROOT/locks" ]; then cat "$ROOT/locks"; exit 255; fi
            [ ! -e "$ROOT/late" ] || exec sleep 30
            cat "$ROOT/report"
            [ ! -e "$ROOT/error" ] || { cat "$ROOT/error"; exit 255; } ;;
          *" stack export "*)
            [ ! -e "$ROOT/refused" ] || { cat "$ROOT/refused" >&2; exit 255; }
            cat "$ROOT/exported" ;;
          *" stack import "*) cat > "$ROOT/imported" ;;
          *) [ ! -e "$ROOT/error" ] || { cat "$ROOT/error" >&2; exit 255; }
            [ ! -e "$ROOT/answer" ] || cat "$ROOT/answer" ;;
        esac
        """,
    )
    machine.file("report", _REPORT)
    machine.file("events", _EVENTS)
    machine.file("exported", _exported())
    folder = machine.file("workspace/Pulumi.yaml").parent
    return Stack(
        name="dev",
        workspace=Workspace(folder=folder, environment={"B": "2", "C": "2"}),
        cli=Pulumi(executable=executable, environment={"A": "1", "B": "1"}, official=False),
        environment={"C": "3"},
    )


@pytest.mark.parametrize(
    ("events", "summary"),
    [
        (_EVENTS, "+ 2 created, ~ 1 updated, 5 unchanged"),
        (told.summary(same=8), "8 unchanged"),
        (told.summary(delete=3, create=0), "- 3 deleted"),
        (told.summary(preview=True, same=2) + told.summary(create=1), "+ 1 created"),
        (told.summary(replace=1, delete=2, read=1), "- 2 deleted, +- 1 replaced"),
        (told.summary(), "nothing to do"),
        ("", "nothing to do"),
    ],
)
def test_a_deployment_is_summed_up_by_its_last_summary(
    machine: Machine, stack: Stack, step: Heard, events: str, summary: str
) -> None:
    machine.file("events", events)

    assert stack.up(step) == summary


def test_while_it_deploys_it_says_what_it_waits_for_the_newest_first(stack: Stack, step: Heard) -> None:
    stack.up(step)

    assert step.notes[0] == "waiting for feastflow-dev"
    assert "waiting for feastflow, feastflow-dev" in step.notes
    assert "waiting for backend, grant, feastflow-dev" in step.notes
    assert step.notes[-1] == "waiting for feastflow-dev"


def _lock(machine: Machine, process: int, host: str = "") -> Path:
    """Lock the stack in the machine's own files, as pulumi does."""
    owner = {"pid": process, "username": "ann", "hostname": host or socket.gethostname()}
    owner["timestamp"] = "2026-11-23T09:00:00Z"
    return machine.file("state/.pulumi/locks/organization/feastflow/dev/1.json", json.dumps(owner))


def _held_here(machine: Machine, stack: Stack) -> Stack:
    machine.file("workspace/Pulumi.yaml", "name: feastflow\n")
    files = {"PULUMI_BACKEND_URL": f"file://{machine.root}/state?metadata=skip"}
    return replace(stack, workspace=replace(stack.workspace, environment=files))


def test_a_lock_that_a_killed_run_left_is_deleted(machine: Machine, stack: Stack, step: Heard) -> None:
    left = _lock(machine, 2**22 + 1)

    assert _held_here(machine, stack).up(step) == "+ 2 created, ~ 1 updated, 5 unchanged"
    assert not left.exists()
    assert machine.called("pulumi", "cancel") == []


@pytest.mark.parametrize("host", ["", "far"])
def test_a_live_owner_is_waited_for_and_named_and_never_cancelled(
    machine: Machine, stack: Stack, step: Heard, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr(turn, "PATIENCE_SECONDS", 0.05)
    os.mkfifo(machine.root / "never")
    program = machine.program("pulumi-of-another", 'read _ < "$ROOT/never"')
    with subprocess.Popen([str(program)]) as owner:  # noqa: S603 - made here
        until_runs = time.monotonic() + 5
        while program.name not in proc.programs(owner.pid) and time.monotonic() < until_runs:
            time.sleep(0.005)
        kept = _lock(machine, owner.pid, host)
        machine.file("exported", _exported(made="creating"))
        for act in (Stack.up, Stack.destroy):
            with pytest.raises(UserError) as caught:
                act(_held_here(machine, stack), step)
            assert f"process {owner.pid}" in caught.value.found
            assert str(kept) in caught.value.fix
        owner.kill()

    assert kept.exists()
    for command in ("cancel", "import", " up ", " destroy "):
        assert machine.called("pulumi", command) == []


def test_a_stack_that_pulumi_says_is_locked_is_left_to_its_holder(
    machine: Machine, stack: Stack, step: Heard
) -> None:
    machine.file("locks", f"{_LOCKED}\n" * 9)

    with pytest.raises(UserError, match="the stack dev is locked"):
        stack.up(step)
    assert machine.called("pulumi", "cancel") == []


# Another value at each call.
_CHANGING = r"""echo >> "$ROOT/turns"; sed "s/^{/{\"turn\": $(wc -l < "$ROOT/turns"), /" "$ROOT/exported" """


def test_a_state_that_others_change_while_it_is_repaired_is_not_written_over(
    machine: Machine, stack: Stack, step: Heard
) -> None:
    machine.file("exported", _exported(made="creating"))
    pulumi = machine.bin / "pulumi"
    script = pulumi.read_text(encoding="utf-8")
    assert 'cat "$ROOT/exported"' in script
    pulumi.write_text(script.replace('cat "$ROOT/exported"', _CHANGING), encoding="utf-8")

    with pytest.raises(UserError, match="was changed 5 times by others"):
        stack.up(step)
    assert machine.called("pulumi", "import") == []


def test_a_lock_that_may_be_a_colleagues_is_never_deleted(
    machine: Machine, stack: Stack, step: Heard
) -> None:
    machine.file("locks", f"{_LOCKED}\n  s3://b/x.json: created by ann@far (pid 7) at 2026-11-23T09:00:00Z\n")

    with pytest.raises(UserError) as caught:
        replace(stack, workspace=replace(stack.workspace, shared=True)).up(step)

    assert "by ann@far, process 7, since 2026-11-23T09:00:00Z" in caught.value.found
    assert "pulumi cancel --yes dev" in caught.value.fix
    assert machine.called("pulumi", " cancel ") == []


def test_a_stack_is_made_with_the_secrets_provider_of_its_place(machine: Machine, stack: Stack) -> None:
    replace(stack, workspace=replace(stack.workspace, secrets="awskms://alias/x")).ensure()
    machine.file("workspace/Pulumi.dev.yaml", "secretsprovider: awskms://alias/named\n")
    stack.ensure()

    first, second = machine.calls("pulumi")
    assert first.endswith("--secrets-provider awskms://alias/x")
    assert second.endswith("--secrets-provider awskms://alias/named")


def test_what_a_killed_run_was_making_is_made_again_and_looked_at_since_it_may_have_been_there(
    machine: Machine, stack: Stack, step: Heard
) -> None:
    machine.file("exported", _exported(made="creating"))

    assert stack.up(step) == "+ 2 created, ~ 1 updated, 5 unchanged"
    assert _verbs(machine) == ["stack export", "stack export", "stack import", "up", "refresh", "up"]
    assert json.loads((machine.root / "imported").read_text())["deployment"]["pending_operations"] == []


def test_what_a_killed_run_was_changing_is_changed_again_whether_or_not_it_seems_to_differ(
    machine: Machine, stack: Stack, step: Heard
) -> None:
    machine.file("exported", _exported(changed="updating", gone="deleting"))

    stack.up(step)

    assert _verbs(machine) == ["stack export", "stack export", "stack import", "up"]
    imported = json.loads((machine.root / "imported").read_text())["deployment"]
    wrong = {each["urn"] for each in imported["resources"] if each.get("initErrors")}
    assert wrong == {"changed"}
    assert imported["pending_operations"] == []


def test_an_update_that_was_cut_off_is_done_again_by_whatever_is_deployed_next(
    machine: Machine, stack: Stack, step: Heard
) -> None:
    urn = told.urn("deployment", "api")
    begun = [told.began("update", "deployment", name) for name in ("api", "page")]
    machine.file("events", "".join([*begun, told.ended("update", "deployment", "page")]))
    machine.file("error", "error: context canceled")
    machine.file("exported", json.dumps({"deployment": {"resources": [{"urn": urn}, {"urn": "x::page"}]}}))
    with pytest.raises(UserError):
        stack.up(step)
    (machine.root / "error").unlink()

    stack.back(step)
    stack.up(step)

    assert _verbs(machine) == [
        *("stack export", "up"),
        *("stack export", "stack export", "stack import", "up"),
        *("stack export", "up"),
    ]
    imported = json.loads((machine.root / "imported").read_text())["deployment"]
    assert [each["urn"] for each in imported["resources"] if each.get("initErrors")] == [urn]


def test_a_state_that_others_may_have_written_since_is_not_written_over_and_open_steps_are_looked_at(
    machine: Machine, stack: Stack, step: Heard
) -> None:
    machine.file("exported", _exported(changed="updating"))

    replace(stack, workspace=replace(stack.workspace, shared=True)).up(step)

    assert _verbs(machine) == ["stack export", "up", "refresh", "up"]
    assert machine.called("pulumi", "refresh", "--clear-pending-creates")


def test_a_deployment_without_open_steps_is_not_looked_at_again(
    machine: Machine, stack: Stack, step: Heard
) -> None:
    stack.up(step)

    assert machine.called("pulumi", "refresh") == []


def test_another_failure_unlocks_nothing(machine: Machine, stack: Stack, step: Heard) -> None:
    machine.file("events", _BROKEN)
    machine.file("error", "failed")

    with pytest.raises(UserError):
        stack.destroy(step)
    assert machine.called("pulumi", "cancel") == []
    assert len(machine.calls("pulumi")) == 1


def test_a_failure_shows_pulumis_own_diagnostics_and_where_the_rest_is(
    machine: Machine, stack: Stack, step: Heard
) -> None:
    machine.file("events", _BROKEN)
    machine.file("error", "update failed\n")

    with pytest.raises(UserError) as caught:
        stack.up(step)

    assert caught.value.found.splitlines() == [
        "pulumi up failed",
        "kubernetes:core/v1:Namespace (feastflow):",
        "    error: quota exceeded",
    ]
    log = Path(caught.value.fix.rsplit(" ", maxsplit=1)[-1])
    assert log.read_text() == f"{_REPORT}update failed\n"


def test_what_the_program_warns_of_is_told_once_while_it_runs(
    machine: Machine, stack: Stack, step: Heard
) -> None:
    warned = told.said("clients wait", severity="warning")
    machine.file("events", f"{warned}{told.began('update', 'deployment', 'api')}{warned}")
    stack.up(step)
    assert step.lines == ["warning: clients wait"]


_BY_PROGRAM = "".join(
    [
        told.began("create", "stack", "feastflow-dev"),
        told.began("create", "owner", "owner"),
        told.ended("create", "owner", "owner"),
        told.said("The stack's configuration cannot be deployed; nothing was changed."),
    ]
)
_BY_POLICY = "".join(
    [
        told.began("create", "namespace", "feastflow", planning=True),
        told.began("update", "deployment", "backend", planning=True),
        told.broke("image-tag", "Images have versions.\nname a version", "deployment", "backend"),
    ]
)


@pytest.mark.parametrize(
    ("events", "changed"),
    [
        (_BY_PROGRAM, False),
        (_BY_POLICY, False),
        ("", False),
        (told.began("same", "deployment", "backend"), False),
        (_BROKEN, True),
        (_BY_POLICY + _BROKEN, True),
        (told.began("delete", "job", "old"), True),
        (told.began("create-replacement", "job", "new"), True),
    ],
)
@pytest.mark.parametrize("act", [Stack.up, Stack.back, Stack.destroy])
def test_a_failure_says_that_something_was_done_only_where_something_was(
    machine: Machine, stack: Stack, step: Heard, act: Callable[..., str], events: str, *, changed: bool
) -> None:
    machine.file("events", events)
    machine.file("error", "failed")

    with pytest.raises(UserError) as caught:
        act(stack, step)

    assert ("what had been done stays done" in caught.value.why) is changed
    assert ("nothing was changed" in caught.value.why) is not changed
    assert ("it goes on from there" in caught.value.fix) is changed


@pytest.mark.parametrize("act", [Stack.preview, Stack.outputs, Stack.ensure, Stack.remove])
def test_what_only_reads_or_was_refused_at_once_has_changed_nothing(
    machine: Machine, stack: Stack, act: Callable[[Stack], object]
) -> None:
    machine.file("error", "error: The stack's configuration cannot be deployed; nothing was changed.")

    with pytest.raises(UserError) as caught:
        act(stack)

    assert caught.value.why == "nothing was changed: the stack is as it was before"


def test_an_update_whose_wait_is_hopeless_is_interrupted_and_told_as_pulumi_told_it(
    machine: Machine, stack: Stack, step: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_ASKED_SECONDS", 0.01)
    machine.program(
        "pulumi",
        f"""case "$*" in
          *" up "*)
            exec 3>&1
            trap 'echo "error: update canceled" >&3; exit 255' INT
            {told.TELL}
            while :; do sleep 0.01; done ;;
          *) cat "$ROOT/exported" ;;
        esac""",
    )
    machine.file("events", told.began("update", "deployment", "backend"))
    heard: list[Collection[str]] = []

    def hopeless(awaited: Collection[str]) -> bool:
        heard.append(awaited)
        return "backend" in awaited

    with pytest.raises(UserError) as caught:
        replace(stack, hopeless=hopeless).up(step)

    assert "error: update canceled" in caught.value.found
    assert "what had been done stays done" in caught.value.why
    assert heard[-1] == ["backend"]


def test_a_deployment_that_takes_too_long_is_ended_and_said_to_be_late(
    machine: Machine, stack: Stack, step: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.file("late")
    monkeypatch.setattr(stacks, "_MINUTES", 0.001)

    with pytest.raises(UserError, match=r"pulumi up failed\n *no end within 0 s"):
        stack.up(step)


def test_every_command_is_for_the_workspace_and_prompts_for_nothing(
    machine: Machine, stack: Stack, step: Heard
) -> None:
    machine.file("answer", "[]")
    stack.ensure()
    stack.exists()
    stack.up(step)
    stack.destroy(step)
    stack.remove()

    calls = machine.calls("pulumi")
    begin = f"-C {stack.workspace.folder} --non-interactive --color never "
    assert all(call.startswith(begin) for call in calls)
    consenting = [call.split()[5] if " rm " not in call else "rm" for call in calls if "--yes" in call]
    assert consenting == ["up", "destroy", "rm"]
    assert calls[0].endswith("stack select dev --create --secrets-provider passphrase")
    assert calls[-1].endswith("stack rm --yes --preserve-config dev")


def test_the_nearest_environment_wins(stack: Stack) -> None:
    assert stack.variables() == {"A": "1", "B": "2", "C": "3"}


def test_a_preview_says_what_pulumi_says(machine: Machine, stack: Stack) -> None:
    machine.file("answer", "~ 1 to update\n")

    assert stack.preview() == "~ 1 to update\n"
    (call,) = machine.calls("pulumi")
    assert re.search(r"preview --diff --policy-pack \S+/policies --stack dev$", call)


def test_what_is_deployed_has_been_judged_by_the_policy_pack(
    machine: Machine, stack: Stack, step: Heard
) -> None:
    stack.up(step)

    (call,) = machine.called("pulumi", " up ")
    assert re.search(r" up .*--policy-pack \S+/policies --stack dev$", call)


def test_what_was_judged_while_images_were_carried_is_deployed_without_another_preview(
    machine: Machine, stack: Stack, step: Heard
) -> None:
    stack.judge(step)
    assert stack.up(step, judged=True) == "+ 2 created, ~ 1 updated, 5 unchanged"

    (preview,), (up,) = machine.called("pulumi", " preview "), machine.called("pulumi", " up ")
    for call in (preview, up):
        assert "--policy-pack" in call
    assert "--yes" not in preview
    assert "--skip-preview" in up


def test_what_a_policy_found_is_part_of_the_refusal(machine: Machine, stack: Stack, step: Heard) -> None:
    machine.file("events", told.broke("spread", "Spread.\nDeployment web: spread it.", "deployment", "web"))
    machine.file("error", "error: preview failed\n")

    with pytest.raises(UserError) as caught:
        stack.up(step)

    assert caught.value.found.splitlines() == [
        "pulumi up failed",
        "[mandatory]  spread  (kubernetes:apps/v1:Deployment (web))",
        "    Spread.",
        "    Deployment web: spread it.",
    ]


def test_what_was_said_in_passing_is_no_part_of_a_failure(
    machine: Machine, stack: Stack, step: Heard
) -> None:
    about = ("deployment", "web")
    machine.file(
        "events",
        told.said("the secret is hush", severity="debug")
        + told.said("1 of 2 pods is ready", of=about, severity="info", ephemeral=True)
        + told.said("quota exceeded", of=about)
        + told.said("quota exceeded", of=about),
    )
    machine.file("error", "failed")

    with pytest.raises(UserError) as caught:
        stack.up(step)

    assert caught.value.found == (
        "pulumi up failed\nkubernetes:apps/v1:Deployment (web):\n    error: quota exceeded"
    )


def test_a_question_that_fails_is_refused_in_pulumis_words(machine: Machine, stack: Stack) -> None:
    machine.file("error", "error: incorrect passphrase")

    with pytest.raises(UserError, match=r"pulumi stack output failed\n *error: incorrect passphrase"):
        stack.outputs()


def test_outputs_are_read_and_secrets_stay_hidden(machine: Machine, stack: Stack) -> None:
    machine.file("answer", json.dumps({"url": "http://x", "password": "[secret]"}))

    assert stack.outputs() == {"url": "http://x", "password": "[secret]"}
    assert "--show-secrets" not in machine.calls("pulumi")[0]


def test_a_stack_is_asked_for_by_its_own_state_and_no_other_stacks_is_read(
    machine: Machine, stack: Stack
) -> None:
    assert stack.exists()
    machine.file("refused", "error: no stack named 'dev' found")
    assert not stack.exists()

    assert all(call.endswith("stack export --stack dev") for call in machine.calls("pulumi"))


def test_a_state_that_cannot_be_read_is_not_taken_for_none(machine: Machine, stack: Stack) -> None:
    machine.file("refused", "error: failed to load checkpoint: Forbidden")

    with pytest.raises(UserError, match="failed to load checkpoint: Forbidden"):
        stack.exists()


def _exported(**steps: str) -> str:
    """Return a state with these resources, and these steps open on them."""
    resources = [{"urn": urn} for urn in (*steps, "another")]
    pending = [{"resource": {"urn": urn}, "type": kind} for urn, kind in steps.items()]
    return json.dumps({"version": 3, "deployment": {"resources": resources, "pending_operations": pending}})


def _verbs(machine: Machine) -> list[str]:
    """Return pulumi's subcommands, in order."""
    words = (call.split()[5:] for call in machine.calls("pulumi"))
    return [" ".join(call[:2]) if call[0] == "stack" else call[0] for call in words]
