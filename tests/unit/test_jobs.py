"""Scheduled jobs of the backend's image: their schedule, their pods and their rights."""

from typing import Any

import pytest

from components.settings import reader
from components.settings.derived import connections, sizing
from components.settings.model.demand import Demand
from components.settings.model.workload import resources

from .recorder import Recording, encode, record_stack, stack_file
from .test_settings import MINIMAL, parse, refusal

NIGHTLY = {"schedule": "30 3 * * *", "command": ["npm", "run", "report"]}


def scheduled(job: dict[str, Any] | None = None, **backend: Any) -> Recording:
    section = {"jobs": {"report": {**NIGHTLY, **(job or {})}}, **backend}
    return record_stack({**MINIMAL, "feastflow:backend": section})


def cron_job(recording: Recording) -> dict[str, Any]:
    spec: dict[str, Any] = recording.one("CronJob", "feastflow-jobs-report").inputs["spec"]
    return spec


def pod(recording: Recording) -> dict[str, Any]:
    return recording.pods()["CronJob/feastflow-jobs-report"]


def test_a_job_runs_by_the_clock_one_run_at_a_time_within_its_deadlines() -> None:
    job = {
        "timeZone": "Europe/Berlin",
        "timeoutSeconds": 60,
        "startingSeconds": 30,
        "retries": 2,
        "keptSuccessful": 0,
        "keptFailed": 5,
    }
    spec = cron_job(scheduled(job))
    template = spec.pop("jobTemplate")["spec"]
    assert spec == {
        "schedule": "30 3 * * *",
        "timeZone": "Europe/Berlin",
        "concurrencyPolicy": "Forbid",
        "suspend": False,
        "startingDeadlineSeconds": 30,
        "successfulJobsHistoryLimit": 0,
        "failedJobsHistoryLimit": 5,
    }
    assert (template["activeDeadlineSeconds"], template["backoffLimit"]) == (60, 2)


def test_a_suspended_job_is_there_and_does_not_begin() -> None:
    assert cron_job(scheduled({"suspended": True}))["suspend"] is True


def test_a_run_has_the_backends_image_environment_user_and_volumes_and_its_own_words_over_them() -> None:
    recording = scheduled(
        {"env": {"LEVEL": "debug", "DAYS": "90"}, "args": ["--all"]},
        image="registry.example.com/shop/api:2.0.0",
        uid=4000,
        env={"LEVEL": "info", "KEEP": "1"},
    )
    made = pod(recording)
    (container,) = made["containers"]
    backend = recording.pods()["Deployment/feastflow-backend"]
    (own,) = backend["containers"]
    assert container["image"] == own["image"]
    assert (container["command"], container["args"]) == (["npm", "run", "report"], ["--all"])
    assert made["securityContext"] == backend["securityContext"]
    assert container["securityContext"] == own["securityContext"]
    assert container["resources"] == own["resources"]
    kept = [variable for variable in own["env"] if variable["name"] != "LEVEL"]
    assert container["env"] == [
        *kept,
        {"name": "DAYS", "value": "90"},
        {"name": "LEVEL", "value": "debug"},
    ]
    assert "DB_PASSWORD" in [variable["name"] for variable in container["env"]]
    assert [each["name"] for each in made["initContainers"]] == ["await-database"]


def test_a_runs_size_may_be_its_own_and_counts_in_the_quota_and_for_the_database() -> None:
    small = {
        "requests": {"cpu": "10m", "memory": "16Mi"},
        "limits": {"cpu": "50m", "memory": "32Mi"},
    }
    recording = scheduled({"resources": small})
    sizes = [each["resources"] for part in ("containers", "initContainers") for each in pod(recording)[part]]
    assert {size["limits"]["memory"] for size in sizes} == {"32Mi"}
    without, one = parse(), parse(backend={"jobs": {"report": {**NIGHTLY, "resources": small}}})
    more = [demand for demand in sizing.demands(one) if demand not in sizing.demands(without)]
    assert more == [Demand(pods=1, resources=resources(cpu=("10m", "50m"), memory=("16Mi", "32Mi")))]
    needed = [connections.peak(each.backend, each.database, weights=False) for each in (without, one)]
    assert needed[1] - needed[0] == one.backend.pool_size + connections.READINESS


