"""A gallery as a runtime uses it: a verified copy on this machine, kept in step with what is published."""

from __future__ import annotations

import datetime as dt
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, cast

from galleryctl import canonical
from galleryctl.client import asking
from galleryctl.client.cache import Cache, MovedError
from galleryctl.client.errors import (
    ClientError,
    ExpiredError,
    OfflineError,
    PullError,
    UnknownError,
    VerificationError,
)
from galleryctl.client.results import Host, Listed, Synced
from galleryctl.fetch import FetchError, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Unpack

    from galleryctl.client import sources
    from galleryctl.client.cache import Facts
    from galleryctl.client.holding import Holding
    from galleryctl.client.locking import Lock
    from galleryctl.client.outdated import Outdated
    from galleryctl.client.pulling import Options
    from galleryctl.client.references import Reference
    from galleryctl.client.results import Pulled, Resolved
    from galleryctl.client.syncing import Outcome, Wanted
    from galleryctl.fetch import Fetcher
    from galleryctl.fetch.port import Streamer
    from galleryctl.spec.published import Catalog

    T = TypeVar("T")

Policy = Literal["strict"] | dt.timedelta
_LIMITS = Limits(seconds=120.0, attempts=3)
_RACES = 20
"""How often somebody else may be faster before we believe that it never ends."""
_MIRRORS = 16  # of a head that are asked: each may keep us waiting


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Gallery:
    """One gallery, and what is at hand of it.

        gallery = Gallery("https://models.example.org/", root=Path("root.json"))
        synced = gallery.sync(["llm"])
        if synced.stale:
            log.warning("the model list is old: %s", synced.stale)

    `url` is the address of the site, or a folder. `root` is a root of trust: N.root.json of the gallery, as bytes or
    as a file, that came to you on a way you trust; the newer ones are followed from it. With `unsigned` nobody vouches
    for the gallery: documents are still held to the digests of its head, and its serial may not fall.

    `cache` is a folder; the user's cache folder unless given. Threads and processes may share it.

    `policy` says what happens once nobody vouches for the state any more, because the metadata have expired: `strict`
    refuses to read models then, a `timedelta` goes on that much longer. Revocations count all the same.

    The gallery's own address may lie inside this network: whoever made this object named it. Mirrors, which the gallery
    names, may only with `allow_private`. `limits.seconds` is the longest time of one answer; a synchronisation takes no
    more than eight of them. `fetcher` and `now` replace the network and the clock.

    Methods may be called from any thread. Raises VerificationError without a root, ClientError where none can be read.
    """

    def __init__(  # noqa: PLR0913 - what operators decide, each by its name
        self,
        url: str | Path,
        *,
        root: Path | str | bytes | None = None,
        cache: Path | str | None = None,
        policy: Policy = "strict",
        unsigned: bool = False,
        allow_private: bool = False,
        now: Callable[[], dt.datetime] = _now,
        fetcher: Fetcher | None = None,
        limits: Limits = _LIMITS,
    ) -> None:
        self._address = asking.base(url)
        self._root = _root(root, self._address, unsigned=unsigned)
        self._policy: Policy = policy
        self._allow_private = allow_private
        self._now = now
        self._limits = limits
        self._given = fetcher
        self._own: dict[tuple[int, bool], Fetcher] = {}
        name = canonical.digest(self._address.encode() + b"\n" + (self._root or b"unsigned"))[:32]
        self._cache = Cache(Path(cache or folder()) / f"{name}.sqlite")
        self._one = threading.Lock()
        self._held: Holding | None = None

    @property
    def url(self) -> str:
        """Its address, without what could be a login."""
        return asking.shown(self._address)

    def sync(self, types: Iterable[str] | None = None, *, natives: str | None = None) -> Synced:
        """Fetch what is new, verify it, and store all of it or nothing.

        `types` are model types, such as `["llm"]`; those at hand stay in step. `"all"` is every type from now on, those
        to come too. Without them: those at hand, and every type where the first synchronisation named none. `natives`
        is a runtime whose own files are wanted. What the gallery does not have is a warning.

        Where the gallery and its mirrors cannot be read, and something is at hand, that stays: `Synced.stale` says why.

        Raises, with the last good state still in use:
            OfflineError: nothing could be read, and nothing is at hand.
            VerificationError: what came is not what was signed: RollbackError, ExpiredError (unless the policy still
                allows the state at hand), ClockError, DamagedError.
            SchemaError: the gallery has moved on to what this client cannot read.
        """
        from galleryctl.client import syncing  # noqa: PLC0415 - on use: reading documents needs pydantic

        wanted = syncing.wanted(types, natives)
        counted = asking.Counted()
        with self._one:
            failures: list[str] = []
            for index, address in enumerate([self._address, *self._mirrors()]):
                try:
                    return self._synced(self._attempts(address, wanted, counted, mirror=index > 0), counted)
                except FetchError as error:
                    failures.append(str(error))
                except VerificationError as error:
                    if index == 0:
                        return self._tolerated(error, counted)
                    failures.append(str(error))
            return self._stale("; ".join(failures), counted)

    def state(self) -> Synced:
        """What is at hand, and how old it is; `stale` tells whether it has expired.

        Raises OfflineError where nothing is at hand.
        """
        held = self._any()
        base = self._cache.base()
        if base.facts is None:
            raise self._nothing()
        return self._told(held.catalog, base.facts, held.types)

    def models(self, type: str | None = None) -> Iterator[Listed]:  # noqa: A002 - the word of the design
        """Every listed model at hand, of one type or of all, by type and id.

        What this client cannot read, or needs something that it does not know, is left out; `skipped` tells which.

        Raises OfflineError where nothing is at hand, ExpiredError and ClockError as the policy says.
        """
        return (each for each in self._listed(type) if isinstance(each, Listed))

    def skipped(self, type: str | None = None) -> tuple[tuple[str, str], ...]:  # noqa: A002 - as above
        """Ids of listed models that `models` leaves out, each with the reason. Raises as `models` does."""
        return tuple(each for each in self._listed(type) if not isinstance(each, Listed))

    def resolve(
        self,
        reference: str | Reference,
        *,
        runtime: str | None = None,
        memory: int | None = None,
        formats: Iterable[str] = (),
        context: int = 4096,
        requests: int = 1,
        lock: Lock | None = None,
    ) -> Resolved:
        """The build that `publisher/name[@version or range][:variant]` stands for on a host, and why.

            gallery.resolve("qwen/qwen3@1.x", runtime="llama.cpp", memory=12 * 2**30).files

        `memory` are bytes for weights, cache and working space together; `context` are tokens, for each of `requests`.
        With a `lock` (`locking.read(path)`) it is the build that the lock holds, whatever has come since.

        Raises UnknownError, RefusedError and NoFitError (all ResolveError), LockError; SchemaError where it needs a
        later client; OfflineError where it needs a document that is not at hand; ExpiredError and ClockError as the
        policy says.
        """
        from galleryctl.client import resolving  # noqa: PLC0415 - on use

        host = Host(memory, context, requests, runtime, tuple(formats))
        if lock is None:
            found = self._reading(lambda held: resolving.resolve(held, reference, host))
        else:
            found = self._reading(lambda held: resolving.locked(held, lock, reference, host))
        old = self.state().stale
        return replace(found, warnings=(*found.warnings, f"The index is old: {old}.")) if old else found

    def outdated(self, lock: Lock) -> tuple[Outdated, ...]:
        """How each pin of a lock stands, by reference.

            urgent = [pin.says for pin in gallery.outdated(locking.read(path)) if pin.urgent]

        Raises as `models` does.
        """
        from galleryctl.client import outdated  # noqa: PLC0415 - on use

        return self._reading(lambda held: outdated.outdated(held, lock))

    def native(self, runtime: str) -> Mapping[str, bytes]:
        """The files of a runtime, such as `xinference`, by their path below `/runtimes/<runtime>/`.

        They come with `sync(natives=runtime)`, and stay in step from then on. Raises UnknownError where there are none.
        """

        def read(held: Holding) -> dict[str, bytes]:
            return self._cache.files(f"native/{runtime}", held.number)

        found = self._reading(read)
        if not found:
            raise UnknownError(
                f"no files for {ascii(runtime)[1:-1]} are at hand: sync(natives={runtime!r}) fetches them"
            )
        return found

    def files(
        self, found: Resolved, *, order: Sequence[str] = (), mirrors: Iterable[str] = ()
    ) -> tuple[sources.Wanted, ...]:
        """The files of a build, each with its addresses: its sources, the gallery's mirrors, the gallery itself.

        `order` are kinds of source to try first (`sources.KINDS`); `mirrors` further ones, which may lie inside this
        network, since you name them. Raises PullError where the definition leads elsewhere than it should.
        """
        from galleryctl.client import sources  # noqa: PLC0415 - on use

        own = [*map(asking.base, mirrors), *sources.itself(self._address)]
        return sources.wanted(found, order=order, mirrors=self._mirrors(), own=own, allow_private=self._allow_private)

    def pull(
        self,
        found: Resolved | str | Reference,
        into: Path | str,
        *,
        order: Sequence[str] = (),
        mirrors: Iterable[str] = (),
        **options: Unpack[Options],
    ) -> Pulled:
        """Bring the files of a build into a folder, verified while they come; what is there already stays.

            build = gallery.resolve("qwen/qwen3", memory=12 * 2**30)
            gallery.pull(build, "/srv/models/qwen3").files

        An interrupted pull goes on where it was. `order` and `mirrors` as in `files`; `options` as in `pulling.pull`.

        Raises PullError: a file cannot be brought here whole; the text says why, source by source. RefusedError: the
        build was revoked since it was resolved. Given a reference instead of a build, also what `resolve` raises.
        """
        from galleryctl.client import pulling  # noqa: PLC0415 - on use
        from galleryctl.client.results import Resolved  # noqa: PLC0415 - on use

        build = found if isinstance(found, Resolved) else self.resolve(found)
        if self._cache.base().catalog is not None:
            self._any().permit(build)
        files = self.files(build, order=order, mirrors=mirrors)
        return pulling.pull(files, Path(into), fetcher=self.streamer(), own=self.streamer(own=True), **options)

    def streamer(self, *, own: bool = False) -> Streamer:
        """What asks the addresses of definitions; with `own`, those that the operator named."""
        found = self._through(mirror=not own)
        if not hasattr(found, "opened"):
            raise PullError("the fetcher that was given reads no parts of files: it lacks `opened`")
        return cast("Streamer", found)

    def _listed(self, kind: str | None) -> Iterator[Listed | tuple[str, str]]:
        from galleryctl.client.listing import listed  # noqa: PLC0415 - on use

        def read(held: Holding) -> tuple[Holding, list[tuple[str, dict[str, bytes]]]]:
            return held, [(each, held.rows(each)) for each in held.types if kind in {None, each}]

        held, rows = self._reading(read)
        return (listed(held, each, name, row) for each, found in rows for name, row in sorted(found.items()))

    def _reading(self, work: Callable[[Holding], T]) -> T:
        """Something over one state; again over the next where somebody stored it in between."""
        for _ in range(_RACES):
            held = self._usable()
            try:
                return work(held)
            except MovedError:
                continue
        raise ClientError(f"{self.url}: its state changes faster than it can be read")

    def _usable(self) -> Holding:
        from galleryctl.client import heads  # noqa: PLC0415 - on use

        held, facts, now = self._any(), self._cache.base().facts, self._now()
        heads.punctual(held.catalog, now)
        expires = _moment(facts.expires) if facts is not None and facts.expires is not None else None
        grace = self._policy if isinstance(self._policy, dt.timedelta) else dt.timedelta(0)
        if expires is not None and now >= expires + grace:
            last = f"nobody vouches for this state since {expires:%Y-%m-%dT%H:%M:%SZ}"
            more = f", and the grace of {grace.days} days is over" if grace else ""
            raise ExpiredError(
                f"timestamp: {last}{more}; this machine's clock says {now:%Y-%m-%dT%H:%M:%SZ}: synchronise, or allow a "
                "longer grace (policy=timedelta(days=…), --grace)",
                step="timestamp",
            )
        return held

    def _any(self) -> Holding:
        from galleryctl.client.holding import Holding  # noqa: PLC0415 - on use

        base, newest = self._cache.base(), self._cache.newest()
        if base.catalog is None:
            raise self._nothing()
        held = self._held
        if held is None or held.number != base.number or held.newest != (newest[:2] if newest else None):
            held = Holding(self._cache, base, self.url, self._fetched, self._now)
            self._held = held
        return held

    def _nothing(self) -> OfflineError:
        told = "".join(f"; {each}" for each in self._cache.told())
        return OfflineError(f"{self.url}: nothing of it is at hand yet: synchronise first{told}")

    def _fetched(self, path: str, sha256: str, length: int) -> bytes:
        failed: FetchError | None = None
        for index, address in enumerate([self._address, *self._mirrors()]):
            try:
                return self._reader(address, asking.Counted(), mirror=index > 0).document(path, sha256, length)
            except FetchError as error:
                failed = failed or error
        said = f"{failed}; what is at hand goes on working; if this goes on, sync() and try again"
        raise OfflineError(said) from failed

    def _attempts(self, address: str, wanted: Wanted, counted: asking.Counted, *, mirror: bool) -> Outcome:
        from galleryctl.client.syncing import Syncing  # noqa: PLC0415 - on use

        for _ in range(_RACES):
            attempt = Syncing(self._cache, self._reader(address, counted, mirror=mirror), self._root, self._now())
            try:
                return attempt.run(wanted)
            except MovedError:
                continue
            except (FetchError, ClientError):
                attempt.keep()
                raise
        raise ClientError(f"{self.url}: others store new states faster than this client can")

    def _reader(self, address: str, counted: asking.Counted, *, mirror: bool) -> asking.Reader:
        if address.startswith("file:"):
            if mirror and not self._allow_private:
                raise FetchError(f"{address}: a mirror on this machine is read with --allow-private only")
            return asking.Reader(address, None, self._limits, counted)
        return asking.Reader(address, self._through(mirror=mirror), self._limits, counted)

    def _through(self, *, mirror: bool) -> Fetcher:
        if self._given is not None:
            return self._given
        private = self._allow_private or not mirror
        key = (os.getpid(), private)  # connections are not shared with a child
        if key not in self._own:
            from galleryctl.fetch import Http  # noqa: PLC0415 - on use

            self._own[key] = Http(allow_private=private)
        return self._own[key]

    def _mirrors(self) -> list[str]:
        base = self._cache.base()
        if base.catalog is None:
            return []
        found = (asking.base(each) for each in self._any().catalog.mirrors if "://" in each)
        return [each for each in dict.fromkeys(found) if each != self._address][:_MIRRORS]

    def _synced(self, done: Outcome, counted: asking.Counted) -> Synced:
        told = self._told(done.catalog, done.facts, self._any().types)
        warnings = (*self._cache.told(), *done.warnings)
        return replace(
            told, changed=done.changed, bytes=counted.bytes, requests=counted.requests, stale="", warnings=warnings,
            lacking=done.lacking,
        )  # fmt: skip

    def _told(self, catalog: Catalog, facts: Facts, types: tuple[str, ...]) -> Synced:
        expires = None if facts.expires is None else _moment(facts.expires)
        checked, now = _moment(facts.checked), self._now()
        old = expires is not None and now >= expires
        stale = f"nobody vouches for it since {expires:%Y-%m-%dT%H:%M:%SZ}; {_age(checked, now)}" if old else ""
        return Synced(catalog.serial, catalog.epoch, catalog.built, checked, expires, types, changed=False, stale=stale)

    def _tolerated(self, error: VerificationError, counted: asking.Counted) -> Synced:
        """Expired metadata are no attack as long as the policy goes on with what is at hand."""
        if not isinstance(error, ExpiredError) or self._policy == "strict":
            raise error
        try:
            self._usable()
        except ClientError:
            raise error from None
        return self._stale(str(error), counted)

    def _stale(self, why: str, counted: asking.Counted) -> Synced:
        try:
            state = self.state()
        except OfflineError as error:
            raise OfflineError(f"{why}; nothing is at hand") from error
        said = f"{why}; the index of {state.built:%Y-%m-%d} (serial {state.serial}) is served, "
        said += _age(state.checked, self._now())
        return replace(state, bytes=counted.bytes, requests=counted.requests, stale=said, warnings=self._cache.told())


