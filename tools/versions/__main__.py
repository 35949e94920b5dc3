"""`make versions`: the table, and docs/versions.md; ASK=yes and AUDIT=yes ask the registries first."""

import datetime as dt
import os

from tools.toolchain import console
from tools.toolchain.console import Step
from tools.versions import audits, page, pinned, served, support, table


def main() -> None:
    """Print the table of today, and write the page of the day on which it was asked."""
    today = dt.datetime.now(tz=dt.UTC).date()
    components = pinned.components()
    if os.environ.get("ASK") == "yes":
        with Step("versions", "asking the registries for the newest") as step:
            served.save(served.ask(components, today, step.note))
    if os.environ.get("AUDIT") == "yes":
        with Step("versions", "asking for known vulnerabilities") as step:
            found = {}
            for lock in pinned.LOCKS:
                step.note(lock)
                found[lock] = audits.audit(lock, today)
            audits.save(found)
    said, known, audited = served.load(), support.load(), audits.load()
    for line in table.lines(table.rows(components, said, known, today), audited, said.asked):
        console.say(line)
    if page.write(page.text(table.rows(components, said, known, said.asked), audited, said.asked)):
        console.say(f"written: {page.shown(page.FILE)}")


if __name__ == "__main__":
    console.run(main)
