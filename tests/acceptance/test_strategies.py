"""Release strategies by `make up` alone: a good version costs no request, a bad one never gets all.

Each test releases from what serves when it begins to the other one of two images, so that none has to wait
until all is as it was; only what a failed version left is removed before the next one.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml

from ..harness.figures import Figures
from ..harness.kube import Kube, Object, name_of
from ..harness.product import Product
from ..harness.refusals import assert_refused
from ..harness.releases import Releases, asked, seen
from ..harness.running import Ran
from ..harness.site import Site
from ..harness.waiting import until

_NEXT = "next"
_TIERS = ["feastflow-backend", "feastflow-frontend"]
# The listener's port is that of Traefik's own entry point, which the node's port 80 leads to.
_GATEWAY: dict[str, Object] = {
    "edge": {"mode": "gateway", "listenerPort": 8000},
    "levels": {"gateway-tls": {"level": "disabled", "reason": "of a test"}},
}
_RECREATE = {
    "rule": "rollout-strategy",
    "resource": "Deployment/feastflow-backend",
    "reason": "a test of what it costs",
    "expires": (dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=90)).isoformat(),
}
_PATIENT, _IMPATIENT = 120, 20
# It handles SIGTERM, or its deletion would wait for the whole grace period.
_HANG = "process.on('SIGTERM', () => process.exit()); setInterval(() => {}, 1000)"
_HANGS = {"command": ["node", "-e", _HANG]}
_TOO_LARGE = {"resources": {each: {"cpu": "64", "memory": "1Gi"} for each in ("requests", "limits")}}
# Ready by every probe, and useless; an application may have no such path, so `up` cannot detect it.
_SICK = """import http.server, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
class Sick(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path in ("/api/health", "/api/ready") else 404)
        self.end_headers()
http.server.ThreadingHTTPServer(("", 5000), Sick).serve_forever()
"""
_SICK_ANSWER = "/api/status 404"


def crashing(words: str) -> Object:
    """Return a version of the backend that says this and ends."""
    return {"command": ["python3", "-c", f"raise SystemExit({words!r})"]}


def released(strategy: str, *, patience: int = _PATIENT, **release: object) -> Object:
    """Return a tier's release."""
    return {"release": {"strategy": strategy, "timeoutSeconds": patience, **release}}


def with_canary(version: Object, weight: int, *, patience: int = _PATIENT) -> Object:
    """Return a tier of which a part of the requests goes to another version."""
    return released("canary", patience=patience, canary={**version, "weight": weight})


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image of the backend, and what it calls itself."""

    image: str

    @property
    def version(self) -> str:
        """Its tag."""
        return self.image.rpartition(":")[2]


@pytest.fixture(scope="module")
def images(product: Product, kube: Kube) -> list[Image]:
    """Return two images on every node: that of the checkout, and one that calls itself another version."""
    product.done("up")
    own = Image(image=_image(kube))
    tagged = Image(image=f"{own.image.rpartition(':')[0]}:{_NEXT}")
    for node in product.nodes():
        tag = ("ctr", "--namespace", "k8s.io", "images", "tag", "--force", own.image, tagged.image)
        product.engine("exec", node, *tag)
    return [own, tagged]


@pytest.fixture(scope="module")
def releases(
    product: Product, kube: Kube, site: Site, images: list[Image], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Releases]:
    """Yield a checkout to release from; afterwards the product's own restores everything."""
    clone = product.cloned(tmp_path_factory.mktemp("releases") / "clone")
    document = yaml.safe_load((clone.root / "Pulumi.dev.yaml").read_text(encoding="utf-8"))
    yield Releases(clone=clone, config=document["config"])
    product.done("up")
    assert asked(site, 20).only(images[0].version)
    assert _tiers(kube) == _TIERS
    assert len(kube.all("ingresses")) == 1


@pytest.fixture(autouse=True)
def whole(product: Product, kube: Kube, site: Site, releases: Releases) -> None:
    """Begin every test with a site that works, whatever the one before it left.

    Pods of a version that failed would hold the nodes' room that the next one needs.
    """
    assert releases.clone.root != product.root
    if not (_tiers(kube) == _TIERS and kube.complete() and asked(site, 10).failures.total() == 0):
        product.done("up")
    until(lambda: site.answers() and kube.complete(), what="the whole site", within=120)


@pytest.fixture
def old(kube: Kube, images: list[Image]) -> Image:
    """Return the image that serves now."""
    return next(each for each in images if each.image == _image(kube))


@pytest.fixture
def new(images: list[Image], old: Image) -> Image:
    """Return the image to release."""
    return next(each for each in images if each != old)


