"""A stack's IAM policy against recorded requests of Pulumi and this program, for it and other stacks."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tools.stacks import workspace
from tools.stacks.stack import Stack
from tools.state import burial, permissions, policy, store, versions
from tools.state.address import Address

from . import recorder
from .cloud import Cloud
from .conftest import _Deployed, _of_tests
from .iam import Asked, allows, like
from .parcel import IDENTITY, PROJECT, STACK, UP, Parcel

_REGION = "us-east-1"
_KEY = f"arn:aws:kms:{_REGION}:123456789012:key/1234"
_OTHERS = ("prod", "dev2", "de", "dev.json", "dev-", "Dev")


@dataclass(frozen=True, kw_only=True)
class _Recorded:
    """The permissions that a stack's life took, and its bucket."""

    address: Address
    asked: tuple[Asked, ...]

    def own(self) -> Iterator[Asked]:
        """Yield the requests that name the stack."""
        return (each for each in self.asked if STACK in _text(each))


@pytest.fixture(scope="module")
def recorded(aws: Cloud, deployed: _Deployed, tmp_path_factory: pytest.TempPathFactory) -> _Recorded:
    """Move a stack to a bucket, deploy, look, restore, move back and forth, and delete it; record it all."""
    base = tmp_path_factory.mktemp("recorded")
    with pytest.MonkeyPatch.context() as patch, recorder.recording(aws) as through:
        _of_tests(patch)
        patch.setenv("XDG_STATE_HOME", str(base))
        patch.setattr(workspace, "_ROOT", deployed.checkout)
        shutil.copytree(deployed.home, base / "feastflow", symlinks=True)
        parcel = Parcel(home=base / "feastflow", cli=deployed.cli)
        address = through.cloud.address("parcel-recorded")
        store.ensure(address, store.clients(address))
        through.requests.clear()
        _life(parcel, address)
        asked = {_key_of(each): each for request in through.requests for each in request.asks(_REGION, _KEY)}
    return _Recorded(address=address, asked=tuple(asked.values()))


def _life(parcel: Parcel, address: Address) -> None:
    reached = store.clients(address)
    parcel.mover().to(address)
    here = workspace.of(IDENTITY, STACK)
    stack = Stack(name=STACK, workspace=here, cli=parcel.cli, environment={}, chosen="")
    assert stack.exists()
    stack.ensure()
    for command in (
        ("preview", *UP[1:3]),
        (*UP,),
        ("refresh", *UP[1:]),
        ("stack", "output", "--stack", STACK),
        ("stack", "history", "--stack", STACK),
        ("stack", "tag", "set", "owner", "team", "--stack", STACK),
        ("stack", "tag", "ls", "--stack", STACK),
        ("config", "set", "--secret", f"{PROJECT}:token", "very-secret", "--stack", STACK),
        ("cancel", "--yes", STACK),
    ):
        ran = parcel.pulumi(*command)
        assert ran.code == 0, ran.text
    assert store.locks(address, reached, PROJECT, STACK) == []
    assert store.key_arn(address, reached)
    assert versions.provider(address, PROJECT, STACK) == address.secrets(PROJECT, STACK)
    burial.settle(IDENTITY, PROJECT, STACK)
    reached.s3.delete_object(Bucket=address.bucket, Key=versions.key(address, PROJECT, STACK))
    versions.restore(address, reached, PROJECT, STACK)
    parcel.mover().to(None)
    parcel.mover().to(address)
    ran = parcel.pulumi("destroy", *UP[1:])
    assert ran.code == 0, ran.text
    stack.remove()
    assert not stack.exists()


def _key_of(asked: Asked) -> str:
    """Return a key that is equal for equal requests."""
    return json.dumps([asked.action, asked.resource, dict(asked.context)], sort_keys=True)


def _text(asked: Asked) -> str:
    return f"{asked.resource} {list(asked.context.values())}"


def _of(asked: Asked, stack: str) -> Asked:
    """Return the same of another stack: in keys, in the prefix of a listing, in the key's context."""

    def other(text: str) -> str:
        return text.replace(f"{PROJECT}/{STACK}", f"{PROJECT}/{stack}")

    context = {name: other(value) for name, value in asked.context.items()}
    return replace(asked, resource=other(asked.resource), context=context)


def _policy(recorded: _Recorded, stack: str) -> policy.Document:
    return permissions.deployer(recorded.address, PROJECT, stack, _KEY)


