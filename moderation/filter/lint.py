"""What is wrong, or likely to go wrong, with word lists before they are installed.

The lists are tried with the filter itself: what it finds in dictionary words, in a corpus of approved text
and in the lists' own terms. A finding to be fixed is one that makes a list useless or harmful as it stands; a
note is for its author's judgement.
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from moderation.filter.dictionary import Chance, Dictionary, dictionary
from moderation.filter.filter import EVERY_CHANNEL, Filter
from moderation.filter.result import Hit, Result
from moderation.lexicon import Channel, Entry, Severity, WordList
from moderation.lists.files import load_list
from moderation.lists.findings import Finding, Level
from moderation.lists.list_format import ListError, Problem
from moderation.lists.slip import slip
from moderation.text.fold import Folded

AS_WRITTEN = frozenset({Channel.EXACT, Channel.ALIAS})
COMMON = 20
"""Times a word stands in the dictionary's corpus (60 million words) from which it counts as common."""
CHANCE = 0.5
"""Times in a million words from which a term made of two words' edges is worth a note."""
SHOWN = 4
"""Examples named in a finding."""

_AGAINST = re.compile(
    r"[反防拒禁戒抵不勿别无没非]|远离|打击|举报|警惕|查处|整治|治理|揭露|危害|"
    r"\b(?:no|not|never|against|anti|stop|quit|prevent|without)\b"
)
"""Words in an allow-phrase that condemn what the phrase names."""


def lint_files(files: Sequence[Path], corpus: Path | None = None) -> list[Finding]:
    """Read lists and lint them together. `corpus`: approved texts, one a line, UTF-8.

    A list that is broken gives its problems; the others are linted without it. A file that is given twice is
    read once; files of one name in several directories are named by their paths.

    Raises:
        ListError: if the corpus cannot be read.
    """
    lists, broken = [], []
    once: dict[Path, Path] = {}
    for file in files:
        once.setdefault(file.resolve(), file)
    given = list(once.values())
    names = Counter(file.name for file in given)
    for file in given:
        name = str(file) if names[file.name] > 1 else ""
        try:
            read = load_list(file)
            lists.append(msgspec.structs.replace(read, name=name.removesuffix(".txt")) if name else read)
        except ListError as error:
            broken += [
                Finding(name or one.file, one.line, Level.FIX, "broken", one.reason) for one in error.problems
            ]
    return broken + lint(lists, read_corpus(corpus) if corpus else ())