def _tiers(kube: Kube) -> list[str]:
    return sorted(name_of(each) for each in kube.all("deployments"))


def _image(kube: Kube) -> str:
    (container,) = kube.get("deployment", "feastflow-backend")["spec"]["template"]["spec"]["containers"]
    return str(container["image"])


def _words(ran: Ran, *words: str) -> None:
    for each in words:
        assert_refused(ran, found=each, fix="run it again")


def test_a_bad_version_gets_no_request_and_up_fails_with_its_own_words(
    releases: Releases, site: Site, figures: Figures, old: Image
) -> None:
    words = "bad by rolling"
    with seen(site) as customers:
        ran = releases.attempt(
            backend={"image": old.image, **crashing(words), **released("rolling", patience=_IMPATIENT)},
            frontend={**_TOO_LARGE, **released("rolling", patience=_IMPATIENT)},
        )
    _words(ran, f"| {words}", "no node takes it", "Insufficient cpu")
    figures.text("rolling, bad versions of both tiers", str(customers), "0 failed")
    assert customers.only(old.version), customers


def test_a_bad_colour_gets_no_request_and_up_fails_with_its_own_words(
    releases: Releases, site: Site, figures: Figures, old: Image
) -> None:
    words = "bad by blue-green"

    def switched(green: Object) -> Object:
        return released("blue-green", patience=_IMPATIENT, active="green", green=green)

    with seen(site) as customers:
        ran = releases.attempt(
            backend={"image": old.image, **switched(crashing(words))},
            frontend=switched(_HANGS),
        )
    _words(ran, f"| {words}", "runs and is not ready")
    figures.text("blue-green, bad versions of both tiers", str(customers), "0 failed")
    assert customers.only(old.version), customers


@pytest.mark.parametrize("edge", [{}, _GATEWAY], ids=["ingress", "gateway"])
def test_a_bad_canary_gets_no_request_and_up_fails_with_its_own_words(
    releases: Releases, site: Site, figures: Figures, old: Image, edge: dict[str, Object]
) -> None:
    words = f"bad as a canary by {'a gateway' if edge else 'an ingress'}"
    canary = with_canary(crashing(words), 25, patience=_IMPATIENT)
    with seen(site) as customers:
        ran = releases.attempt(backend={"image": old.image, **canary}, **edge)
    _words(ran, f"| {words}")
    figures.text("canary, a bad version", str(customers), "0 failed")
    assert customers.only(old.version), customers


def test_a_good_version_arrives_pod_by_pod(
    releases: Releases, site: Site, figures: Figures, old: Image, new: Image
) -> None:
    with seen(site) as customers:
        ran = releases.up(backend={"image": new.image})
    figures.seconds("rolling, a good version, `make up` included", ran.seconds)
    figures.text("  meanwhile, through the edge", str(customers), "0 failed")
    assert customers.only(old.version, new.version), customers
    assert asked(site, 50).only(new.version)


def test_a_good_variant_starts_and_one_switch_routes_there_and_back(
    releases: Releases, kube: Kube, site: Site, figures: Figures, old: Image, new: Image
) -> None:
    def active(colour: str) -> Object:
        green = {"image": new.image}
        return {"image": old.image, **released("blue-green", active=colour, green=green)}

    with seen(site) as customers:
        releases.up(backend=active("blue"))
    assert customers.only(old.version), "it is up, and gets no request"
    until(lambda: len(kube.ready("backend")) >= 4, what="both colours at full scale", within=60)
    pods = sorted(kube.ready("backend"))

    with seen(site) as customers:
        there = releases.up(backend=active("green"))
        assert asked(site, 50).only(new.version)
        back = releases.up(backend=active("blue"))
        assert asked(site, 50).only(old.version)
    figures.seconds("blue-green: the switch, `make up` included", there.seconds, "< 15 s")
    figures.seconds("  and the way back", back.seconds, "< 15 s")
    figures.text("  meanwhile, through the edge", str(customers), "0 failed")
    assert customers.only(old.version, new.version), customers
    assert sorted(kube.ready("backend")) == pods, "no pod was made or ended for it"


def test_leaving_blue_green_by_the_colour_that_serves_fails_no_request(
    releases: Releases, site: Site, old: Image, new: Image
) -> None:
    green = released("blue-green", active="green", green={"image": new.image})
    releases.up(backend={"image": old.image, **green})
    with seen(site) as customers:
        releases.up(backend={"image": new.image})
    # Blue takes the version over before it gets the requests, so no customer meets the old one again.
    assert customers.only(new.version), customers


