"""The identity of a deployment: the run's own token, fetched when it is needed; no key is on disk."""

import base64
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.delivery import identity
from tools.toolchain.errors import UserError

from .web import Asked, Web, serving

_CLAIMS = base64.urlsafe_b64encode(json.dumps({"exp": 1_800_000_000}).encode()).decode().rstrip("=")
_TOKEN = f"head.{_CLAIMS}.signature"
_KEYS = {"AccessKeyId": "id", "SecretAccessKey": "key", "SessionToken": "session", "Expiration": 1.8e9}


@pytest.fixture
def web() -> Iterator[Web]:
    """Yield a fake of GitHub's tokens and AWS's exchange for them."""

    def answer(asked: Asked) -> tuple[int, Any]:
        if asked.method == "GET":
            return 200, {"value": _TOKEN}
        result = {"AssumeRoleWithWebIdentityResult": {"Credentials": _KEYS}}
        return 200, {"AssumeRoleWithWebIdentityResponse": result}

    with serving() as served:
        served.answer = answer
        yield served


@pytest.fixture
def environ(web: Web, tmp_path: Path) -> dict[str, str]:
    """Return the environment of a job with `id-token: write` and a stack's variables."""
    return {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{web.url}/token?api-version=2",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-run",
        "AWS_CONFIG_FILE": str(tmp_path / "deploy" / "aws"),
        "AWS_ENDPOINT_URL_STS": f"{web.url}/sts",
        "AWS_ROLE": "arn:aws:iam::1:role/deploy",
        "CLUSTER_AUDIENCE": "https://cluster",
        "CLUSTER_CA": "-----BEGIN CERTIFICATE-----",
        "CLUSTER_SERVER": "https://api.example.com",
        "CONTEXT": "deploy",
        "GITHUB_RUN_ATTEMPT": "2",
        "GITHUB_RUN_ID": "17",
        "STACK": "prod",
        "KUBECONFIG": str(tmp_path / "deploy" / "kubeconfig"),
        "PULUMI_BACKEND_URL": "s3://state",
    }


def test_the_kubeconfig_holds_no_token_but_how_to_get_one(environ: dict[str, str], web: Web) -> None:
    identity.write(environ)
    config = yaml.safe_load(Path(environ["KUBECONFIG"]).read_text())
    plugin = config["users"][0]["user"]["exec"]
    variables = {entry["name"]: entry["value"] for entry in plugin["env"]}
    done = subprocess.run(  # noqa: S603 - as kubectl runs it
        [plugin["command"], *plugin["args"]],
        env={**os.environ, **environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout)["status"] == {
        "token": _TOKEN,
        "expirationTimestamp": "2027-01-15T08:00:00Z",
    }
    assert web.asked[0].path == "/token?api-version=2&audience=https%3A%2F%2Fcluster"
    assert config["current-context"] == "deploy"
    assert Path(environ["KUBECONFIG"]).stat().st_mode & 0o77 == 0


def test_aws_gets_keys_of_an_hour_in_exchange_and_none_is_written(environ: dict[str, str], web: Web) -> None:
    identity.write(environ)
    (line,) = [
        text
        for text in Path(environ["AWS_CONFIG_FILE"]).read_text().splitlines()
        if text.startswith("credential_process = ")
    ]
    done = subprocess.run(  # noqa: S602 - as the AWS libraries run it
        line.partition(" = ")[2],
        shell=True,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == {
        "Version": 1,
        "AccessKeyId": "id",
        "SecretAccessKey": "key",
        "SessionToken": "session",
        "Expiration": "2027-01-15T08:00:00+00:00",
    }
    assert "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fdeploy" in web.asked[-1].body
    assert "RoleSessionName=feastflow-prod-17-2&" in web.asked[-1].body
    assert "audience=sts.amazonaws.com" in web.asked[0].path


def test_a_session_has_a_name_that_aws_takes_whatever_the_stack_is_called() -> None:
    name = identity.session({"STACK": "team/" + "x" * 90, "GITHUB_RUN_ID": "17", "GITHUB_RUN_ATTEMPT": "1"})

    assert len(name) == 64
    assert re.fullmatch(r"[\w+=,.@-]+", name)
    assert name.endswith("-17-1")
    assert identity.session({}) == "feastflow"


def test_without_a_role_there_is_nothing_of_aws(environ: dict[str, str]) -> None:
    del environ["AWS_ROLE"]
    identity.write(environ)

    assert not Path(environ["AWS_CONFIG_FILE"]).exists()


@pytest.mark.parametrize(
    "name",
    ["CLUSTER_SERVER", "CLUSTER_CA", "CLUSTER_AUDIENCE", "KUBECONFIG", "CONTEXT", "PULUMI_BACKEND_URL"],
)
def test_a_variable_that_is_missing_is_named(environ: dict[str, str], name: str) -> None:
    with pytest.raises(UserError, match=f"{name} is not set"):
        identity.write(environ | {name: ""})


def test_a_job_that_may_not_say_who_it_is_is_told_what_it_lacks(environ: dict[str, str]) -> None:
    del environ["ACTIONS_ID_TOKEN_REQUEST_URL"]

    with pytest.raises(UserError, match="ACTIONS_ID_TOKEN_REQUEST_URL is not set") as caught:
        identity.cluster("a", environ)

    assert "id-token: write" in caught.value.fix


def test_a_refusal_of_the_exchange_shows_no_token(environ: dict[str, str], web: Web) -> None:
    granting = web.answer
    web.answer = lambda asked: granting(asked) if asked.method == "GET" else (403, {"Error": "not trusted"})

    with pytest.raises(UserError, match=r"answers 403.*not trusted") as caught:
        identity.aws("role", environ)

    assert _TOKEN not in str(caught.value)
