"""New passwords by one setting, while customers keep ordering."""

import http.client
import json
import re
from collections.abc import Iterator

import pytest
import yaml

from ..harness.figures import Figures
from ..harness.kube import Kube
from ..harness.product import Product
from ..harness.running import Ran
from ..harness.site import Site, Watch, watched
from ..harness.waiting import until


@pytest.fixture(scope="module")
def secrets(kube: Kube) -> dict[str, str]:
    """Return the secrets of the backend's pods before the rotation."""
    return _given(kube)


@pytest.fixture(scope="module")
def rotated(
    product: Product,
    kube: Kube,
    site: Site,
    secrets: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Ran, Watch]]:
    """Run `make up` after `feastflow:rotation` was raised, and watch meanwhile; the way back follows."""
    assert secrets
    until(lambda: site.answers() and kube.complete(), what="the whole site", within=180)
    clone = product.cloned(tmp_path_factory.mktemp("rotation") / "clone")
    path = clone.root / "Pulumi.dev.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["config"]["feastflow:rotation"] = 2
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with watched(site) as watch:
        ran = clone.local("up")
    if ran.code != 0:
        pytest.fail(str(ran), pytrace=False)
    yield ran, watch
    product.done("up")


def test_no_request_fails_for_a_rotation(rotated: tuple[Ran, Watch], figures: Figures) -> None:
    ran, watch = rotated
    figures.seconds("rotation of both secrets", ran.seconds)
    figures.text("  meanwhile, through the edge", str(watch), "0 failed")
    assert watch.answered > 100
    assert watch.failures == []


def test_the_pods_have_new_secrets_and_they_work(
    kube: Kube, site: Site, secrets: dict[str, str], rotated: tuple[Ran, Watch]
) -> None:
    assert rotated
    now = _given(kube)
    changed = {name for name, value in now.items() if value != secrets[name]}
    assert {"DB_PASSWORD", "DB_USER", "JWT_SECRET"} <= changed
    assert site.ask("/api/status").status == http.client.OK


def test_the_login_that_was_replaced_is_locked_and_the_other_one_works(
    kube: Kube, rotated: tuple[Ran, Watch]
) -> None:
    assert rotated
    logins = (
        "SELECT rolname, rolcanlogin, rolpassword IS NULL FROM pg_authid WHERE rolname ~ '_[ab]$' ORDER BY 1"
    )
    assert kube.sql(logins) == [["feastflow_a", "f", "t"], ["feastflow_b", "t", "f"]]
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    assert kube.sql(owners) == [["feastflow"]]


def test_no_session_of_the_old_login_is_left(kube: Kube, rotated: tuple[Ran, Watch]) -> None:
    assert rotated
    assert kube.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'feastflow_a'") == [["0"]]
    encrypted = "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename ~ '_b$'"
    assert kube.sql(encrypted) == [["t"]]


def test_only_what_needs_the_secrets_was_changed(rotated: tuple[Ran, Watch]) -> None:
    ran, _ = rotated
    (updated,) = re.findall(r"(\d+) updated", ran.out)
    assert int(updated) <= 3, ran


def _given(kube: Kube) -> dict[str, str]:
    (pod, *_) = kube.ready("backend")
    script = "import json, os; print(json.dumps(dict(os.environ)))"
    found: dict[str, str] = json.loads(
        kube.run("exec", pod, "--container", "backend", "--", "python3", "-c", script)
    )
    return found
