"""The pictures of docs/architecture.md: as old as the manifests, and true to what the policies open."""

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from tools.picture import layout, namespace, setting, svg
from tools.picture.__main__ import FOLDER, manifests, pictures
from tools.picture.namespace import Path
from tools.render.recording import Registered

_SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    """Every picture, drawn from the manifests as they are."""
    return pictures()


def test_the_pictures_of_the_documentation_are_as_the_manifests_are(drawn: dict[str, str]) -> None:
    kept = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert kept == drawn, "`make picture` draws them"


def test_every_picture_is_shown_by_the_documentation(drawn: dict[str, str]) -> None:
    text = (FOLDER.parent / "architecture.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\(pictures/(\S+\.svg)\)", text)) == set(drawn)


def test_nothing_is_drawn_outside_of_the_paper_or_over_another_box(drawn: dict[str, str]) -> None:
    for name, text in drawn.items():
        root = ET.fromstring(text)  # noqa: S314 - written by this very process
        width, height = (float(part) for part in root.attrib["viewBox"].split()[2:])
        boxes = [
            tuple(float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
            for rect in root.iter(f"{_SVG}rect")
            if rect.attrib["class"] in ("box", "outside")
        ]
        assert boxes, name
        for number, (x, y, wide, tall) in enumerate(boxes):
            assert x >= 0, name
            assert y >= 0, name
            assert x + wide <= width, name
            assert y + tall <= height, name
            for left, top, other_wide, other_tall in boxes[:number]:
                apart = x >= left + other_wide or left >= x + wide or y >= top + other_tall or top >= y + tall
                assert apart, name


def test_every_line_has_room_in_its_box() -> None:
    # Wider than such a letter is on average in any system's own face.
    letter = 8.2
    for stack in ("dev", "prod"):
        for box in layout.place(namespace.read(manifests(stack))).boxes:
            assert all(len(line) * letter <= box.width - 2 * layout.PAD for line in (box.name, *box.lines)), (
                box
            )


def _policy(selected: str, **directions: Any) -> dict[str, Any]:
    return {
        "kind": "NetworkPolicy",
        "metadata": {"name": "p"},
        "spec": {"podSelector": {"matchLabels": {"component": selected}}, **directions},
    }


def _pods(component: str) -> dict[str, Any]:
    return {
        "kind": "Deployment",
        "metadata": {"name": component, "labels": {"component": component}},
        "spec": {"replicas": 2},
    }


def _to(component: str) -> list[dict[str, Any]]:
    return [{"to": [{"podSelector": {"matchLabels": {"component": component}}}], "ports": [{"port": 1}]}]


def _from(component: str) -> list[dict[str, Any]]:
    return [{"from": [{"podSelector": {"matchLabels": {"component": component}}}], "ports": [{"port": 1}]}]


_SPACE = {"kind": "Namespace", "metadata": {"name": "n", "labels": {}}}


def test_a_path_between_two_tiers_is_open_when_both_directions_are() -> None:
    tiers = [_SPACE, _pods("a"), _pods("b")]
    sends, receives = _policy("a", egress=_to("b")), _policy("b", ingress=_from("a"))
    assert namespace.read([*tiers, sends]).paths == ()
    assert namespace.read([*tiers, receives]).paths == ()
    assert namespace.read([*tiers, sends, receives]).paths == (Path(source="a", target="b", ports=(1,)),)


def test_what_is_outside_is_drawn_outside_of_the_namespace() -> None:
    world = [{"from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}], "ports": [{"port": 80}]}]
    shown = namespace.read([_SPACE, _pods("a"), _policy("a", ingress=world)])
    assert shown.outside == ("192.0.2.0/24",)
    placed = layout.place(shown)
    left, _, width, _ = placed.frame
    (outside,) = (box for box in placed.boxes if not box.inside)
    assert outside.x + outside.width <= left or outside.x >= left + width
    assert "192.0.2.0/24" in svg.drawn(shown, placed)


def _registered(name: str, **inputs: Any) -> Registered:
    return Registered(
        type="kubernetes:apps/v1:Deployment",
        name=name,
        urn=f"urn:pulumi:s::p::kubernetes:apps/v1:Deployment::{name}",
        parent="urn:pulumi:s::p::feastflow:kubernetes:Backend::backend",
        inputs=inputs,
        raw=inputs,
        protect=False,
        dependencies=(),
        ignore_changes=(),
        aliases=(),
        provider="",
        timeouts={},
    )


def test_a_field_that_only_names_another_content_is_no_change() -> None:
    before = [_registered("d", spec={"replicas": 1, "config": "c-0123456789"})]
    after = [_registered("d", spec={"replicas": 2, "config": "c-9876543210"})]
    (found,) = setting.fields(before, after)
    assert (found.component, found.path, found.before, found.after) == ("Backend", "spec.replicas", "1", "2")
