"""The examples of docs/configuration.md: accepted ones are, refused ones are refused by their name."""

import pulumi
import pytest

from components.settings import examples, reference

from . import composed
from .recorder import record_stack

KEYS = list(reference.keys())


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_the_accepted_example_of_every_key_is_accepted(key: reference.Key) -> None:
    composed.parse(examples.sections(key.name, key.accepted))


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_the_refused_example_of_every_key_is_refused_by_its_name(key: reference.Key) -> None:
    with pytest.raises(pulumi.RunError) as error:
        composed.parse(examples.sections(key.name, key.refused))
    name = examples.name_of(f"feastflow:{key.name}")
    assert f"\n\n{name}" in str(error.value), str(error.value)


def test_the_accepted_examples_compose_whichever_stand_together() -> None:
    # Fewer than twenty are composed in place of some two hundred and fifty.
    assert len(composed.stacks()) < 20
    for stack in composed.stacks():
        assert record_stack(stack).all("Deployment")


def test_every_example_of_a_refusal_belongs_to_a_key() -> None:
    used = {f"{owner.__name__}.{key.name.rpartition('.')[2]}" for key in KEYS for owner in key.model.__mro__}
    assert set(examples.REFUSED) - used == set()
