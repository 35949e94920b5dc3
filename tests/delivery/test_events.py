"""The engine's events as a preview: fields by path, secrets masked, debug messages unread."""

from typing import Any

from tools.delivery import events
from tools.delivery.report import Violation

_SET = "kubernetes:apps/v1:StatefulSet"


def _step(op: str, kind: Any = _SET, **rest: Any) -> dict[str, Any]:
    metadata = {"op": op, "type": kind, "urn": f"urn:pulumi:dev::shop::{kind}::server", **rest}
    return {"resourcePreEvent": {"metadata": metadata}}


def _state(**spec: Any) -> dict[str, Any]:
    return {"inputs": {"metadata": {"name": "postgres", "namespace": "shop"}, **spec}, "custom": True}


def _said(severity: str, message: str) -> dict[str, Any]:
    return {"diagnosticEvent": {"severity": severity, "message": message}}


def test_an_update_names_each_field_with_its_value_before_and_after() -> None:
    old = {**_state(spec={"old": 1}), "outputs": {"spec": {"list": [{"a": 1}], "gone": True}}}
    new = _state(spec={"list": [{"a": 2}], "more": "x"}, labels={"a/b": "c"})
    detailed = {
        "spec.list[0].a": {"diffKind": "update"},
        "spec.gone": {"diffKind": "delete"},
        "spec.more": {"diffKind": "add"},
        'labels["a/b"]': {"diffKind": "add"},
    }
    (change,) = events.preview("dev", [_step("update", old=old, new=new, detailedDiff=detailed)]).changes

    assert (change.kind, change.name) == ("StatefulSet", "shop/postgres")
    assert change.lines == (
        '+ labels["a/b"]: "c"',
        "- spec.gone: true",
        "! spec.list[0].a: 1 => 2",
        '+ spec.more: "x"',
    )


def test_a_replacement_is_one_change_with_the_fields_that_force_it() -> None:
    detailed = {"spec.a": {"diffKind": "update-replace"}, "spec.b": {"diffKind": "update"}}
    states = {"old": _state(spec={"a": 1, "b": 1}), "new": _state(spec={"a": 2, "b": 2})}
    steps = [_step(op, detailedDiff=detailed, **states) for op in ("create-replacement", "replace")]
    (change,) = events.preview("dev", [*steps, _step("delete-replaced", **states)]).changes

    assert change.operation == "replace"
    assert change.because == ("spec.a",)
    assert len(change.lines) == 2


def test_a_secret_stays_masked_also_where_the_engine_masks_the_whole_object() -> None:
    wrapped = {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "ciphertext": "[secret]",
    }
    new = _state(stringData=wrapped)
    old = {**_state(), "outputs": {"data": {"password": wrapped}}}
    step = _step("replace", old=old, new=new, detailedDiff={"data.password": {"diffKind": "update-replace"}})
    (change,) = events.preview("dev", [step]).changes

    assert change.lines == ('! data.password: "[secret]" => "[secret]"',)


def test_what_is_not_known_yet_is_said_in_words() -> None:
    (change,) = events.preview("dev", [_step("create", new=_state(host=events.UNKNOWN))]).changes

    assert "+ host: (known once it runs)" in change.lines


def test_a_long_value_is_cut_with_its_length() -> None:
    (change,) = events.preview("dev", [_step("create", new=_state(text="x" * 1000))]).changes

    assert any(line.endswith("… (1002 characters)") for line in change.lines)


def test_components_providers_and_reads_are_no_changes() -> None:
    found = events.preview(
        "dev",
        [
            _step("update", "pulumi:providers:kubernetes", new=_state()),
            _step("create", "pulumi:pulumi:Stack", new={}),
            _step("create", "shop:Backend", new={"custom": False}),
            _step("read", new=_state()),
            _step("same", "shop:Database", new={"custom": False}),
            _step("same", new=_state()),
        ],
    )

    assert (found.changes, found.unchanged) == ((), 1)


def test_only_errors_are_read_and_no_debug_message() -> None:
    found = events.preview(
        "dev", [_said("debug", "hunter2"), _said("warning", "w"), _said("error", " why\n")]
    )

    assert found.errors == ("why",)


def test_a_failure_of_the_engine_is_an_error_too() -> None:
    assert events.preview("dev", [{"errorEvent": {"error": "plugin crashed"}}]).errors == ("plugin crashed",)


def test_a_broken_rule_is_the_reason_and_not_that_the_preview_failed() -> None:
    event = {
        "policyEvent": {
            "policyName": "spread",
            "enforcementLevel": "mandatory",
            "message": "A zone may fail.\nDeployment a: spread it.\n",
        }
    }
    found = events.preview("dev", [event, _said("error", "preview failed\n")])

    assert found.errors == ()
    assert found.violations == (
        Violation(policy="spread", level="mandatory", message="Deployment a: spread it."),
    )


def test_the_order_does_not_depend_on_the_engines() -> None:
    steps = [
        _step("create", new=_state()),
        _step("delete", old=_state()),
        _step("update", old=_state(), new=_state(), diffs=["x"]),
    ]

    assert events.preview("dev", steps) == events.preview("dev", steps[::-1])
    assert [change.operation for change in events.preview("dev", steps).changes] == [
        "delete",
        "update",
        "create",
    ]