def test_a_colour_that_fails_its_customers_is_left_at_once(
    releases: Releases, site: Site, figures: Figures, old: Image
) -> None:
    def active(colour: str) -> Object:
        green = {"command": ["python3", "-c", _SICK]}
        return {"image": old.image, **released("blue-green", active=colour, green=green)}

    releases.up(backend=active("green"))
    until(lambda: not site.answers("/api/status"), what="the bad colour", within=30)
    with seen(site) as customers:
        ran = releases.up(backend=active("blue"))
    figures.seconds("blue-green: away from a colour that fails, `make up` included", ran.seconds, "< 15 s")
    assert set(customers.failures) == {_SICK_ANSWER}, customers
    assert asked(site, 50).only(old.version)


def test_a_canary_by_pods_gets_its_part_and_no_more_and_then_everything(
    releases: Releases, kube: Kube, site: Site, figures: Figures, old: Image, new: Image
) -> None:
    def canary(version: Object) -> Object:
        return {"image": old.image, **with_canary(version, 25)}

    with seen(site) as customers:
        releases.up(backend=canary({"command": ["python3", "-c", _SICK]}))
        found = asked(site, 400)
    sick = found.failures[_SICK_ANSWER] / 4
    figures.text("canary of 25 % by pods, a bad one: requests it failed", f"{sick:.1f} %", "25 %")
    assert set(found.failures) == {_SICK_ANSWER}, found
    assert 15 <= sick <= 30, found
    # Never more than its weight: the stable pods are scaled before it gets any request.
    assert set(customers.failures) <= {_SICK_ANSWER}, customers
    assert customers.failures.total() <= 0.3 * customers.versions.total(), customers

    releases.up(backend=canary({"image": new.image}))
    found = asked(site, 400)
    figures.text("  a good one: requests it answered", f"{found.part(new.version):.1f} %", "25 %")
    assert found.only(old.version, new.version), found
    assert 15 <= found.part(new.version) <= 30, found
    assert len(kube.ready("backend")) == 4

    with seen(site) as customers:
        releases.up(backend={"image": new.image, **released("canary")})
    figures.text("  while it becomes the only one", str(customers), "0 failed")
    assert customers.only(old.version, new.version), customers
    assert asked(site, 50).only(new.version)


def test_a_canary_by_a_gateway_gets_exactly_its_weight_and_then_everything(
    releases: Releases, site: Site, figures: Figures, old: Image, new: Image
) -> None:
    def canary(version: Object) -> Ran:
        return releases.up(backend={"image": old.image, **with_canary(version, 10)}, **_GATEWAY)

    canary({"command": ["python3", "-c", _SICK]})
    until(lambda: asked(site, 20).failures, what="the canary behind the Gateway", within=30)
    found = asked(site, 500)
    figures.text("canary of 10 % by a Gateway, a bad one: requests it failed", str(found), "10.0 %")
    assert set(found.failures) == {_SICK_ANSWER}, found
    assert 9 <= found.failures.total() / 5 <= 11, found

    canary({"image": new.image})
    found = asked(site, 500)
    figures.text("  a good one: requests it answered", f"{found.part(new.version):.1f} %", "10.0 %")
    assert found.only(old.version, new.version), found
    assert 9 <= found.part(new.version) <= 11, found

    with seen(site) as customers:
        releases.up(backend={"image": new.image, **released("canary")}, **_GATEWAY)
    figures.text("  while it becomes the only one", str(customers), "0 failed")
    assert customers.only(old.version, new.version), customers
    assert asked(site, 50).only(new.version)


def test_recreate_has_no_two_versions_at_a_time_and_is_dark_meanwhile(
    releases: Releases, site: Site, figures: Figures, old: Image, new: Image
) -> None:
    with seen(site) as customers:
        releases.up(backend={"image": new.image, **released("recreate")}, exemptions=[_RECREATE])
    figures.text("recreate, a good version", str(customers))
    assert set(customers.versions) == {old.version, new.version}, customers
    assert customers.failures, "it is what the rule protects against"
    assert asked(site, 50).only(new.version)

    words = "bad by recreate"
    bad = {"image": new.image, **crashing(words), **released("recreate", patience=_IMPATIENT)}
    with seen(site) as customers:
        ran = releases.attempt(backend=bad, exemptions=[_RECREATE])
    _words(ran, f"| {words}")
    figures.text("recreate, a bad version", str(customers))
    assert set(customers.versions) <= {new.version}, customers
    assert customers.failures, "nothing serves until it is repaired"
