"""CPU, memory and storage: what can be meant is accepted, and what cannot is answered with what was meant."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.settings.values import amounts, quantities

from .test_settings import parse, refusal

JOB = {"schedule": "@daily", "command": ["report"]}


def nested(path: str, value: object) -> dict[str, Any]:
    """Return the sections that have the value at a path of dots, where `[]` is a list's first."""
    *above, last = path.split(".")
    found: Any = {last: value}
    for part in reversed(above):
        found = {part.removesuffix("[]"): [found] if part.endswith("[]") else found}
    return dict(found)


# Every setting that takes an amount, by what it takes.
CPUS = [
    f"{tier}.resources.{kind}.cpu"
    for tier in ("backend", "frontend", "database")
    for kind in ("requests", "limits")
]
MEMORIES = [path.replace(".cpu", ".memory") for path in CPUS]
SIZES = [f"{tier}.writable[].size" for tier in ("backend", "frontend")]


def told(path: str, value: object) -> str:
    sections = nested(path, value)
    for tier in ("backend", "frontend"):
        for entry in sections.get(tier, {}).get("writable", []):
            entry["path"] = "/tmp"
    return refusal(**sections)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("512m", "512Mi"), ("512", "512Mi"), (512, "512Mi"), ("512k", "512Mi"), ("512u", "512Mi"), ("2", "2Gi")],
)
@pytest.mark.parametrize("path", MEMORIES)
def test_memory_of_less_than_a_mebibyte_is_answered_with_its_unit(
    path: str, written: object, meant: str
) -> None:
    said = told(path, written)
    assert f"\nfeastflow:{path}\n" in said
    assert f"did you mean {meant}?" in said
    assert f"pulumi config set --path feastflow:{path} {meant}" in said


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("512mb", "512Mi"),
        ("512MiB", "512Mi"),
        ("1 Gi", "1Gi"),
        ("4g", "4Gi"),
        ("512Ti", "512Mi"),
        (0.5, "0.5Gi"),
    ],
)
@pytest.mark.parametrize("path", MEMORIES)
def test_memory_in_a_unit_that_kubernetes_has_not_is_answered_with_one_that_it_has(
    path: str, written: object, meant: str
) -> None:
    assert f"did you mean {meant}?" in told(path, written)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("256Mi", "256m"),
        ("1Gi", "1"),
        ("500M", "500m"),
        ("250", "250m"),
        (500, "500m"),
        ("100n", "100m"),
        ("0.5m", "500m"),
        ("500mcpu", "500m"),
        ("2 cores", "2"),
    ],
)
@pytest.mark.parametrize("path", CPUS)
def test_cpu_in_bytes_or_in_hundreds_of_cores_is_answered_with_thousandths(
    path: str, written: object, meant: str
) -> None:
    said = told(path, written)
    assert f"did you mean {meant}?" in said
    assert f"feastflow:{path} {meant}" in said


@pytest.mark.parametrize(
    ("written", "meant"), [(10, "10Gi"), ("10", "10Gi"), ("10m", "10Gi"), ("20Mi", "20Gi"), ("2GB", "2Gi")]
)
def test_storage_that_holds_no_postgresql_is_answered_with_its_unit(written: object, meant: str) -> None:
    said = told("database.storage", written)
    assert f"did you mean {meant}?" in said
    assert f"feastflow:database.storage {meant}" in said


@pytest.mark.parametrize("path", SIZES)
@pytest.mark.parametrize(
    ("written", "meant"), [(64, "64Mi"), ("64m", "64Mi"), ("64mb", "64Mi"), ("2Pi", "2Mi")]
)
def test_the_size_of_a_directory_is_answered_with_its_unit(path: str, written: object, meant: str) -> None:
    assert f"did you mean {meant}?" in told(path, written)


@pytest.mark.parametrize("path", ["backend.resources", "frontend.resources", "database.resources"])
def test_a_limit_with_which_nothing_starts_is_refused(path: str) -> None:
    for kind, little in (("memory", "20Mi"), ("memory", "1Mi"), ("cpu", "5m"), ("cpu", "1m")):
        size = {"requests": {kind: little}, "limits": {kind: little}}
        said = told(path, size)
        assert f"\nfeastflow:{path}.limits.{kind}\n" in said
        assert "did you mean 256M" in said or "did you mean 250m" in said


@pytest.mark.parametrize("kind", ["requests", "limits"])
@pytest.mark.parametrize(("amount", "meant"), [({"memory": "64m"}, "64Mi"), ({"cpu": "100Mi"}, "100m")])
def test_a_jobs_own_size_is_read_like_its_tiers(kind: str, amount: dict[str, str], meant: str) -> None:
    size: dict[str, Any] = {
        "requests": {"cpu": "10m", "memory": "16Mi"},
        "limits": {"cpu": "100m", "memory": "64Mi"},
    }
    size[kind] = {**size[kind], **amount}
    said = refusal(backend={"jobs": {"report": {**JOB, "resources": size}}})
    assert f"feastflow:backend.jobs.report.resources.{kind}." in said
    assert f"did you mean {meant}?" in said


@pytest.mark.parametrize("written", ["1.1Gi", "1e9", "536870912", 536870912, "0.5Gi", "300M", "524288Ki"])
def test_every_way_to_write_an_amount_of_memory_is_accepted(written: object) -> None:
    parse(backend={"resources": {"requests": {"memory": "64Mi"}, "limits": {"memory": written}}})


@pytest.mark.parametrize("written", [1, 0.5, "1.5", "250m", "1e0", "0.25", "100e-3", "8"])
def test_every_way_to_write_an_amount_of_cpu_is_accepted(written: object) -> None:
    parse(backend={"resources": {"requests": {"cpu": "50m"}, "limits": {"cpu": written}}})


numbers = st.decimals("0.001", "9999", places=3).map(lambda number: f"{number.normalize():f}")
suffixes = st.sampled_from(
    ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
)


@given(numbers, suffixes, st.sampled_from([amounts.MEMORY, amounts.STORAGE, amounts.DIRECTORY]))
def test_what_is_accepted_lies_between_floor_and_ceiling_and_so_does_what_is_offered(
    number: str, suffix: str, use: amounts.Use
) -> None:
    least, most = quantities.parse(use.least), quantities.parse(use.most)
    try:
        accepted = amounts.bytes_for(number + suffix, use)
    except amounts.AmountError as error:
        accepted = amounts.bytes_for(error.instead, use)
    assert least <= quantities.parse(accepted) <= most


@given(numbers, suffixes)
def test_cpu_that_is_accepted_is_whole_thousandths_and_so_is_what_is_offered(
    number: str, suffix: str
) -> None:
    try:
        accepted = amounts.cpu(number + suffix)
    except amounts.AmountError as error:
        accepted = amounts.cpu(error.instead)
    cores = quantities.parse(accepted)
    assert Decimal("0.001") <= cores <= 128
    assert cores * 1000 % 1 == 0
