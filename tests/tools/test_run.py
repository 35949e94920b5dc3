"""A run of the engine: what is under way, and what was said, from its events alone."""

from tools.engine.run import Run

from . import told


def _heard(*events: str) -> Run:
    run = Run()
    for event in events:
        run.hear(event)
    return run


def test_a_step_is_under_way_until_its_outputs_are_there() -> None:
    run = _heard(told.began("update", "deployment", "api"), told.began("replace", "job", "grant"))
    assert run.under_way == {"api": "updating", "grant": "replacing"}

    run.hear(told.ended("update", "deployment", "api"))
    assert (run.under_way, run.ended) == ({"grant": "replacing"}, "api updated")


def test_a_preview_has_nothing_under_way_and_changes_nothing() -> None:
    run = _heard(told.began("update", "deployment", "api", planning=True))
    assert (run.under_way, run.changed) == ({}, False)


def test_what_stays_or_is_only_read_is_not_waited_for() -> None:
    run = _heard(*(told.began(op, "deployment", "api") for op in ("same", "read", "refresh")))
    assert (run.under_way, run.changed) == ({}, False)


def test_debug_messages_are_not_kept() -> None:
    run = _heard(told.said("the password is hush", severity="debug"))
    assert (run.events, run.said) == ([], "")


def test_a_message_is_said_once_and_below_what_it_is_about() -> None:
    about = ("namespace", "shop")
    run = _heard(told.said("quota\nexceeded", of=about), told.said("failed"), told.said("failed"))
    assert run.said == "kubernetes:core/v1:Namespace (shop):\n    error: quota\n    exceeded\nerror: failed"


def test_every_event_is_told_after_it_was_taken_in() -> None:
    seen: list[dict[str, str]] = []
    run = Run(heard=lambda run, _: seen.append(dict(run.under_way)))
    run.hear(told.began("create", "job", "grant"))
    run.hear(told.ended("create", "job", "grant"))
    assert seen == [{"grant": "creating"}, {}]


def test_what_the_program_warns_of_is_kept_once_and_what_a_resource_does_is_not() -> None:
    run = _heard(
        told.said("clients wait", severity="warning"),
        told.said("clients wait", severity="warning"),
        told.said("deprecated", severity="warning", of=("namespace", "shop")),
        told.said("failed"),
    )
    assert run.warnings == ["clients wait"]
