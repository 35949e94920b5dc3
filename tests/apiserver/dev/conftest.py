"""The dev stack, deployed once to a context of the user's; what is tested here leaves it as it was."""

import pytest

from ...documented import documented
from ...harness.figures import Figures
from ...harness.kube import Kube
from ...harness.running import Ran
from ...harness.waiting import until
from ..teams import Office, Team


@pytest.fixture(scope="session")
def dev(office: Office) -> Team:
    """Return the dev stack, before anything is deployed."""
    return office.team("dev")


@pytest.fixture(scope="session")
def deployed(dev: Team, figures: Figures) -> Ran:
    """Return the dev stack deployed as the README says, with every pod that its autoscalers want."""
    command = documented(
        "make up CONTEXT=my-context BACKEND_IMAGE=registry.example.com/api:1.4.2"
        " FRONTEND_IMAGE=registry.example.com/page:1.4.2",
        {"my-context": dev.product.variables["CONTEXT"]},
    )
    ran = dev.product.typed(command)
    figures.seconds("first up without nodes", ran.seconds)
    until(dev.kube.complete, what="as many pods as the autoscaler wants", within=300)
    return ran


@pytest.fixture(scope="session")
def kube(dev: Team, deployed: Ran) -> Kube:
    """Return the namespace of the deployed dev stack."""
    assert deployed.code == 0
    return dev.kube
