"""Cron schedules: what Kubernetes accepts, and the refusal of those that never come due."""

import pytest

from components.settings.values.cron import CronError, check


@pytest.mark.parametrize(
    "text",
    [
        *("* * * * *", "30 3 * * *", "*/5 * * * *", "0 0-6/2 * * *", "5,10,55 1 1 1 *", "0 9-17 * * 1-5"),
        *(
            "0 0 29 2 *",
            "0 0 31 */2 *",
            "0 0 31 4,5 *",
            "0 0 ? * MON-fri",
            "0 0 1 Jan,dec *",
            "10/20 * * * ?",
        ),
        # Either the day or the weekday, and that comes every week.
        "0 0 31 2 1",
        "0 0 30-31 2 */2",
        *("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"),
    ],
)
def test_a_schedule_that_kubernetes_reads_is_left_as_it_is(text: str) -> None:
    assert check(text) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "0 fields"),
        ("* * * *", "4 fields"),
        ("0 30 3 * * *", "6 fields"),
        ("60 * * * *", "60 is no minute"),
        ("* 24 * * *", "24 is no hour"),
        ("* * 0 * *", "0 is no day of a month"),
        ("* * 32 * *", "32 is no day"),
        ("* * * 13 *", "13 is no month"),
        ("* * * 0 *", "0 is no month"),
        ("* * * * 7", "7 is no day of the week"),
        ("* * * * someday", "`someday` is no day of the week"),
        ("* * * mon *", "`mon` is no month"),
        ("-1 * * * *", "`` is no minute"),
        ("1- * * * *", "`` is no minute"),
        ("1,,2 * * * *", "`` is no minute"),
        ("٣ * * * *", "is no minute"),
        ("*/0 * * * *", "`0` is no step"),
        ("*/-1 * * * *", "`-1` is no step"),
        ("*/ * * * *", "`` is no step"),
        ("*/60 * * * *", "names 0 alone"),
        ("0 22-2 * * *", "goes backwards"),
        ("0 0 * * fri-mon", "goes backwards"),
        ("0 0 30 2 *", "day 30 does not exist in feb"),
        ("0 0 31 feb,apr *", "day 31 does not exist in feb, apr"),
        ("0 0 31 4,6,9,11 ?", "day 31 does not exist"),
        ("0 0 30-31 2 1,*", "day 30 does not exist"),
        ("@reboot", "none of"),
        ("@every 5m", "none of"),
        ("TZ=UTC 0 3 * * *", "6 fields"),
    ],
)
def test_a_schedule_that_kubernetes_refuses_or_that_never_comes_is_refused(text: str, why: str) -> None:
    with pytest.raises(CronError) as error:
        check(text)
    assert why in str(error.value)
