"""Values and budgets: quantities, images, digests, names, and the parts of a pod's shutdown."""

import dataclasses
import importlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.settings.values import images, names, quantities
from components.workloads.budget import ShutdownBudget

from .recorder import ROOT


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1", "1"),
        ("250m", "0.25"),
        ("1.5", "1.5"),
        (".5", "0.5"),
        ("100n", "1e-7"),
        ("100u", "1e-4"),
        ("1k", "1000"),
        ("2M", "2e6"),
        ("1Ki", "1024"),
        ("256Mi", str(256 * 2**20)),
        ("2Gi", str(2 * 2**30)),
        ("1Ti", str(2**40)),
        ("1E", "1e18"),
        ("1Ei", str(2**60)),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("5e-3", "0.005"),
    ],
)
def test_a_quantity_is_read_exactly(text: str, amount: str) -> None:
    assert quantities.parse(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "1GB", "-1", "1 Gi", "Mi", "1mi", "1e", "٣", "1\n", "0x10", "1,5"])
def test_what_kubernetes_would_not_read_is_no_quantity(text: str) -> None:
    with pytest.raises(quantities.QuantityError, match="is no Kubernetes quantity"):
        quantities.parse(text)


@given(st.integers(min_value=1, max_value=10**7))
def test_cpu_survives_being_written_and_read(millicores: int) -> None:
    cores = Decimal(millicores) / 1000
    assert quantities.parse(quantities.format_cpu(cores)) == cores


@given(st.integers(min_value=1, max_value=2**52))
def test_bytes_are_never_rounded_down_and_by_less_than_a_mebibyte_up(amount: int) -> None:
    written = quantities.parse(quantities.format_bytes(Decimal(amount)))
    assert 0 <= written - amount < 2**20


@pytest.mark.parametrize(
    ("reference", "version"),
    [
        ("app:1.2.3", "1.2.3"),
        ("registry.example.com:5000/team/app:v1", "v1"),
        ("app@sha256:" + "ab" * 32, "abababababab"),
        ("app:1.2.3@sha256:" + "ab" * 32, "1.2.3"),
        ("app:latest@sha256:" + "ab" * 32, "latest"),
        ("app:" + "x" * 70, "x" * 63),
        ("app:1.0-_.", "1.0"),
    ],
)
def test_an_image_names_its_version(reference: str, version: str) -> None:
    assert images.version(images.check(reference)) == version


@pytest.mark.parametrize(
    "reference", ["app", "app:latest", "registry.example.com:5000/app", "team/app:latest"]
)
def test_an_image_without_a_version_is_refused_with_one_that_has_it(reference: str) -> None:
    with pytest.raises(images.ImageError, match="no earlier version could be restored") as error:
        images.check(reference)
    assert images.check(error.value.fix) == error.value.fix


@pytest.mark.parametrize(
    "reference", ["", "App:1", "app:1:2", "app:", "http://app:1", "app:1 ", "app@sha256:ab"]
)
def test_what_no_node_could_pull_is_no_image(reference: str) -> None:
    with pytest.raises(images.ImageError, match="no image reference"):
        images.check(reference)


def test_equal_content_has_equal_digests_whatever_the_order() -> None:
    assert names.digest({"a": "1", "b": "2"}) == names.digest({"b": "2", "a": "1"}) == "21f76dfbfe"
    assert names.keyed_digest("k", {"a": "1", "b": "2"}) == names.keyed_digest("k", {"b": "2", "a": "1"})


values = st.dictionaries(st.text('ab":,{} é', max_size=4), st.text('ab":,{} é', max_size=4), max_size=3)


@given(values, values)
def test_other_content_has_another_digest(one: dict[str, str], other: dict[str, str]) -> None:
    assert (names.digest(one) == names.digest(other)) == (one == other)


def test_a_keyed_digest_tells_nothing_without_its_key() -> None:
    content = {"password": "guess"}
    assert names.keyed_digest("k", content) not in (names.digest(content), names.keyed_digest("l", content))


@given(*(st.integers(min_value=0, max_value=600) for _ in range(4)))
def test_every_part_of_a_pods_end_fits_into_its_grace(
    removal: int, drain: int, margin: int, idle: int
) -> None:
    budget = ShutdownBudget(endpoint_removal=removal, drain=drain, margin=margin, proxy_idle=idle)
    assert budget.pre_stop + drain <= budget.grace
    assert budget.grace == removal + drain + margin
    assert budget.keep_alive_milliseconds > idle * 1000


def test_a_selector_never_changes_with_the_version() -> None:
    one = names.Identity(name="n", component="c", instance="i", version="1")
    two = names.Identity(name="n", component="c", instance="i", version="2")
    assert one.selector == two.selector
    assert one.selector.items() <= one.labels.items()
    assert one.labels["component"] == one.labels["app.kubernetes.io/component"] == "c"
    assert one.labels == two.labels
    assert one.pod_labels == {**one.labels, "app.kubernetes.io/version": "1"}
    assert names.Identity(name="n", component="c", instance="i").pod_labels == one.labels


def test_what_components_are_given_cannot_be_changed_or_confused() -> None:
    seen = 0
    model = ROOT / "components" / "settings" / "model"
    for path in sorted(set((ROOT / "components").rglob("*.py")) - set(model.rglob("*.py"))):
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for kind in vars(module).values():
            if (
                dataclasses.is_dataclass(kind)
                and isinstance(kind, type)
                and kind.__module__ == module.__name__
            ):
                seen += 1
                assert kind.__dataclass_params__.frozen, kind  # type: ignore[attr-defined]
                assert all(entry.kw_only for entry in dataclasses.fields(kind)), kind
    assert seen > 15
