"""Background work: its result is waited for, its progress shown, its failure told at once."""

import threading

import pytest

from tools.toolchain.background import Task
from tools.toolchain.console import Step

from .fakes import Heard


def test_the_result_of_work_in_the_background_is_waited_for_and_its_progress_shown() -> None:
    seen = threading.Event()

    class Watched(Heard):
        def note(self, text: str) -> None:
            super().note(text)
            if text == "half":
                seen.set()

    watched = Watched()

    def work(quiet: Step) -> int:
        quiet.note("half")
        assert seen.wait(10)
        return 7

    assert Task(work).wait(watched) == 7
    assert "half" in watched.notes


def test_a_failure_in_the_background_is_raised_where_the_result_is_waited_for(step: Heard) -> None:
    def fail(_: Step) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        Task(fail).wait(step)


def test_a_failure_is_told_by_whichever_wait_comes_first(step: Heard) -> None:
    never = threading.Event()

    def fail(_: Step) -> None:
        raise ValueError("broken")

    failing = Task(fail)
    with pytest.raises(ValueError, match="broken"):
        Task(lambda _: never.wait(10)).wait(step)
    never.set()
    with pytest.raises(ValueError, match="broken"):
        failing.wait(step)


def test_a_failure_that_was_told_is_not_told_again_by_other_work(step: Heard) -> None:
    def fail(_: Step) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        Task(fail).wait(step)
    assert Task(lambda _: 1).wait(step) == 1
