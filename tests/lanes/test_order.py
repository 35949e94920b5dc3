"""The order of lanes: none overtakes another, two run side by side, and some by themselves."""

from .order import beginning


def test_the_first_two_begin_at_once() -> None:
    assert beginning(["lint", "types", "unit"], [], {"unit"}) == 2


def test_a_third_waits_until_one_has_ended() -> None:
    assert beginning(["policies"], ["state", "delivery"], set()) == 0
    assert beginning(["policies", "judges"], ["state"], set()) == 1


def test_one_that_runs_alone_waits_for_all_before_it_and_those_after_it_wait_for_it() -> None:
    assert beginning(["unit", "state"], ["types"], {"unit"}) == 0
    assert beginning(["unit", "state"], [], {"unit"}) == 1
    assert beginning(["state", "delivery"], ["unit"], {"unit"}) == 0
    assert beginning(["state", "delivery"], [], {"unit"}) == 2