def folder() -> Path:
    """Where this user's caches are."""
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/galleryctl"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "galleryctl"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "galleryctl"


def _root(root: Path | str | bytes | None, address: str, *, unsigned: bool) -> bytes | None:
    if unsigned:
        if root is not None:
            raise VerificationError("root: give a root or unsigned=True, not both: which one counts?", step="root")
        return None
    if root is None:
        raise VerificationError(
            "root: a gallery is trusted through its root, and none was given: take N.root.json from the people who run "
            f"it (their repository has it in registry/trust/; {address}metadata/1.root.json is the same file, but "
            "compare it with them), and pass root=… (--root); unsigned=True (--unsigned) reads it without anybody "
            "vouching for it",
            step="root",
        )
    if isinstance(root, bytes):
        return root
    try:
        return Path(root).read_bytes()
    except OSError as error:
        raise VerificationError(f"root: {root} cannot be read: {error.strerror}", step="root") from error


def _moment(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _age(checked: dt.datetime, now: dt.datetime) -> str:
    hours = max(0, int((now - checked).total_seconds() // 3600))
    if hours < 1:
        return "checked less than an hour ago"
    return f"checked {hours} hour{'s' * (hours != 1)} ago" if hours < 48 else f"checked {hours // 24} days ago"  # noqa: PLR2004
