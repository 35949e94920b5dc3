"""Stack files by the real CLI: the project's reader and the engine read each alike."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from components.settings.file import stackfile
from tools.toolchain import process
from tools.toolchain.pulumi import Pulumi

from .. import awkward

Read = Callable[[str | bytes], dict[str, Any]]


@pytest.fixture(scope="module")
def engine(cli: Pulumi, tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Return a function that reads a file by the CLI: the texts that it hands to the program, by key."""
    folder = tmp_path_factory.mktemp("stackfiles")
    (folder / "state").mkdir()
    (folder / "Pulumi.yaml").write_text("name: feastflow\nruntime: python\n", encoding="utf-8")
    environment = {
        **cli.environment,
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "of no secret",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    command = [str(cli.executable), "-C", str(folder)]
    process.output([*command, "stack", "init", "dev"], env=environment)

    def read(content: str | bytes) -> dict[str, Any]:
        file = folder / "Pulumi.of-a-test.yaml"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        said = process.output(
            [*command, "config", "--json", "--stack", "dev", "--config-file", str(file)], env=environment
        )
        return {key: each["value"] for key, each in json.loads(said).items()}

    return read


def texts(config: dict[str, Any]) -> dict[str, Any]:
    """Return the settings as JSON, from what is a text to the engine or to us."""
    return {key: json.dumps(value, sort_keys=True) for key, value in config.items()}


def decoded(found: dict[str, str], config: dict[str, Any]) -> dict[str, Any]:
    """Return the engine's values, read as the settings are: a text where one is expected, else JSON."""
    return {
        key: text if isinstance(config.get(key), str) else json.loads(text) for key, text in found.items()
    }


SCALARS = {"kept": awkward.environment(awkward.KEPT), "altered": awkward.environment(awkward.ALTERED)}


@pytest.mark.parametrize("name", [*awkward.READ, *SCALARS])
def test_the_engine_reads_a_file_as_we_do_and_what_we_write_of_it_too(engine: Read, name: str) -> None:
    content, config = awkward.READ.get(name) or SCALARS[name]
    assert texts(decoded(engine(content), config)) == texts(config)
    assert texts(stackfile.read(content).config) == texts(config)
    assert texts(decoded(engine(stackfile.write({"config": config})), config)) == texts(config)


@pytest.mark.parametrize("name", awkward.REFUSED)
def test_the_engine_refuses_what_we_refuse(engine: Read, name: str) -> None:
    with pytest.raises(process.CommandError):
        engine(awkward.REFUSED[name])
    with pytest.raises(stackfile.StackFileError):
        stackfile.read(awkward.REFUSED[name])
