"""Nodes with a cluster's name that the recorded run did not make: the refusals that keep them as they are."""

from tools.cluster import mark, record, silent
from tools.cluster.engine import Engine
from tools.toolchain.errors import UserError


def must_be_recorded(name: str, carrier: Engine) -> None:
    """Refuse nodes of this name that the recorded run did not make."""
    strangers = mark.others(carrier, name)
    if strangers:
        raise _refused(name, carrier, strangers)


def must_be_of_here(name: str, carrier: Engine) -> None:
    """Refuse nodes of this name that are not known to be made from this state folder."""
    strangers = mark.elsewhere(carrier, name)
    if strangers:
        raise _refused(name, carrier, strangers)


def _refused(name: str, carrier: Engine, strangers: list[str]) -> UserError:
    found = f"there are nodes of a cluster {name} of which {record.home(name)} knows nothing: "
    found += ", ".join(strangers)
    if not mark.elsewhere(carrier, name):
        return UserError(
            found,
            "they were made from here and their record was lost; they may hold data that exists nowhere else",
            f"take another name: make up CLUSTER=…;\nor give up all they hold: {silent.down_command(name)}",
        )
    return UserError(
        found,
        "another state folder may know it, and it may hold data that exists nowhere else",
        "set XDG_STATE_HOME (or HOME) as when it was made; or take another name: make up CLUSTER=…;\n"
        f"or give up all it holds: {mark.removal(carrier, strangers)}",
    )
