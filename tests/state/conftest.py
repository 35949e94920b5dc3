"""A fake cloud, a deployed stack, and the count of faults tried on its state and of states lost."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tools.stacks import workspace
from tools.state import store
from tools.state.address import Address
from tools.toolchain import pulumi
from tools.toolchain.console import Step
from tools.toolchain.pulumi import Pulumi

from . import cloud, contents
from .cloud import Cloud
from .contents import Contents
from .parcel import IDENTITY, PROJECT, STACK, Parcel

_HERE = Path(__file__).parent
_UNSET = (
    *("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"),
    *("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"),
)


@dataclass(kw_only=True)
class Faults:
    """Faults that were tried, and those after which the state was lost."""

    tried: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @contextmanager
    def tries(self, name: str) -> Iterator[None]:
        """Try a fault; unless the block proves that nothing was lost by it, the state counts as lost."""
        self.tried.append(name)
        try:
            yield
        except BaseException:
            self.lost.append(name)
            raise


_FAULTS = pytest.StashKey[Faults]()


def pytest_configure(config: pytest.Config) -> None:
    """Have room for what is counted."""
    config.stash[_FAULTS] = Faults()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was counted."""
    faults = config.stash[_FAULTS]
    if faults.tried:
        terminalreporter.section("state")
        terminalreporter.write_line(f"faults tried {len(faults.tried)}, state lost {len(faults.lost)}")
        for name in faults.lost:
            terminalreporter.write_line(f"  lost: {name}")


@pytest.fixture(scope="session")
def faults(pytestconfig: pytest.Config) -> Faults:
    """Return the session's count of faults."""
    return pytestconfig.stash[_FAULTS]


def _of_tests(patch: pytest.MonkeyPatch) -> None:
    for name in _UNSET:
        patch.delenv(name, raising=False)
    patch.setenv("AWS_ACCESS_KEY_ID", "of-tests")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "of-tests")
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the machine's AWS account, if it has one."""
    _of_tests(monkeypatch)


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Run a fake AWS."""
    with cloud.running(tmp_path_factory.mktemp("cloud") / "moto.log") as made:
        yield made


@pytest.fixture
def bucket(request: pytest.FixtureRequest) -> str:
    """Return a bucket's name that no other test has."""
    return f"parcel-{abs(hash(request.node.nodeid)) % 10**9}"


@dataclass(frozen=True, kw_only=True)
class _Deployed:
    """A machine on which the stack was deployed: its state folder, to be copied."""

    home: Path
    checkout: Path
    cli: Pulumi


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> _Deployed:
    """Return the stack, deployed once, with a secret among its settings."""
    checkout = tmp_path_factory.mktemp("checkout") / "parcel"
    shutil.copytree(_HERE / "program", checkout, ignore=shutil.ignore_patterns("__pycache__"))
    (checkout / ".venv").symlink_to(sys.prefix)
    base = tmp_path_factory.mktemp("machine")
    with pytest.MonkeyPatch.context() as patch:
        _of_tests(patch)
        patch.setenv("XDG_STATE_HOME", str(base))
        patch.setattr(workspace, "_ROOT", checkout)
        with Step("toolchain", "looking for pulumi") as step:
            cli = pulumi.ensure(Path(sys.prefix), step)
        parcel = Parcel(home=base / "feastflow", cli=cli)
        workspace.of(IDENTITY, STACK).write(STACK, {})
        assert parcel.pulumi("stack", "init", STACK, "--secrets-provider", "passphrase").code == 0
        secret = ("config", "set", "--secret", f"{PROJECT}:token", "very-secret", "--stack", STACK)
        assert parcel.pulumi(*secret).code == 0
        ran = parcel.up()
        assert ran.code == 0, ran.text
    return _Deployed(home=parcel.home, checkout=checkout, cli=cli)


@pytest.fixture
def parcel(deployed: _Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parcel:
    """Return the deployed stack on a machine of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(workspace, "_ROOT", deployed.checkout)
    home = tmp_path / "feastflow"
    shutil.copytree(deployed.home, home, symlinks=True)
    return Parcel(home=home, cli=deployed.cli)


@dataclass(frozen=True, kw_only=True)
class _Carried:
    """The deployed stack on S3: the machine's state folder to be copied, and what the bucket holds.

    A move writes down where the machine's own files were, so that copies live in one place, `base`.
    """

    base: Path
    kept: Path
    address: Address
    contents: Contents


@pytest.fixture(scope="session")
def carried(aws: Cloud, deployed: _Deployed, tmp_path_factory: pytest.TempPathFactory) -> _Carried:
    """Return the stack, moved to S3 once for all tests that begin with it there."""
    base, kept = tmp_path_factory.mktemp("mover"), tmp_path_factory.mktemp("kept") / "feastflow"
    address = aws.address("parcel-carried")
    with pytest.MonkeyPatch.context() as patch:
        _of_tests(patch)
        patch.setenv("XDG_STATE_HOME", str(base))
        patch.setattr(workspace, "_ROOT", deployed.checkout)
        shutil.copytree(deployed.home, base / "feastflow", symlinks=True)
        Parcel(home=base / "feastflow", cli=deployed.cli).move(address)
        shutil.copytree(base / "feastflow", kept, symlinks=True)
        held = contents.of(store.clients(address), address.bucket)
    return _Carried(base=base, kept=kept, address=address, contents=held)


@pytest.fixture
def on_s3(deployed: _Deployed, carried: _Carried, monkeypatch: pytest.MonkeyPatch) -> Parcel:
    """Return the stack on S3, in `address`, as it was right after it had been moved there."""
    monkeypatch.setenv("XDG_STATE_HOME", str(carried.base))
    monkeypatch.setattr(workspace, "_ROOT", deployed.checkout)
    home = carried.base / "feastflow"
    shutil.rmtree(home)
    shutil.copytree(carried.kept, home, symlinks=True)
    carried.contents.put_back(store.clients(carried.address))
    return Parcel(home=home, cli=deployed.cli)


@pytest.fixture
def address(carried: _Carried) -> Address:
    """Return the address of the state of `on_s3`."""
    return carried.address


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Return a file that closes the program's gate while it is there."""
    return tmp_path / f"gate-{os.getpid()}"
