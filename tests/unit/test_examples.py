"""The examples of docs/configuration.md: accepted ones are, refused ones are refused by their name."""

from typing import Any

import pulumi
import pytest

from components.settings import examples, reader, reference

from .recorder import encode, record_stack

KEYS = list(reference.keys())


def prefixed(sections: dict[str, Any]) -> dict[str, object]:
    return {f"feastflow:{name}": content for name, content in sections.items()}


def parse(sections: dict[str, Any]) -> None:
    reader.parse({name: encode(content) for name, content in prefixed(sections).items()})


def is_accepted(sections: dict[str, Any]) -> bool:
    try:
        parse(sections)
    except pulumi.RunError:
        return False
    return True


def together(first: Any, second: Any) -> Any:
    """Return both as one; None where they say different things of the same key."""
    if not isinstance(first, dict) or not isinstance(second, dict):
        return first if first == second else None
    both = {key: together(first[key], second[key]) for key in first.keys() & second.keys()}
    return None if None in both.values() else {**first, **second, **both}


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_the_accepted_example_of_every_key_is_accepted(key: reference.Key) -> None:
    parse(examples.sections(key.name, key.accepted))


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_the_refused_example_of_every_key_is_refused_by_its_name(key: reference.Key) -> None:
    with pytest.raises(pulumi.RunError) as error:
        parse(examples.sections(key.name, key.refused))
    name = examples.name_of(f"feastflow:{key.name}")
    assert f"\n\n{name}" in str(error.value), str(error.value)


def test_the_accepted_examples_compose_whichever_stand_together() -> None:
    stacks: list[dict[str, Any]] = []
    for key in KEYS:
        example = examples.sections(key.name, key.accepted)
        for index, other in enumerate(stacks):
            both = together(other, example)
            if both is not None and is_accepted(both):
                stacks[index] = both
                break
        else:
            stacks.append(example)
    # Fewer than twenty are composed in place of some two hundred and fifty.
    assert len(stacks) < 20
    for stack in stacks:
        assert record_stack(prefixed(stack)).all("Deployment")


def test_every_example_of_a_refusal_belongs_to_a_key() -> None:
    used = {f"{owner.__name__}.{key.name.rpartition('.')[2]}" for key in KEYS for owner in key.model.__mro__}
    assert set(examples.REFUSED) - used == set()
