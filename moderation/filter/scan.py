"""Scan of a batch of texts for the terms of compiled lists; it drops matches that are there by chance."""

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Sequence

import numpy as np

from moderation.filter.candidates import MAX_RAW, BatchCandidates, Candidate, TextCandidates
from moderation.filter.compiled import ALLOW, ALLOW_OVER_STOPS, PICTURE, TRIGGER, VARIANT, Compiled, Sense
from moderation.filter.matcher import Match
from moderation.filter.readings.decomposition import MAX_PAIRS, compose
from moderation.filter.readings.phonetic import PhoneticMatcher, lines_with_letters, repeats_suffice
from moderation.filter.readings.variants import Variant, remove_inserted, variants
from moderation.filter.spans import FEW, Span, columns, find_many_spans, find_spans
from moderation.lexicon import Channel
from moderation.text.edges import gaps_of, has_stop, has_word_edges, part_of_number, straddles, with_marks
from moderation.text.fold import Folded
from moderation.text.lettered import cuts_compound
from moderation.text.tables import Flags, Index, Kind, tables

_WRITTEN = (Channel.EXACT, Channel.ALIAS)
_JUDGED = (*_WRITTEN, Channel.SPLIT)
"""Ways of writing in which a match may be parts of other words by chance."""


class Scan:
    """Matches one batch against one compiled set, in every channel of `channels`.

    `places`, `marks`: the original positions of all that `Compiled.marks` marks, and how.
    """

    def __init__(
        self, compiled: Compiled, batch: Folded, texts: list[str], channels: frozenset[Channel]
    ) -> None:
        self.compiled = compiled
        self.batch = batch
        self.texts = texts
        self.found = BatchCandidates()
        self._phonetic = PhoneticMatcher(compiled, texts, self.found)
        read = None
        self._match_exact()
        parts = None
        if Channel.SPLIT in channels and len(batch.folded) > 1:
            parts = compiled.decomposition.places(batch)
            if not any(map(len, parts)):
                parts = None
        if parts:
            self._match_composed(parts)
        marks = compiled.marks.take(batch.codes)
        self.places = (marks != 0).nonzero()[0]
        self.marks = marks.take(self.places)
        pictures = self.places[(self.marks & PICTURE) != 0]
        if Channel.EMOJI in channels and len(pictures):
            read = compiled.emoji.read(
                batch,
                pictures,
                by_sound=Channel.HOMOPHONE in channels,
                beside_letters=Channel.PINYIN in channels,
            )
        if read is not None:
            self._match_emoji(*read, by_sound=Channel.HOMOPHONE in channels)
        variant_flags = self.places[self.marks >= VARIANT]
        if len(variant_flags) and (other := list(variants(batch, texts, channels, variant_flags))):
            self._match_variants(other)
        if Channel.LEET in channels:
            self._match_leet()
            self._match_inserted()
        if Channel.HOMOPHONE in channels:
            self._phonetic.match_homophones(batch)
        if Channel.PINYIN in channels:
            for source in (batch, read[0] if read else None):
                self._match_pinyin(source)
        if Channel.LOOKALIKE in channels:
            self._phonetic.keep_unsure(batch, compiled.lookalikes.find(batch), Channel.LOOKALIKE)
        if Channel.ALNUM in channels:
            self._phonetic.keep_unsure(batch, compiled.alnum.find(batch), Channel.ALNUM)
        if parts:
            self._match_beside_composed(
                parts, pictures if Channel.EMOJI in channels else pictures[:0], channels
            )

    # ------------------------------------------------------------ exact

    def _match_exact(self) -> None:
        matches = self.compiled.exact.find(self.batch.text)
        if not matches:
            return
        if len(matches) <= FEW:
            least = self.compiled.least
            rows = zip(matches, find_spans(self.batch, self.texts, matches), strict=True)
            some = [(match, where) for match, where in rows if where[2] - where[1] >= least.item(match[2])]
            self._keep_matches([match for match, _ in some], [where for _, where in some])
            return
        found = columns(matches)
        where = find_many_spans(self.batch, found)
        long = (where.highs - where.lows >= self.compiled.least.take(found[2])).nonzero()[0]
        where = where.take(long)
        terms = self.compiled.plain.take(found[2].take(long))
        lone = where.alone & (terms >= 0)
        shared = where.numbers[1:] == where.numbers[:-1]
        lone[1:] &= ~shared
        lone[:-1] &= ~shared
        at = lone.nonzero()[0]
        numbers, *candidates = (each.take(at).tolist() for each in (*where[:3], terms))
        self.found.lone = dict(zip(numbers, zip(*candidates, strict=True), strict=True))
        rest = (~lone).nonzero()[0]
        self._keep_matches([matches[one] for one in long.take(rest).tolist()], where.take(rest).rows())

    def _keep_matches(self, matches: Sequence[Match], where: Iterable[Span]) -> None:
        for (start, end, pattern), (number, low, high, bare, alone, _) in zip(matches, where, strict=True):
            candidates = self.found.more(number)
            if candidates.too_many:
                continue
            for sense in self.compiled.meanings(pattern):
                if alone and sense.runs is None and sense.term >= 0 and sense.channel is Channel.EXACT:
                    candidates.found.append(Candidate(low, high, sense.term, Channel.EXACT, True))
                    continue
                if (sense.runs is not None or not bare) and not self._has_repeats(start, end, sense.runs):
                    continue
                if sense.term == TRIGGER:
                    candidates.triggered = True
                    continue
                begin = self.batch.original_begins.item(number)
                if not bare and end - start == 1 and (pieces := self._find_pieces(start, sense.runs)):
                    for first, last in pieces:
                        self._keep_match(number, candidates, (first - begin, last - begin), sense, True)
                elif not bare and not has_word_edges(self.texts[number], low, high):
                    first, last = self._trim_repeats(start, end, sense.runs)
                    self._keep_match(number, candidates, (first - begin, last - begin), sense, bare)
                else:
                    self._keep_match(number, candidates, (low, high), sense, bare)

    def _has_repeats(self, start: int, end: int, runs: tuple[int, ...] | None) -> bool:
        """Letters stand at least as often as in the term; digits exactly so, for 8888 is not 888.

        Digits may stand so often in one piece of several: 888 888. In words, number words are letters.
        """
        batch = self.batch
        there = batch.run_lengths(start, end)
        number = batch.text[start:end].isdecimal()
        for at, (have, want) in enumerate(zip(there, runs or (1,) * len(there), strict=True), start):
            if have < want:
                return False
            exactly = have > want and batch.text[at].isdecimal() and (number or not self._is_word(at))
            if exactly and all(count != want for _, _, count in self._split_unbroken(at)):
                return False
        return True

    def _is_word(self, at: int) -> bool:
        """Whether a folded digit is a number word where it stands."""
        batch = self.batch
        code = batch.codes.item(batch.kept.item(batch.runs.item(at)))
        return tables().kind[code] == Kind.HAN

    def _split_unbroken(self, at: int) -> list[tuple[int, int, int]]:
        """The unbroken pieces of a folded character with its repeats: original span, and how many."""
        kept = self.batch.kept_of(at)
        cuts = (np.flatnonzero(np.diff(kept) > 1) + 1).tolist()
        bounds = zip([0, *cuts], [*cuts, len(kept)], strict=True)
        return [(kept.item(low), kept.item(high - 1) + 1, high - low) for low, high in bounds]

    def _find_pieces(self, at: int, runs: tuple[int, ...] | None) -> list[tuple[int, int]]:
        """Of one character with its repeats: the unbroken pieces that are the term each (888 888)."""
        want, exactly = runs[0] if runs else 1, self.batch.text[at].isdecimal()
        return [
            (low, high)
            for low, high, count in self._split_unbroken(at)
            if (count == want if exactly else count >= want)
        ]

    def _trim_repeats(self, start: int, end: int, runs: tuple[int, ...] | None) -> tuple[int, int]:
        """The span without repeats at its two ends that stand apart: of "coupon now" not the n of now."""
        low, high = self.batch.span(start, end)
        last = self._split_unbroken(end - 1)
        if len(last) > 1 and last[0][2] >= (runs[-1] if runs else 1):
            high = last[0][1]
        first = self._split_unbroken(start)
        if len(first) > 1 and first[-1][2] >= (runs[0] if runs else 1) and end - start > 1:
            low = first[-1][0]
        return low, high

    def _keep_match(
        self, number: int, candidates: TextCandidates, span: tuple[int, int], sense: Sense, bare: bool
    ) -> None:
        """Keep a match whose letters are there, if it stands at the edges of words."""
        start, end = span
        text = self.texts[number]
        if not has_word_edges(text, start, end) or cuts_compound(text, start, end):
            return
        if sense.runs and self._is_number(sense) and part_of_number(text, start, end):
            return
        if sense.term in (ALLOW, ALLOW_OVER_STOPS):
            if sense.term == ALLOW_OVER_STOPS or not has_stop(text, start, end):
                candidates.allowed.append((start, end))
            return
        gaps = bare or gaps_of(text, start, end, term=self.compiled.terms[sense.term].entry.term)
        if gaps is None:
            return
        clean = gaps and not straddles(text, start, end)
        end = with_marks(text, end)
        candidates.found.append(Candidate(start, end, sense.term, sense.channel, clean))

    def _is_number(self, sense: Sense) -> bool:
        return sense.term >= 0 and self.compiled.folded[sense.term].isdecimal()

    # ------------------------------------------------------------ other readings

    def _match_composed(self, parts: tuple[Index, Index]) -> None:
        """Split characters: every reading is a line of one haystack."""
        read = list(compose(self.batch, self.compiled.decomposition, parts))
        if not read:
            return
        if len(read) >= MAX_PAIRS:
            centres = np.array([one.place(one.centre) for one in read])
            counts = np.bincount(self.batch.folded_lines()[0].searchsorted(centres, "right") - 1)
            for number in (counts >= MAX_PAIRS).nonzero()[0].tolist():
                self.found.of(number).raw = MAX_RAW + 1
        begins = list(itertools.accumulate((len(one.reading) + 1 for one in read), initial=0))
        for start, end, pattern in self.compiled.exact.find("\n".join(one.reading for one in read)):
            which = bisect_right(begins, start) - 1
            one = read[which]
            first, last = one.place(start - begins[which]), one.place(end - begins[which])
            if start - begins[which] <= one.centre < end - begins[which]:
                low, high = self.batch.span(first, last)
                number = self.batch.number(low)
                self.found.more(number)
                begin = self.batch.original_begins.item(number)
                span, senses = (low - begin, high - begin), self.compiled.meanings(pattern)
                self._keep_reading(number, span, Channel.SPLIT, senses, units=end - start)

    def _match_emoji(self, read: Folded, is_read: Flags, *, by_sound: bool) -> None:
        """Pictures read as the words for them: by letter and, three syllables or more, by sound."""
        batch, compiled = self.batch, self.compiled
        matches = [(*match, False) for match in compiled.exact.find(read.text)]
        phonetic = compiled.sounds.longer(tables().sound.take(read.folded)) if by_sound else []
        matches += [(start, end, which >> 1, True) for start, end, which in phonetic if not which & 1]
        if not matches:
            return
        if len(matches) <= FEW:
            spans = [read.span(start, end) for start, end, _, _ in matches]
            good = [at for at, (low, high) in enumerate(spans) if is_read[low:high].any()]
        else:
            made = np.append(0, np.cumsum(is_read.take(read.kept)))
            runs = np.append(read.runs, len(read.kept))
            found = np.array([match[:2] for match in matches], np.intp)
            lows, highs = runs[found[:, 0]], runs[found[:, 1]]
            spans = list(zip(read.kept[lows].tolist(), (read.kept[highs - 1] + 1).tolist(), strict=True))
            good = np.flatnonzero(made[highs] > made[lows]).tolist()
        for at in good:
            _, _, which, is_phonetic = matches[at]
            low, high = spans[at]
            number = self.batch.number(low)
            self.found.more(number)
            begin = batch.original_begins.item(number)
            if is_read.item(high - 1):
                high = compiled.emoji.end(batch.codes, high - 1)
            senses = (Sense(which, Channel.EMOJI, None),) if is_phonetic else compiled.meanings(which)
            self._keep_reading(number, (low - begin, high - begin), Channel.EMOJI, senses)

    def _match_variants(self, read: list[Variant]) -> None:
        batch = Folded([one.reading for one in read])
        begins: list[int] = batch.folded_lines()[0].tolist()
        originals: list[int] = batch.original_begins.tolist()
        for start, end, which in self.compiled.exact.find(batch.text):
            place = bisect_right(begins, start) - 1
            one = read[place]
            low, high = batch.span(start, end)
            span = one.origin[low - originals[place] : high - originals[place]]
            first, last = min(at for at, _ in span), max(at for at, _ in span) + 1
            left_out = len({at for at, _ in span}) < last - first
            if not (left_out or any(made for _, made in span)):
                continue
            candidates = self.found.more(one.text)
            unsure = one.channel is Channel.LEET and not candidates.too_many
            if unsure and straddles(self.texts[one.text], first, last):
                continue  # a の between two words
            self._keep_reading(one.text, (first, last), one.channel, self.compiled.meanings(which))

    def _keep_reading(
        self,
        number: int,
        span: tuple[int, int],
        channel: Channel,
        senses: Iterable[Sense],
        *,
        units: int = 0,
        counts: Sequence[int] = (),
    ) -> None:
        """Keep what is found in another reading of a text. `units`: see `gaps_of`.

        `counts`: how often each character stands there, where that is known.
        """
        candidates, text = self.found.by_text[number], self.texts[number]
        start, end = span
        if candidates.too_many or not has_word_edges(text, start, end):
            return
        if not gaps_of(text, start, end, units=units, strict=channel is Channel.EMOJI):
            return
        for sense in senses:
            if sense.term == TRIGGER:
                candidates.triggered = True
            if sense.term < 0 or sense.channel not in (*_WRITTEN, channel):
                continue
            if sense.runs and (self._is_number(sense) or not repeats_suffice(counts, sense.runs)):
                continue
            found_by = sense.channel if channel is Channel.EXACT else channel
            # a bidirectional override turns the text for every reader: the term needs no opt-in
            if (
                found_by in _WRITTEN
                or channel is Channel.REVERSAL
                or found_by in self._channels_of(sense.term)
            ):
                clean = found_by not in _JUDGED or not straddles(text, start, end)
                candidates.found.append(Candidate(start, end, sense.term, found_by, clean))

    def _channels_of(self, term: int) -> frozenset[Channel]:
        return self.compiled.terms[term].entry.channels

    def _match_leet(self) -> None:
        """Latin letters written as digits, signs or stars."""
        for number in self.compiled.leet.find_suspicious(self.batch).tolist():
            for start, end, term in self.compiled.leet.find(self.texts[number]):
                candidates = self.found.more(number)
                if not candidates.too_many:
                    candidates.found.append(Candidate(start, end, term, Channel.LEET, True))

    def _match_inserted(self) -> None:
        """Han characters with a letter or digit inserted into each gap: 加x微x信."""
        if (read := remove_inserted(self.batch)) is None:
            return
        source, left_out = read
        for start, end, which in self.compiled.exact.find(source.text):
            low, high = source.span(start, end)
            between = int(left_out.searchsorted(high) - left_out.searchsorted(low))
            counts = source.run_lengths(start, end)
            if between >= 2 and between in (end - start - 1, sum(counts) - 1):
                number = self.batch.number(low)
                begin = self.batch.original_begins.item(number)
                self.found.more(number)
                span = (low - begin, high - begin)
                self._keep_reading(number, span, Channel.LEET, self.compiled.meanings(which), counts=counts)

    def _match_pinyin(self, source: Folded | None) -> None:
        """Pinyin in the texts, or in their readings."""
        if source is not None and (lines := lines_with_letters(source)) is not None:
            self._phonetic.match_pinyin(lines)

    def _match_beside_composed(
        self, parts: tuple[Index, Index], pictures: Index, channels: frozenset[Channel]
    ) -> None:
        """Other disguises beside parts that are put together. `pictures`: original positions."""
        compiled, by_sound = self.compiled, Channel.HOMOPHONE in channels
        # beside plain characters `_match_composed` has found them, but for equal halves beside others
        others = by_sound or Channel.PINYIN in channels
        read = compiled.decomposition.whole(self.batch, parts, compiled.emoji.is_picture if others else None)
        if read is None:
            return
        whole, is_whole = read
        self._keep_composed(compiled.exact.find(whole.text), whole, is_whole)
        if by_sound:
            self._phonetic.match_homophones(whole)
        shown = None
        there = np.zeros(len(whole.lengths), np.bool_)
        there[whole.numbers(whole.kept)] = True
        pictures = pictures[there.take(whole.numbers(pictures))]
        if len(pictures):
            beside_letters = Channel.PINYIN in channels
            shown = compiled.emoji.read(whole, pictures, by_sound=by_sound, beside_letters=beside_letters)
        if shown is not None:
            self._match_emoji(*shown, by_sound=by_sound)
        if Channel.PINYIN in channels:
            for source in (whole, shown[0] if shown else None):
                self._match_pinyin(source)

    def _keep_composed(self, matches: Sequence[Match], whole: Folded, is_whole: Flags) -> None:
        """Keep matches that hold a character put together."""
        for start, end, pattern in matches:
            low, high = whole.span(start, end)
            if is_whole[low:high].any():
                number = self.batch.number(low)
                begin = self.batch.original_begins.item(number)
                self.found.more(number)
                span, senses = (low - begin, high - begin), self.compiled.meanings(pattern)
                counts = [_count(is_whole, whole.kept_of(at)) for at in range(start, end)]
                self._keep_reading(number, span, Channel.SPLIT, senses, units=end - start, counts=counts)


def _count(is_whole: Flags, originals: Index) -> int:
    """How often a character stands at some places, where parts put together are one."""
    made = int(is_whole.take(originals).sum())
    return len(originals) - made + (made > 0)
