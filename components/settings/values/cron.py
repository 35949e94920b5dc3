"""A schedule as Kubernetes reads it, and whether it names any moment at all.

The CronJob controller uses https://pkg.go.dev/github.com/robfig/cron/v3#ParseStandard: five fields, or a word
such as `@daily`. Pure: no clock.
"""

import calendar
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

_WORDS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_MONTHS = tuple(name.lower() for name in calendar.month_abbr if name)
# 0 is Sunday, and there is no 7.
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# February has 29 days in some years, and a job of that day runs in those.
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class CronError(ValueError):
    """A schedule that Kubernetes would refuse, or that names no moment; the text says why."""


@dataclass(frozen=True, kw_only=True)
class _Field:
    """One field: what it counts, from where to where, and the words for its numbers, from `low` on."""

    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        """Return the number that a digit or a word stands for."""
        if text.lower() in self.words:
            return self.low + self.words.index(text.lower())
        if not (text.isascii() and text.isdigit()):
            raise CronError(f"`{text}` is no {self.name}")
        value = int(text)
        if not self.low <= value <= self.high:
            raise CronError(f"{value} is no {self.name}: they go from {self.low} to {self.high}")
        return value

    def values(self, text: str) -> set[int]:
        """Return every number that the field allows."""
        found: set[int] = set()
        for part in text.split(","):
            found |= self._part(part)
        return found

    def _part(self, part: str) -> set[int]:
        span, slash, step_text = part.partition("/")
        first_text, dash, last_text = span.partition("-")
        if span in ("*", "?"):
            first, last = self.low, self.high
        else:
            first = self.number(first_text)
            last = self.number(last_text) if dash else (self.high if slash else first)
        if first > last:
            raise CronError(f"`{span}` goes backwards; write it as two ranges with a comma between")
        if not slash:
            return set(range(first, last + 1))
        if not (step_text.isascii() and step_text.isdigit()) or int(step_text) == 0:
            raise CronError(f"`{step_text}` is no step of {self.name}s")
        if int(step_text) > last - first:
            raise CronError(
                f"`{part}` names {first} alone, since a step of {step_text} leads out of {first} to {last}"
            )
        return set(range(first, last + 1, int(step_text)))


_MINUTE = _Field(name="minute", low=0, high=59)
_HOUR = _Field(name="hour", low=0, high=23)
_DAY = _Field(name="day of a month", low=1, high=31)
_MONTH = _Field(name="month", low=1, high=12, words=_MONTHS)
_WEEKDAY = _Field(name="day of the week", low=0, high=6, words=_WEEKDAYS)
_FIELDS = (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)


def check(text: str) -> str:
    """Return the schedule unchanged.

    Raises:
        CronError: when Kubernetes would refuse it, or when it names no moment.
    """
    if text.startswith("@"):
        if text not in _WORDS:
            raise CronError(f"`{text}` is none of {', '.join(_WORDS)}")
        return text
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise CronError(f"it has {len(parts)} fields instead of 5: minute, hour, day, month, weekday")
    values = [field.values(part) for field, part in zip(_FIELDS, parts, strict=True)]
    _day_exists(parts, values)
    return text


def days(text: str) -> Callable[[dt.date], bool]:
    """Return what says of a day whether a schedule has a moment on it: five fields that `check` accepts."""
    parts = text.split()
    dates, months, weekdays = (field.values(part) for field, part in zip(_FIELDS[2:], parts[2:], strict=True))
    # As `_day_exists`: with both given, either is enough.
    enough = all if _is_any(parts[2]) or _is_any(parts[4]) else any

    def runs(day: dt.date) -> bool:
        return day.month in months and enough((day.day in dates, (day.weekday() + 1) % 7 in weekdays))

    return runs


def _is_any(field: str) -> bool:
    return any(part in ("*", "?", "*/1", "?/1") for part in field.split(","))


def _day_exists(parts: list[str], values: list[set[int]]) -> None:
    """Refuse a day that none of its months has, unless a weekday names moments as well."""
    _, _, days, months, _ = values
    # With both of day and weekday given, either is enough; `*/2` counts as given.
    if _is_any(parts[4]) and all(min(days) > _LONGEST[month - 1] for month in months):
        named = ", ".join(_MONTHS[month - 1] for month in sorted(months))
        raise CronError(f"day {min(days)} does not exist in {named}, so it would never run")
