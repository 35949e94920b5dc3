"""Certificates of parts that serve an API: for their own name, renewed in time, and by no other key."""

import datetime as dt
from dataclasses import replace

import pytest

from tools.observe.certificate import Certificate

_HOST = "adapter.observability.svc"
_NOW = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def issued() -> Certificate:
    return Certificate.issue(_HOST, _NOW)


def test_a_certificate_serves_its_own_host_for_most_of_a_year(issued: Certificate) -> None:
    assert issued.serves(_HOST, _NOW)
    assert issued.serves(_HOST, _NOW + dt.timedelta(days=300))
    assert not issued.serves("metrics.observability.svc", _NOW)


def test_it_is_renewed_before_it_ends(issued: Certificate) -> None:
    assert not issued.serves(_HOST, _NOW + dt.timedelta(days=310))


def test_what_is_no_pair_or_cannot_be_read_is_replaced(issued: Certificate) -> None:
    other = Certificate.issue(_HOST, _NOW)

    assert not replace(issued, key=other.key).serves(_HOST, _NOW)
    assert not replace(issued, certificate="-----BEGIN").serves(_HOST, _NOW)
    assert not replace(issued, key="").serves(_HOST, _NOW)