def test_a_stacks_policy_allows_every_request_that_its_life_makes(recorded: _Recorded) -> None:
    document = _policy(recorded, STACK)

    refused = [each for each in recorded.asked if not allows(document, each)]

    assert refused == []
    actions = {each.action for each in recorded.asked}
    assert {"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "kms:Decrypt"} <= actions
    assert {"kms:Encrypt", "kms:GenerateDataKey", "s3:ListBucketVersions", "s3:GetObjectVersion"} <= actions


@pytest.mark.parametrize("other", _OTHERS)
def test_a_stacks_policy_denies_every_request_of_another_stack(recorded: _Recorded, other: str) -> None:
    own = list(recorded.own())
    assert len(own) > 20

    mine, theirs = _policy(recorded, STACK), _policy(recorded, other)

    assert [each for each in own if allows(mine, _of(each, other))] == []
    assert [each for each in own if allows(theirs, each)] == []
    assert [each for each in own if not allows(theirs, _of(each, other))] == []


@settings(derandomize=True, database=None, deadline=None)
@given(
    one=st.from_regex(r"[a-z.-]{1,6}", fullmatch=True), other=st.from_regex(r"[a-z.-]{1,6}", fullmatch=True)
)
def test_no_two_stacks_of_whatever_names_reach_each_other(one: str, other: str) -> None:
    assume(one != other)
    address = Address(bucket="b", prefix="", options=())
    document = permissions.deployer(address, PROJECT, one, _KEY)
    base = "arn:aws:s3:::b/.pulumi"
    for resource in (
        *(f"{base}/{kind}/{PROJECT}/{other}/x" for kind in ("history", "backups", "locks/organization")),
        *(f"{base}/stacks/{PROJECT}/{other}{end}" for end in (".json", ".pulumi-tags")),
    ):
        for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectVersion"):
            assert not allows(document, Asked(action=action, resource=resource)), resource


def test_what_lies_in_common_is_read_and_never_written_and_no_state_is_listed_by_a_wider_prefix(
    recorded: _Recorded,
) -> None:
    document = _policy(recorded, STACK)
    arn = f"arn:aws:s3:::{recorded.address.bucket}"
    denied = [
        *(
            Asked(action=action, resource=f"{arn}/.pulumi/meta.yaml")
            for action in ("s3:PutObject", "s3:DeleteObject")
        ),
        *(
            Asked(action=action, resource=arn, context={"s3:prefix": prefix})
            for action in ("s3:ListBucket", "s3:ListBucketVersions")
            for prefix in (
                "",
                ".pulumi/",
                ".pulumi/stacks/",
                f".pulumi/stacks/{PROJECT}/",
                f".pulumi/stacks/{PROJECT}/d",
            )
        ),
        Asked(action="s3:ListBucketVersions", resource=arn),
        Asked(action="s3:DeleteObjectVersion", resource=f"{arn}/.pulumi/stacks/{PROJECT}/{STACK}.json"),
    ]

    assert [each for each in denied if allows(document, each)] == []


def test_a_key_decrypts_for_its_stack_alone_even_what_s3_would_ask_it_for(recorded: _Recorded) -> None:
    document = _policy(recorded, STACK)
    bucket = {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{recorded.address.bucket}"}

    def decrypts(context: dict[str, str]) -> bool:
        return allows(document, Asked(action="kms:Decrypt", resource=_KEY, context=context))

    assert decrypts({"kms:EncryptionContext:pulumi-stack": f"{PROJECT}/{STACK}"})
    assert not decrypts({"kms:EncryptionContext:pulumi-stack": f"{PROJECT}/prod"})
    assert not decrypts({})
    assert not decrypts(bucket)
    assert decrypts({**bucket, "kms:ViaService": f"s3.{_REGION}.amazonaws.com"})


def test_a_stack_without_a_context_reaches_others_without_one_and_none_that_has_it(
    recorded: _Recorded,
) -> None:
    document = permissions.deployer(recorded.address, PROJECT, STACK, _KEY, shared_secrets=True)

    def decrypts(context: dict[str, str]) -> bool:
        return allows(document, Asked(action="kms:Decrypt", resource=_KEY, context=context))

    assert decrypts({})
    assert not decrypts({"kms:EncryptionContext:pulumi-stack": f"{PROJECT}/prod"})


def test_a_folder_whose_name_has_wildcards_is_that_folder_alone() -> None:
    address = Address(bucket="b", prefix="t*", options=())
    document = permissions.deployer(address, PROJECT, STACK, _KEY)

    def reads(folder: str) -> bool:
        path = f"arn:aws:s3:::b/{folder}/.pulumi/history/{PROJECT}/{STACK}/1"
        return allows(document, Asked(action="s3:GetObject", resource=path))

    assert reads("t*")
    assert not reads("team")


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("a*", "abc", True),
        ("a?", "abc", False),
        ("a${*}", "a*", True),
        ("a${*}", "ab", False),
        ("a.", "ab", False),
    ],
)
def test_patterns_match_as_iam_says(pattern: str, text: str, *, matches: bool) -> None:
    assert like(pattern, text) is matches
