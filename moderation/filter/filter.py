"""The filter: texts in, verdicts out. `check` and `check_many` return the same verdicts for the same lists.

It may be used from several threads. Every call works from first to last on one set of lists.
"""

import copy
import datetime as dt
import hashlib
import operator
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import NamedTuple

import msgspec

from moderation.filter.candidates import (
    MAX_HITS,
    SURENESS,
    Candidate,
    TextCandidates,
    drop_allowed,
    drop_duplicates,
    only_candidate,
)
from moderation.filter.compiled import Compiled
from moderation.filter.matcher import available
from moderation.filter.pace import uncollected
from moderation.filter.policy import Policy, Verdict
from moderation.filter.readings.emoji import MAX_CHARS
from moderation.filter.recipe import Recipe
from moderation.filter.result import Hit, Result
from moderation.filter.scan import Scan
from moderation.filter.utf16 import Units, same_units, utf16_spans, utf16_units
from moderation.lexicon import Channel, WordList
from moderation.personal.find import MAX_READ, Personal, personal
from moderation.personal.masking import masked, masked_blind
from moderation.personal.prefilter import prefilter
from moderation.text.boundary import segmenter
from moderation.text.fold import Folded

BATCH = 1 << 16
"""Texts folded and matched at once. Fewer cost more each, more fall out of the cache."""
BATCH_CHARS = 1 << 20
"""Code points after which a batch ends, so that long texts do not pile up."""
SOME = 1 << 10
"""Texts that show whether a batch repeats itself: if one in ten of them does."""
EVERY_CHANNEL = frozenset(Channel)
EXACT_CHANNELS = EVERY_CHANNEL - {
    Channel.HOMOPHONE,
    Channel.PINYIN,
    Channel.LEET,
    Channel.LOOKALIKE,
    Channel.ALNUM,
}
"""All that goes by written characters, one for one."""

PERSONAL_LIST = "personal"
PERSONAL_CATEGORY = "personal-data"


class _Lists(NamedTuple):
    """One state of the lists; never changed, only replaced. `added`: the lists of the overlay, numbered."""

    version: str
    base: Compiled
    overlay: Compiled | None
    clean: Result
    added: tuple[tuple[int, WordList], ...]