def read_corpus(file: Path) -> list[str]:
    """The lines of a text file that are not empty."""
    try:
        return [line for line in file.read_text("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise ListError([Problem(file.name, 0, "is not UTF-8; save the file as UTF-8")]) from error
    except OSError as error:
        raise ListError([Problem(file.name, 0, f"cannot be read: {error.strerror}")]) from error


def lint(
    lists: Sequence[WordList],
    corpus: Sequence[str] = (),
    words: Dictionary | None = None,
    today: dt.date | None = None,
) -> list[Finding]:
    """Return all findings about lists that are installed together, by file and line.

    `words`: the dictionary; by default jieba's, and without jieba the rules about words are passed over.
    `today`: entries that expired earlier are reported; by default the current day.
    """
    day = today or dt.datetime.now(tz=dt.UTC).astimezone().date()
    return _Lint(lists, corpus, dictionary() if words is None else words, day).findings()


class _Named(NamedTuple):
    list: str
    entry: Entry


class _Lint:
    def __init__(
        self, lists: Sequence[WordList], corpus: Sequence[str], words: Dictionary | None, today: dt.date
    ) -> None:
        self.lists = lists
        self.today = today
        self.corpus = corpus
        self.words = words
        self.found: list[Finding] = []
        # past and future entries are linted as if they counted today
        lasting = [_lasting(one) for one in lists]
        self.named = [_Named(one.name, entry) for one in lasting for entry in one.entries]
        self.by_name = {(named.list, named.entry.term): named for named in self.named}
        self.filter = Filter(lasting, channels=AS_WRITTEN, today=dt.date.min)
        self.bare = Filter(
            [msgspec.structs.replace(one, allows=()) for one in lasting],
            channels=EVERY_CHANNEL - {Channel.PERSONAL},
            today=dt.date.min,
        )

    def findings(self) -> list[Finding]:
        self._shapes()
        self._duplicates()
        self._find_unreachable_and_covered()
        self._allows()
        if self.words is not None:
            self._in_words(self.words)
            self._between_words(self.words)
        self._in_corpus()
        self._expired()
        order = {one.name: place for place, one in enumerate(self.lists)}
        return sorted(
            self.found, key=lambda one: (order[one.file.removesuffix(".txt")], one.line, one.level, one.rule)
        )

    def _report(self, list_: str, line: int, level: Level, rule: str, reason: str, **values: str) -> None:
        self.found.append(Finding(f"{list_}.txt", line, level, rule, reason, values))

    def _shapes(self) -> None:
        """What is mistyped, and what the fold leaves nothing of, or one character."""
        for one in self.lists:
            for entry in one.entries:
                self._shape(one.name, entry.line, "term", entry.term)
                for alias in entry.aliases:
                    self._shape(one.name, entry.line, "alias", alias)
            for allow in one.allows:
                if why := slip(allow.phrase):
                    reason = f"allow-phrase {allow.phrase!r} {why}"
                    self._report(one.name, allow.line, Level.FIX, "typing-slip", reason)
                if not Folded([allow.phrase]).text:
                    self._report(
                        one.name,
                        allow.line,
                        Level.FIX,
                        "empty",
                        f"of allow-phrase {allow.phrase!r} nothing is left when it is folded",
                    )

    def _shape(self, name: str, line: int, what: str, text: str) -> None:
        left = len(Folded([text]).kept)
        if why := slip(text):
            self._report(name, line, Level.FIX, "typing-slip", f"{what} {text!r} {why}", term=text)
        if left == 0:
            self._report(
                name,
                line,
                Level.FIX,
                "empty",
                f"of {what} {text!r} nothing is left when it is folded",
                term=text,
            )
        elif left == 1:
            self._report(
                name,
                line,
                Level.FIX,
                "one-character",
                f"{what} {text!r} is one character after folding{_other(text)} and would be found "
                "everywhere; write the words it stands in",
                term=text,
                left=Folded([text]).text,
            )

    def _expired(self) -> None:
        """Report terms whose last day has passed, unless a graver finding names them."""
        wrong = {(one.file, one.line) for one in self.found if one.level is Level.FIX}
        for one in self.lists:
            for entry in one.entries:
                if entry.counts_on(self.today) or (f"{one.name}.txt", entry.line) in wrong:
                    continue
                self._report(
                    one.name,
                    entry.line,
                    Level.NOTE,
                    "expired",
                    f"term {entry.term!r} is not looked for: its last day was {entry.expires}; take it out, "
                    "or give it a later day",
                    term=entry.term,
                    day=str(entry.expires),
                )

    def _duplicates(self) -> None:
        """Terms and aliases that fold to the same."""
        first: dict[tuple[str, tuple[int, ...]], tuple[_Named, str]] = {}
        # all terms before all aliases: the alias is the one to go
        terms = [(named, named.entry.term) for named in self.named]
        aliases = [(named, alias) for named in self.named for alias in named.entry.aliases]
        for named, text in terms + aliases:
            key = _key(text)
            if not key[0]:
                continue
            other, written = first.setdefault(key, (named, text))
            if other is named and written is text:
                continue
            same = other.list == named.list
            what = "term" if text is named.entry.term else "alias"
            where = f"line {other.entry.line}" if same else f"{other.list}.txt:{other.entry.line}"
            self._report(
                named.list,
                named.entry.line,
                Level.FIX if same else Level.NOTE,
                "duplicate",
                f"{what} {text!r} is after folding the same as {written!r} in {where}",
            )

    def _find_unreachable_and_covered(self) -> None:
        """Report terms that do not match their own text, and terms that another term always matches too."""
        for named, result in zip(
            self.named, self.filter.check_many([named.entry.term for named in self.named]), strict=True
        ):
            entry = named.entry
            if len(Folded([entry.term]).kept) < 2:
                continue
            whole = [hit for hit in result.hits if hit.channel is Channel.EXACT]
            if not any(hit.term == entry.term and hit.list == named.list for hit in whole):
                phrase = self._allowing(entry.term)
                why = f": allow-phrase {phrase!r} suppresses it" if phrase else ""
                self._report(
                    named.list,
                    entry.line,
                    Level.FIX,
                    "unreachable",
                    f"term {entry.term!r} is never found{why}",
                )
                continue
            cover = next((hit for hit in whole if self._covers(hit, named)), None)
            if cover is not None:
                self._report(
                    named.list,
                    entry.line,
                    Level.NOTE,
                    "covered",
                    f"term {entry.term!r} adds nothing: {cover.term!r} ({cover.list}.txt) is found in it "
                    f"and is {cover.severity.word} too",
                )

    @staticmethod
    def _covers(hit: Hit, named: _Named) -> bool:
        if not hit.clean or hit.severity < named.entry.severity:
            return False
        theirs = _key(hit.term)[0]
        return len(theirs) > 1 and theirs != _key(named.entry.term)[0]  # else another rule reports it

    def _allowing(self, term: str) -> str | None:
        key = _key(term)[0]
        return next(
            (allow.phrase for one in self.lists for allow in one.allows if key in _key(allow.phrase)[0]), None
        )

    def _allows(self) -> None:
        """Allow-phrases with nothing to suppress, and with a term in them that is itself meant."""
        rows = [(one.name, allow) for one in self.lists for allow in one.allows]
        for (name, allow), result in zip(
            rows, self.bare.check_many([allow.phrase for _, allow in rows]), strict=True
        ):
            if not result.hits and Folded([allow.phrase]).text:
                self._report(
                    name,
                    allow.line,
                    Level.NOTE,
                    "idle-allow",
                    f"allow-phrase {allow.phrase!r} holds no term of these lists",
                )

            if _AGAINST.search(allow.phrase.lower()):
                continue
            if hit := next((hit for hit in result.hits if self._is_meant(allow.phrase, hit)), None):
                self._report(
                    name,
                    allow.line,
                    Level.NOTE,
                    "silences",
                    f"allow-phrase {allow.phrase!r} silences {hit.term!r} ({hit.list}.txt, "
                    f"{hit.severity.word}), which stands in it as a word of its own; keep it only where that "
                    "is always harmless",
                )

    def _is_meant(self, phrase: str, hit: Hit) -> bool:
        """Whether a term stands in an allow-phrase as a word, of which the phrase is no other sense."""
        if not hit.clean or hit.channel is not Channel.EXACT or hit.severity is Severity.SUSPECTED:
            return False
        if phrase.isascii() or _key(hit.term)[0] == _key(phrase)[0]:
            return False  # Latin terms stand as words always; another rule reports the term itself
        if self.words is None:
            return True
        return not self.words.frequency(phrase) and self.words.is_part(phrase, hit.start, hit.end)

    def _in_words(self, words: Dictionary) -> None:
        """Dictionary words that contain a term and are something else."""
        kin: dict[_Named, list[str]] = {}
        strangers: dict[_Named, list[str]] = {}
        terms = {named.entry.term for named in self.named}
        texts = [word for word in words.by_frequency if len(word) > 1]
        for word, result in zip(texts, self.filter.check_many(texts), strict=True):
            for hit in result.hits:
                if hit.channel is not Channel.EXACT or hit.end - hit.start == len(word):
                    continue
                named = self.by_name[hit.list, hit.term]
                if len(hit.term) < 2 or word in terms:
                    continue
                own = words.is_part(word, hit.start, hit.end)
                (kin if own else strangers).setdefault(named, []).append(word)
        for named, each in strangers.items():
            common = [word for word in each if words.frequency(word) >= COMMON]
            self._report(
                named.list,
                named.entry.line,
                Level.FIX if common else Level.NOTE,
                "inside-word",
                f"term {named.entry.term!r} stands inside {_examples(common or each)}; give allow-phrases "
                "for words that mean something else, and list those that mean the same",
                term=named.entry.term,
                **_format_term(common or each),
            )
        for named, each in kin.items():
            self._report(
                named.list,
                named.entry.line,
                Level.NOTE,
                "compound",
                f"term {named.entry.term!r} is also found in {_examples(each)}",
                term=named.entry.term,
                **_format_term(each),
            )

    def _between_words(self, words: Dictionary) -> None:
        """Terms that appear by chance where one common word ends and the next begins."""
        listed = words.chances([named.entry.term for named in self.named if len(named.entry.term) <= 4])
        for named in self.named:
            chance = listed.get(named.entry.term)
            if chance is None or chance.per_million < CHANCE:
                continue
            if not any(hit.term == named.entry.term for hit in self._hits_between(chance)):
                continue
            self._report(
                named.list,
                named.entry.line,
                Level.NOTE,
                "between-words",
                f"term {named.entry.term!r} comes about between words some {chance.per_million:.1f} times "
                f"in a million words ({'|'.join(chance.example)}); think of allow-phrases",
                term=named.entry.term,
                times=f"{chance.per_million:.1f}",
                words="|".join(chance.example),
            )

    def _hits_between(self, chance: Chance) -> tuple[Hit, ...]:
        return self.filter.check("".join(chance.example)).hits

    def _in_corpus(self) -> None:
        """Terms found in approved text."""
        hits: Counter[_Named] = Counter()
        example: dict[_Named, str] = {}
        for text, result in zip(self.corpus, self.filter.check_many(self.corpus), strict=True):
            for named in self._named_by(result):
                hits[named] += 1
                example.setdefault(named, text)
        for named, times in hits.items():
            self._report(
                named.list,
                named.entry.line,
                Level.FIX,
                "in-corpus",
                f"term {named.entry.term!r} is found in {times} of {len(self.corpus)} approved texts, "
                f"such as {example[named][:40]!r}",
            )

    def _named_by(self, result: Result) -> set[_Named]:
        return {
            self.by_name[hit.list, hit.term] for hit in result.hits if (hit.list, hit.term) in self.by_name
        }


def _lasting(one: WordList) -> WordList:
    replace: Callable[..., Entry] = msgspec.structs.replace
    return msgspec.structs.replace(one, entries=tuple(replace(entry, expires=None) for entry in one.entries))


def _key(text: str) -> tuple[str, tuple[int, ...]]:
    folded = Folded([text])
    return folded.text, tuple(folded.run_lengths(0, len(folded.folded)))


def _other(text: str) -> str:
    """What is left of it, where that is not plain."""
    left = Folded([text]).text
    return f", {left!r}," if left != text else ""


def _format_term(words: Sequence[str]) -> dict[str, str]:
    """The same, as values: the words, and how many more there are."""
    return {"words": "、".join(words[:SHOWN]), "more": str(max(0, len(words) - SHOWN))}


def _examples(words: Sequence[str]) -> str:
    more = f" and {len(words) - SHOWN} more words" if len(words) > SHOWN else ""
    return "、".join(words[:SHOWN]) + more
