"""A stack's state carried to another place: copied, compared, and only then used there.

Until the switch, which is the renaming of one file, the old place is used; right before it a tombstone is
left there, and no deployment begins from it any more. Whatever is cut off before the switch is begun again by
the next move, the tombstone lifted by the next command; whatever is cut off after it has moved already.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from components.settings.file import stackfile
from tools.state import burial, checks, deployment, place
from tools.state.address import Address
from tools.state.cli import At
from tools.state.deployment import ENCRYPTION, Deployment
from tools.state.place import Place, Record, Unfinished
from tools.state.tombstone import Tombstone
from tools.toolchain import private
from tools.toolchain.errors import UserError
from tools.toolchain.pulumi import Pulumi

# The points at which a test cuts the power.
STEPS = ("begun", "made", "loaded", "encrypted", "buried", "checked", "switched", "ended")


@dataclass(frozen=True, kw_only=True)
class Moved:
    """The outcome of a move: where the state is now, what was carried, and where the copy from before is."""

    current: Place
    previous: Place | None
    how: str


@dataclass(frozen=True, kw_only=True)
class Mover:
    """Moves one stack of one cluster.

    `prepare` makes the workspace of a place. `provider` is the secrets provider that the checkout's own file
    names, which goes before the place's. `environment` is what pulumi needs besides the place. `guard` raises
    a refusal where another run has the stack, `fits` where a state that is found describes another cluster.
    """

    stack: str
    project: str
    identity: str
    cli: Pulumi
    environment: Mapping[str, str]
    prepare: Callable[[Place], Path]
    provider: str | None = None
    guard: Callable[[Place], None] = lambda _: None
    fits: Callable[[Deployment], None] = lambda _: None
    reached: Callable[[str], None] = lambda _: None

    def to(self, address: Address | None) -> Moved:
        """Move the stack to the bucket, or to this machine's own files.

        Raises:
            UserError: when it cannot be done without losing something; the state is used where it was.
        """
        record = place.read(self.identity, self.stack)
        old = self._at(record.current)
        if _is(record.current, address):
            self._clear(record, address)
            self._still_here(record.current)
            return self._reached_otherwise(record, address)
        begun = place.unfinished(self.identity, self.stack)
        self._clear(record, address)
        target = place.planned(self.identity, self.project, self.stack, address)
        known = {there.url for there in (begun and begun.place, record.previous) if there}
        new = self._at(target, ours=target.url in known)
        there = new.exists()
        if stone := self._stone(record.current, target):
            if not there:
                raise checks.lost(new)
            # Its mover may have been cut off before its own switch: it must not take the state back.
            burial.follow(record.current, self.project, self.stack, stone)
            return self._joined(new, record)
        if not old.exists():
            return self._joined(new, record) if there else self._new(old, new, record)
        try:
            self.guard(record.current)
            source = checks.whole(old)
            if there:
                self._take_back(new, record)
        except UserError:
            self._forget(target)
            raise
        fingerprint = deployment.fingerprint(source)
        place.begin(self.identity, self.stack, Unfinished(place=target, fingerprint=fingerprint))
        self.reached("begun")
        self._carry(old, new, source)
        checks.compare(old, new)
        burial.put(record.current, self.project, self.stack, target, fingerprint)
        self.reached("buried")
        try:
            # No deployment begins from here on; one that began before has a lock, or has changed the state.
            self.guard(record.current)
            if checks.whole(old) != source:
                raise checks.changed(old)
        except UserError:
            self._lift(record.current)
            raise
        self.reached("checked")
        self._switch(Record(current=target, previous=record.current, fingerprint=fingerprint))
        self._drop(record.previous, besides=(target, record.current))
        count = len(deployment.resources(source))
        return Moved(current=target, previous=record.current, how=f"{count} resources compared")

    def _reached_otherwise(self, record: Record, address: Address | None) -> Moved:
        """Take over other options for reaching the state, which is there already."""
        current = record.current
        if address and address.url != current.url:
            current = replace(current, url=address.url)
            place.write(self.identity, self.stack, replace(record, current=current))
        return Moved(current=current, previous=None, how="is there already")

    def _carry(self, old: At, new: At, source: Deployment) -> None:
        _copy(old.settings, new.settings)
        try:
            new.init(old.provider)
        except UserError:
            # Another machine may have made it just now: the next run must not take it for its own.
            place.end(self.identity, self.stack)
            raise
        self.reached("made")
        if deployment.resources(source):
            new.load(source)
        self.reached("loaded")
        if self._wanted(new) != new.provider:
            new.encrypt(self._wanted(new))
        self.reached("encrypted")

    def _new(self, old: At, new: At, record: Record) -> Moved:
        """Begin the stack in the new place, since neither has it."""
        _copy(old.settings, new.settings, without=ENCRYPTION if self.provider is None else ())
        empty = Unfinished(place=new.place, fingerprint=deployment.fingerprint({}))
        place.begin(self.identity, self.stack, empty)
        new.init(self._wanted(new))
        self._switch(Record(current=new.place))
        self._drop(record.previous, besides=(new.place, record.current))
        return Moved(current=new.place, previous=None, how="made, empty")

    def _still_here(self, there: Place) -> None:
        """Refuse a place that the state has left."""
        if stone := burial.read(there, self.project, self.stack):
            raise stone.refused(self.stack, there.url)

    def _stone(self, current: Place, target: Place) -> Tombstone | None:
        """Return the tombstone of another machine's move to the target: this machine joins it there."""
        stone = burial.read(current, self.project, self.stack)
        if stone and not stone.leads_to(target):
            raise stone.refused(self.stack, current.url)
        return stone

    def _joined(self, new: At, record: Record) -> Moved:
        """Use the stack of the new place as it is, since only that one has it."""
        self._still_here(new.place)
        theirs = new.export()
        self.fits(theirs)
        _copy(self._at(record.current).settings, new.settings, without=ENCRYPTION)
        encryption = deployment.encryption(theirs)
        _add(new.settings, encryption)
        if not encryption:
            # It was never deployed; without a provider Pulumi would take a passphrase.
            new.encrypt(self._wanted(new))
        new.opened()
        self._switch(Record(current=new.place))
        count = len(deployment.resources(theirs))
        return Moved(current=new.place, previous=None, how=f"{count} resources found there")

    def _clear(self, record: Record, address: Address | None) -> None:
        """Finish or undo what an earlier move was cut off at."""
        found = place.unfinished(self.identity, self.stack)
        if found is None:
            return
        if found.place != record.current:
            stone = burial.read(record.current, self.project, self.stack)
            if stone and stone.followed and stone.leads_to(found.place):
                # Another machine uses the copy: it is the state now.
                place.end(self.identity, self.stack)
                return
            if stone and stone.left_by(found.place):
                self._lift(record.current)
            try:
                self._undo(found, record)
            except UserError:
                if _is(found.place, address):
                    raise
                # It is on its way to another place; what it left there is a copy, and not the only one.
        place.end(self.identity, self.stack)

    def _undo(self, found: Unfinished, record: Record) -> None:
        made = self._at(found.place, ours=True)
        if made.exists():
            exported = made.export()
            if deployment.resources(exported) and deployment.fingerprint(exported) != found.fingerprint:
                place.end(self.identity, self.stack)
                raise checks.others(made)
            stone = burial.read(found.place, self.project, self.stack)
            if stone and stone.leads_to(record.current):
                self._lift(found.place)
            made.remove()
        self._forget(found.place)

    def _take_back(self, new: At, record: Record) -> None:
        """Replace a stack that the target has, only where a move to the present place has left it there."""
        stone = burial.read(new.place, self.project, self.stack)
        if stone and not stone.leads_to(record.current):
            raise stone.refused(self.stack, new.place.url)
        if record.previous is not None and record.previous.url == new.place.url:
            left = record.fingerprint
        elif stone:
            left = stone.fingerprint
        else:
            raise checks.others(new)
        if deployment.fingerprint(checks.whole(new)) != left:
            raise checks.others(new)
        # Cut off from here on, the next run takes it for a half-made copy of its own and removes it.
        place.begin(self.identity, self.stack, Unfinished(place=new.place, fingerprint=left))
        self._lift(new.place)
        self.reached("lifted")
        new.remove()

    def _lift(self, there: Place) -> None:
        burial.lift(there, self.project, self.stack)

    def _switch(self, record: Record) -> None:
        place.write(self.identity, self.stack, record)
        self.reached("switched")
        place.end(self.identity, self.stack)
        self.reached("ended")

    def _drop(self, older: Place | None, *, besides: tuple[Place, ...]) -> None:
        """Remove the copy before the last from this machine; one in a bucket may be in others' use."""
        if older is None or older in besides or not older.local:
            return
        at = self._at(older)
        if at.exists():
            self._lift(older)
            at.remove()
        self._forget(older)

    def _forget(self, there: Place) -> None:
        if there.name:
            shutil.rmtree(place.folder(self.identity, there), ignore_errors=True)
            if there.local:
                shutil.rmtree(place.files(there), ignore_errors=True)

    def _wanted(self, new: At) -> str:
        return self.provider or new.place.secrets

    def _at(self, there: Place, *, ours: bool = False) -> At:
        if there.local:
            private.folder(place.files(there))
        return At(
            stack=self.stack,
            place=there,
            folder=self.prepare(there),
            cli=self.cli,
            environment=self.environment,
            ours=ours,
        )


def _is(current: Place, address: Address | None) -> bool:
    known = current.address
    return current.local if address is None else known is not None and known.same(address)


def _copy(source: Path, target: Path, *, without: tuple[str, ...] = ()) -> None:
    known = stackfile.read(source.read_bytes()).document if source.exists() else {}
    private.write(
        target, stackfile.write({name: value for name, value in known.items() if name not in without})
    )


def _add(target: Path, more: Mapping[str, str]) -> None:
    known = stackfile.read(target.read_bytes()).document
    private.write(target, stackfile.write({**known, **more}))
