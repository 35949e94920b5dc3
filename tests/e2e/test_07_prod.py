"""The prod stack along with dev: replicated, encrypted, and available after its primary fails."""

import time

from ..harness.figures import Figures
from ..harness.kube import Kube
from ..harness.prod import assert_none_lost, healthy, primary, sql, zones
from ..harness.running import Ran
from ..harness.site import Site, ordering
from ..harness.waiting import until

_CUSTOMER = "Failover"


def test_prod_is_up_along_with_dev_and_served_by_https(
    prod_up: Ran, shop: Site, site: Site, figures: Figures
) -> None:
    assert shop.answers()
    assert site.answers()
    figures.seconds("first up of prod", prod_up.seconds)
    figures.seconds("  its step pulumi up", prod_up.steps["pulumi up"], "< 120 s")


def test_three_instances_are_in_three_zones_and_one_commit_is_on_two_of_them(there: Kube) -> None:
    assert sorted(zones(there)) == ["zone-a", "zone-b", "zone-c"]
    states = sql(there, "SELECT sync_state FROM pg_stat_replication")
    assert states == [["quorum"], ["quorum"]]
    assert sql(there, "SHOW synchronous_commit") == [["on"]]


def test_clients_are_encrypted_and_verify_whom_they_talk_to(there: Kube) -> None:
    (pod, *_) = there.ready("backend")
    variables = there.run("exec", pod, "--container", "backend", "--", "env")
    assert "PGSSLMODE=verify-full" in variables
    clients = (
        "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename LIKE :'login'"
    )
    assert sql(there, clients, login="feastflow\\__") == [["t"]]
    connect = (
        "import os, psycopg; os.environ.update(PGHOST=os.environ['DB_HOST'], PGUSER='x', PGDATABASE='x',"
        " PGSSLROOTCERT='/etc/ssl/certs/ca-certificates.crt'); psycopg.connect()"
    )
    ran = there.ask("exec", pod, "--container", "backend", "--", "python3", "-c", connect)
    assert "certificate verify failed" in ran.err, ran
    where = "host=os.environ['DB_HOST'], user='feastflow_a', sslmode='disable'"
    plain = f"import os, psycopg; psycopg.connect({where})"
    ran = there.ask("exec", pod, "--container", "backend", "--", "python3", "-c", plain)
    assert "no encryption" in ran.err, ran


def test_the_administrator_can_do_nothing_but_call_its_functions(there: Kube) -> None:
    may = "SELECT rolcreaterole, rolcreatedb, rolsuper FROM pg_roles WHERE rolname = 'feastflow_admin'"
    assert sql(there, may) == [["f", "f", "f"]]
    above = "SELECT count(*) FROM pg_auth_members WHERE member = 'feastflow_admin'::regrole"
    assert sql(there, above) == [["0"]]


def test_instances_may_reach_the_api_server_and_no_other_address_on_its_port(there: Kube) -> None:
    policy = there.get("networkpolicy", "postgres-to-kubernetes")
    opened = [peer["ipBlock"]["cidr"] for rule in policy["spec"]["egress"] for peer in rule["to"]]
    assert opened
    assert all(cidr.endswith(("/32", "/128")) for cidr in opened)


def test_no_acknowledged_order_is_lost_when_the_primary_fails(
    there: Kube, shop: Site, figures: Figures
) -> None:
    until(lambda: healthy(there), what="three instances", within=180)
    before = primary(there)
    with ordering(shop, customer=_CUSTOMER) as writes:
        until(lambda: len(writes.numbers) >= 5, what="five orders", within=30)
        started = time.monotonic()
        there.run("delete", "pod", before, "--force", "--grace-period", "0")
        until(lambda: primary(there) != before, what="another primary", within=60)
        promoted = time.monotonic() - started
        acknowledged = len(writes.numbers)
        until(lambda: len(writes.numbers) >= acknowledged + 5, what="five more orders", within=60)
    figures.seconds("primary killed, another one leads", promoted)
    figures.seconds("  longest time without an order", writes.longest_silence)
    assert_none_lost(there, writes, figures)
