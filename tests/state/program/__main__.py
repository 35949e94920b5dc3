"""A password, a gate, and a name: while the gate is closed, the update is in its middle."""

import asyncio
import os
from pathlib import Path

import pulumi
import pulumi_random as random

config = pulumi.Config()
gate = Path(os.environ.get("PARCEL_GATE") or "/nonexistent")


async def _through(value: str) -> str:
    if gate.exists():  # noqa: ASYNC240 - the gate is a file of the test
        gate.with_suffix(".reached").touch()
    while gate.exists():  # noqa: ASYNC110, ASYNC240 - the gate is a file of the test
        await asyncio.sleep(0.05)
    return value


password = random.RandomPassword("password", length=config.require_int("length"))
passed: pulumi.Output[str] = pulumi.Output.all(password.id).apply(lambda ids: _through(ids[0]))
name = random.RandomPet("name", length=2, prefix=passed, keepers={"tag": os.environ.get("PARCEL_TAG", "")})
pulumi.export("password", password.result)
pulumi.export("name", name.id)
pulumi.export("setting", config.get_secret("token"))