def test_each_job_has_an_account_of_its_own() -> None:
    jobs = {"one": NIGHTLY, "two": NIGHTLY}
    recording = record_stack({**MINIMAL, "feastflow:backend": {"jobs": jobs}})
    accounts = {
        name: pod["serviceAccountName"]
        for name, pod in recording.pods().items()
        if name.startswith("CronJob")
    }
    assert accounts == {
        "CronJob/feastflow-jobs-one": "feastflow-jobs-one",
        "CronJob/feastflow-jobs-two": "feastflow-jobs-two",
    }


def test_a_run_reaches_the_database_and_the_backends_hosts_and_nothing_else() -> None:
    recording = scheduled(egress=[{"host": "mail.example.com", "cidrs": ["192.0.2.0/24"], "port": 465}])
    jobs = {"app.kubernetes.io/instance": "shop", "component": "jobs"}
    out = [
        policy.object_name
        for policy in recording.all("NetworkPolicy")
        if policy.inputs["spec"]["podSelector"].get("matchLabels") == jobs
    ]
    assert sorted(out) == ["feastflow-jobs-to-outside", "feastflow-jobs-to-postgres"]
    labels = recording.one("CronJob", "feastflow-jobs-report").inputs["spec"]["jobTemplate"]["spec"]
    assert jobs.items() <= labels["template"]["metadata"]["labels"].items()


@pytest.mark.parametrize(("active", "image"), [("blue", "api:1.0.0"), ("green", "api:2.0.0")])
def test_a_run_is_of_the_version_that_gets_the_requests_and_begins_when_it_does(
    active: str, image: str
) -> None:
    release = {"strategy": "blue-green", "active": active, "green": {"image": "api:2.0.0"}}
    recording = scheduled(image="api:1.0.0", release=release)
    assert pod(recording)["containers"][0]["image"] == image
    made = recording.one("CronJob", "feastflow-jobs-report")
    assert recording.one("Service", "feastflow-backend").urn in made.dependencies


def test_a_login_is_not_locked_before_the_jobs_have_the_next_one() -> None:
    config = {**MINIMAL, "feastflow:backend": {"jobs": {"report": NIGHTLY}}, "feastflow:rotation": 2}
    recording = record_stack(config)
    retire = next(job for job in recording.all("Job") if "retire" in job.object_name)
    assert recording.one("CronJob", "feastflow-jobs-report").urn in retire.dependencies


def test_without_jobs_there_is_nothing_of_them() -> None:
    recording = record_stack(MINIMAL)
    assert recording.all("CronJob") == []
    assert [policy.name for policy in recording.all("NetworkPolicy") if "jobs" in policy.name] == []


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_demos_old_orders_are_deleted_at_night(stack: str) -> None:
    raw = {key: encode(value) for key, value in stack_file(stack).items()}
    (job,) = reader.parse(raw)[0].backend.jobs.values()
    assert job.command == ("python3", "-m", "feastflow_api.purge")
    assert job.env == {"ORDERS_KEPT_DAYS": "90"}


@pytest.mark.parametrize(
    ("name", "job", "key", "why"),
    [
        ("report", {"schedule": "0 0 30 2 *"}, ".report.schedule", "does not exist in feb"),
        ("report", {"schedule": "often"}, ".report.schedule", "instead of 5"),
        ("report", {"timeZone": "Mars/Olympus"}, ".report.timeZone", "no time zone"),
        ("report", {"timeZone": "Local"}, ".report.timeZone", "no time zone"),
        ("report", {"command": None}, ".report.command", "one more server"),
        ("report", {"timeoutSeconds": 0}, ".report.timeoutSeconds", "has failed"),
        ("report", {"startingSeconds": 5}, ".report.startingSeconds", "may still begin"),
        ("report", {"shcedule": "@daily"}, ".report.shcedule", "did you mean `schedule`"),
        ("report", {"env": {"DB_HOST": "x"}}, ".report.env.DB_HOST", "sets this variable itself"),
        ("Report", {}, ".Report", "DNS label"),
        ("r" * 38, {}, "." + "r" * 38, "at most 37"),
    ],
)
def test_a_job_that_would_not_run_as_meant_is_refused(
    name: str, job: dict[str, Any], key: str, why: str
) -> None:
    said = refusal(backend={"jobs": {name: {**NIGHTLY, **job}}})
    assert f"feastflow:backend.jobs{key}\n" in said
    assert why in said
