"""The prod stack: what holds data is protected, and stays protected.

kwok says of its database what the operator would; the database itself is a matter of a real cluster.
"""

import json

import pytest

from ..documented import documented
from ..harness.figures import Figures
from ..harness.kube import name_of
from ..harness.refusals import assert_refused
from .teams import Office, Team


@pytest.fixture(scope="module")
def prod(office: Office) -> Team:
    """Return the prod stack, deployed."""
    team = office.team("prod", like="prod")
    team.product.done("up")
    return team


def test_data_that_is_protected_is_not_destroyed_and_neither_is_anything_else(prod: Team) -> None:
    kinds = "namespaces,deployments,services,ingresses,secrets,clusters.postgresql.cnpg.io"
    before = {name_of(each): each["metadata"]["uid"] for each in prod.kube.all(kinds)}
    assert_refused(prod.product.local("destroy"), found="protected", fix="run it again")
    after = {name_of(each): each for each in prod.kube.all(kinds)}
    assert {name: each["metadata"]["uid"] for name, each in after.items()} == before
    assert [name for name, each in after.items() if "deletionTimestamp" in each["metadata"]] == []


@pytest.mark.slow
def test_what_is_protected_can_be_unprotected_and_the_next_up_protects_it_again(prod: Team) -> None:
    def protected() -> set[str]:
        exported = json.loads(prod.product.shell("pulumi stack export --stack prod").out)
        return {each["urn"] for each in exported["deployment"]["resources"] if each.get("protect")}

    before = protected()
    urn = next(each for each in before if each.endswith("namespace"))
    unprotect = documented("pulumi state unprotect <urn>", {"<urn>": f"--stack prod --yes '{urn}'"})
    prod.product.shell(unprotect)
    assert protected() == before - {urn}
    prod.product.done("up")
    assert protected() == before


def test_prod_has_no_drift_after_an_up_and_a_look_is_measured_against_a_preview(
    prod: Team, figures: Figures
) -> None:
    looked = prod.product.local("drift")
    previewed = prod.product.done("preview")

    assert looked.code == 0, looked.out + looked.err
    figures.seconds("make drift of prod", looked.seconds, "5 s")
    figures.text("against its preview", f"{looked.seconds / previewed.seconds:.2f} times as long", "1.5")