class Filter:
    """Checks texts against word lists.

    `channels`: what to look for; by default everything. `engine`: of `matcher.available()`, by default
    the best.
    `today`: entries that expire earlier are left out; call `turn` when the day changes, as the service does.
    """

    def __init__(
        self,
        lists: Iterable[WordList],
        *,
        policy: Policy | None = None,
        channels: frozenset[Channel] = EVERY_CHANNEL,
        engine: str | None = None,
        today: dt.date | None = None,
    ) -> None:
        self.policy = policy or Policy()
        self.channels = channels
        self.engine = engine or available()[0]
        self._locks()
        self._added = self._replacing = 0
        self._log: list[tuple[int, WordList]] = []
        self._today = today
        self._turned = dt.date.min
        self.day = self._day()
        """The day its terms count for. What has expired before is left out."""
        self._state = self._compile(tuple(lists))

    @property
    def version(self) -> str:
        """Of the lists: a digest, and `+n` with n terms in the overlay."""
        return self._state.version

    @property
    def lists(self) -> tuple[WordList, ...]:
        """What it checks against, the overlay's lists included."""
        state = self._state
        return state.base.lists + (state.overlay.lists if state.overlay else ())

    @property
    def clean(self) -> Result:
        """The result for every text in which nothing is found, one object as long as the lists stay so."""
        return self._state.clean

    def recipe(self) -> Recipe:
        """Return what another filter is built of that gives the same results."""
        state = self._state
        return Recipe(
            version=state.version,
            day=self.day,
            lists=state.base.lists,
            added=tuple(one for _, one in state.added),
            policy=self.policy,
            channels=self.channels,
            engine=self.engine,
        )

    @property
    def parts(self) -> dict[str, str]:
        """Which engine and which segmenter are at work."""
        return {"matcher": self.engine, "segmenter": segmenter()[0]}

    def with_channels(self, channels: frozenset[Channel]) -> "Filter":
        """The same lists, looked for in other ways. Changes to one filter do not reach the other."""
        twin = copy.copy(self)
        twin.channels = channels
        twin._locks()  # noqa: SLF001 - our own twin
        twin._replacing, twin._log = 0, list(self._state.added)  # noqa: SLF001
        return twin

    def _locks(self) -> None:
        # one rebuild after the other; additions wait for none of them
        self._changing, self._rebuilding = threading.Lock(), threading.Lock()

    # ------------------------------------------------------------ checking

    def check(self, text: str) -> Result:
        """One text.

        Raises:
            TypeError: if it is no str.
        """
        if not isinstance(text, str):
            raise TypeError(f"the text is {type(text).__name__}; allowed is str, so convert it first")
        return self._check(self._state, [text])[0]

    def check_many(self, texts: Iterable[str]) -> list[Result]:
        """Many texts, all against the same lists: `[check(text) for text in texts]`, much faster.

        Raises:
            TypeError: if `texts` is a str itself, or if one of them is none.
        """
        if isinstance(texts, str | bytes):
            raise TypeError(
                f"texts is one {type(texts).__name__}, {texts[:20]!r}; allowed are several str, so give "
                "a list of them, or ask check"
            )
        state = self._state
        every = texts if isinstance(texts, list) else list(texts)
        results: list[Result] = []
        try:
            for low in range(0, len(every), BATCH):
                with uncollected():
                    results += self._check_flood(state, every[low : low + BATCH])
        except TypeError as error:
            for at, text in enumerate(every):
                if not isinstance(text, str):
                    raise TypeError(
                        f"text {at} of {len(every)} is {type(text).__name__}; allowed is str, so convert it "
                        "first"
                    ) from error
            raise
        return results

    def _check_flood(self, state: _Lists, texts: list[str]) -> list[Result]:
        """Check equal texts of a batch once, if it has many: a flood repeats itself (666, 哈哈哈)."""
        some = texts[:SOME]
        if len(texts) < 2 or 10 * len(set(some)) > 9 * len(some):
            return self._check(state, texts)
        results_of = dict.fromkeys(texts, state.clean)
        for text, result in zip(results_of, self._check(state, list(results_of)), strict=True):
            results_of[text] = result
        return list(operator.itemgetter(*texts)(results_of))

    def _check(self, state: _Lists, texts: list[str]) -> list[Result]:
        joined = "\n".join(texts)
        if len(joined) > BATCH_CHARS and len(texts) > 1:
            half = len(texts) // 2
            return self._check(state, texts[:half]) + self._check(state, texts[half:])
        batch = Folded(texts, joined)
        lists = (state.base,) if state.overlay is None else (state.base, state.overlay)
        scans = [Scan(each, batch, texts, self.channels) for each in lists]
        data = self._personal(batch, texts, scans) if Channel.PERSONAL in self.channels else {}
        judged = {
            number
            for scan in scans
            for number, candidates in scan.found.by_text.items()
            if candidates.found or candidates.too_many
        }
        judged.update(data)
        if len(batch.codes) > MAX_CHARS:
            judged.update((batch.lengths > MAX_CHARS).nonzero()[0].tolist())
        if len(scans) > 1:
            judged.update(*(scan.found.lone for scan in scans))
        results = [state.clean] * len(texts)
        for number in judged:
            each = [(scan.compiled, scan.found.of(number)) for scan in scans]
            results[number] = self._judge(state, texts[number], each, data.get(number, []))
        if lone := scans[0].found.lone:
            for number, result in zip(lone, self._rate_lone(state, lone, batch), strict=True):
                results[number] = result
        return results

    def _rate_lone(
        self, state: _Lists, lone: dict[int, tuple[int, int, int]], batch: Folded
    ) -> Iterator[Result]:
        """Return the results that `_judge` would, for many texts with one plain candidate each."""
        exact, base = Channel.EXACT, state.base
        verdicts_of = [self.policy.verdict(source[2], exact, clean=True) for source in base.sources]
        rated = [
            (*source, verdict, self.policy.stages[verdict])
            for source, verdict in zip(base.sources, verdicts_of, strict=True)
        ]
        starts, ends, numbers = zip(*lone.values(), strict=True)
        each = map(rated.__getitem__, base.source_of.take(numbers).tolist())
        lists, categories, severities, titles, verdicts, stages = zip(*each, strict=True)
        terms, utf16 = map(base.texts.__getitem__, numbers), utf16_spans(batch, lone, starts, ends)
        hits = map(
            Hit,
            terms,
            lists,
            categories,
            severities,
            repeat(exact),
            starts,
            ends,
            utf16,
            repeat(True),
            titles,
        )
        return map(Result, verdicts, stages, repeat(state.version), zip(hits, strict=True), repeat(0))

    def _personal(self, batch: Folded, texts: list[str], scans: list[Scan]) -> dict[int, list[Personal]]:
        every = [one for scan in scans for one in scan.found.by_text.items()]
        announced = [number for number, candidates in every if candidates.triggered]
        maybe = prefilter(batch, texts[0], announced, (scans[0].places, scans[0].marks))
        return {number: read for number in maybe if (read := personal(texts[number]))}

    def _judge(
        self,
        state: _Lists,
        text: str,
        each: list[tuple[Compiled, TextCandidates]],
        data: list[Personal],
    ) -> Result:
        units = utf16_units(text)
        lone = only_candidate(each[0][1], is_complete=len(text) <= MAX_CHARS)
        if not data and len(each) == 1 and lone is not None:
            return self._only(state, *self._rate(each[0][0], lone, units))
        if len(each) > 1:
            # an allow-phrase counts for all lists, whichever part of them it came with
            allowed = [span for _, candidates in each for span in candidates.allowed]
            for _, candidates in each:
                candidates.allowed = allowed
        candidates_of = [
            (compiled, candidate)
            for compiled, candidates in each
            for candidate in drop_duplicates(drop_allowed(candidates))
        ]
        too_many = len(text) > MAX_CHARS or len(candidates_of) > MAX_HITS
        too_many = too_many or any(candidates.too_many for _, candidates in each)
        rated: list[tuple[Verdict, Hit]] = []
        rated += [self._rate(compiled, candidate, units) for compiled, candidate in candidates_of[:MAX_HITS]]
        for one in data:
            hit = Hit(
                one.kind,
                PERSONAL_LIST,
                PERSONAL_CATEGORY,
                one.severity,
                Channel.PERSONAL,
                one.start,
                one.end,
                units(one.start, one.end),
            )
            rated.append((self.policy.verdict(one.severity, Channel.PERSONAL, True), hit))
        if not rated and not too_many:
            return state.clean
        rated.sort(
            key=lambda one: (one[1].start, one[1].end, SURENESS[one[1].channel], one[1].list, one[1].term)
        )
        verdict = max((one for one, _ in rated), default=Verdict.SUSPECTED)
        cause = next((at for at, (one, _) in enumerate(rated) if one == verdict), -1)
        if too_many and verdict < Verdict.IMPORTANT:
            verdict, cause = Verdict.IMPORTANT, -1  # no hit did that
        return Result(
            verdict=verdict,
            stages=self.policy.stages[verdict],
            version=state.version,
            hits=tuple(hit for _, hit in rated),
            cause=cause,
            masked=masked(text, data) if data or len(text) > MAX_READ else None,
            complete=not too_many,
        )

    def _rate(self, compiled: Compiled, candidate: Candidate, units: Units) -> tuple[Verdict, Hit]:
        term = compiled.terms[candidate.term]
        start, end, severity, channel, clean = (
            candidate.start,
            candidate.end,
            term.severity,
            candidate.channel,
            candidate.clean,
        )
        span = (start, end) if units is same_units else units(start, end)
        hit = Hit(
            term.text, term.list, term.category, severity, channel, start, end, span, clean, term.title_zh
        )
        return self.policy.verdict(severity, channel, clean), hit

    def _only(self, state: _Lists, verdict: Verdict, hit: Hit) -> Result:
        return Result(verdict, self.policy.stages[verdict], state.version, (hit,), 0)

    def late(self, text: str) -> Result:
        """Return the verdict on a text that was not checked in time: full review, personal data masked."""
        shown = masked_blind(text[:MAX_READ]) + "*" * (len(text) - MAX_READ)
        return Result(
            verdict=Verdict.IMPORTANT,
            stages=max(self.policy.stages.values()),
            version=self.version,
            masked=shown if shown != text else None,
            complete=False,
            late=True,
        )

    # ------------------------------------------------------------ changing the lists

    def add(self, more: WordList) -> str:
        """Check against more terms from now on. Only they are compiled: a thousand take milliseconds.

        Call `settle` some time after, to fold them in. Returns the new version. It only adds: a term that is
        there already, with another severity, is found twice, the graver one counts, and `settle` keeps both.
        To lower a severity, `replace` the lists.
        """
        with self._changing:
            self._added += 1
            self._log.append((self._added, more))
            self._state = self._over(self._state, (*self._state.added, self._log[-1]))
            return self._state.version

    def replace(self, lists: Iterable[WordList]) -> str:
        """Check against these lists, and no others, once they are compiled.

        What `add` adds meanwhile is kept. Returns the new version.
        """
        with self._changing:
            so_far = self._added
            self._replacing += 1
        with self._rebuilding:
            try:
                return self._rebuild(tuple(lists), so_far)
            finally:
                with self._changing:
                    self._replacing -= 1
                    self._forget()

    def settle(self) -> str:
        """Fold what `add` added in with the rest. Returns the new version."""
        with self._rebuilding:
            with self._changing:
                lists, so_far = self.lists, self._added
            return self._rebuild(lists, so_far)

    def turn(self, today: dt.date) -> str:
        """Go on to a later day: terms whose last day has passed are left out. Returns the version.

        Compiles only if there are any. Until it has, they are found as before.
        """
        with self._rebuilding:
            with self._changing:
                lists, so_far, before = self.lists, self._added, self._turned
                gone = any(
                    entry.expires is not None and self.day <= entry.expires < today
                    for one in lists
                    for entry in one.entries
                )
                self._turned = max(before, today)
            try:
                version = self._rebuild(lists, so_far) if gone else self.version
            except BaseException:
                self._turned = before
                raise
            self.day = max(self.day, today)
            return version

    def _rebuild(self, lists: tuple[WordList, ...], so_far: int) -> str:
        """Compile aside, then swap. What was added after number `so_far` stays on top."""
        fresh = self._compile(lists)
        with self._changing:
            meanwhile = tuple(one for one in self._log if one[0] > so_far)
            self._state = self._over(fresh, meanwhile) if meanwhile else fresh
            self._forget()
            return self._state.version

    def _forget(self) -> None:
        """What is folded in need not be known, unless a replacement waits that may have to keep it."""
        if not self._replacing:
            self._log = list(self._state.added)

    def _over(self, state: _Lists, added: tuple[tuple[int, WordList], ...]) -> _Lists:
        lists = tuple(one for _, one in added)
        overlay = Compiled(lists, self._day(), self.engine)
        version = f"{state.version.split('+')[0]}+{_digest(lists)[:6]}.{len(overlay.terms)}"
        return _Lists(version, state.base, overlay, self._clean(version), added)

    def _compile(self, lists: tuple[WordList, ...]) -> _Lists:
        version = _digest(lists)
        base = Compiled(lists, self._day(), self.engine, self._give_way)
        return _Lists(version, base, None, self._clean(version), ())

    def _give_way(self) -> None:
        """Wait for additions under way: they are short, and at once."""
        with self._changing:
            pass

    def _clean(self, version: str) -> Result:
        return Result(verdict=Verdict.CLEAN, stages=self.policy.stages[Verdict.CLEAN], version=version)

    def _day(self) -> dt.date:
        return max(self._turned, self._today or dt.datetime.now(tz=dt.UTC).astimezone().date())


def _digest(lists: Sequence[WordList]) -> str:
    digest = hashlib.sha256()
    for one in lists:
        try:
            digest.update(msgspec.msgpack.encode(one, order="deterministic"))
        except UnicodeEncodeError:  # half a surrogate pair, which no file can hold but a caller can
            digest.update(ascii(one).encode())
    return digest.hexdigest()[:12]
