"""What a word list says: terms, how bad they are, how they are looked for. Data only."""

import datetime as dt
import enum

import msgspec

MAX_TERM = 64
"""Code points of a term, an alias or an allow-phrase."""


class Severity(enum.IntEnum):
    """How bad a term is, as its list says. What follows from it is the policy's matter."""

    SUSPECTED = 1
    SENSITIVE = 2
    IMPORTANT = 3
    BLOCK = 4

    @property
    def word(self) -> str:
        return self.name.lower()


SEVERITIES = {severity.word: severity for severity in Severity}


class Channel(enum.StrEnum):
    """How a hit was found. The order is from sure to unsure."""

    EXACT = "exact"
    """The term itself after folding."""
    ALIAS = "alias"
    """A name the list gives the term."""
    SPLIT = "split"
    """拆字: a character written as its two halves (女子 for 好)."""
    LEET = "leet"
    """Digits, signs or stars for Latin letters (fr33, $ale, f*ck), or inserted between Han (加x微x信)."""
    EMOJI = "emoji"
    """A character written as a picture of it."""
    PINYIN = "pinyin"
    """Latin letters for all characters or some of them (jia wei信)."""
    HOMOPHONE = "homophone"
    """Other characters that sound alike."""
    LOOKALIKE = "lookalike"
    """形近字: other Han characters that look alike (徽信 for 微信)."""
    ALNUM = "alnum"
    """A digit or a single Latin letter for a syllable, beside Han (去4 for 去死, d考 for 代考)."""
    INITIALS = "initials"
    """The first letter of each syllable (jwx). Only where a term asks for it."""
    REVERSAL = "reversal"
    """Read from the right. Only where a term asks for it."""
    PERSONAL = "personal"
    """Not a term: personal data. A list cannot name this channel."""

    __hash__ = str.__hash__  # the one of Enum is Python, and this is asked for with every hit


CHOOSABLE = frozenset(set(Channel) - {Channel.EXACT, Channel.ALIAS, Channel.PERSONAL})
"""What `channels=` of an entry may add or take away."""
DEFAULT_CHANNELS = CHOOSABLE - {Channel.INITIALS, Channel.REVERSAL}


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One term. `channels`: the ones of CHOOSABLE that look for it. `expires`: the last day it counts."""

    term: str
    severity: Severity
    line: int = 0
    aliases: tuple[str, ...] = ()
    channels: frozenset[Channel] = DEFAULT_CHANNELS
    expires: dt.date | None = None
    tags: tuple[str, ...] = ()
    note: str = ""

    def counts_on(self, day: dt.date) -> bool:
        return self.expires is None or day <= self.expires


class Allow(msgspec.Struct, frozen=True, gc=False):
    """A phrase that suppresses the hits inside it, of all lists."""

    phrase: str
    line: int = 0


class WordList(msgspec.Struct, frozen=True, kw_only=True):
    """One list as read. `name`: the file's name without `.txt`.

    `substitutes`: written form of a part of terms -> what else may stand there (`@alias 微信 = 薇信`):
    each term of this list that contains the part is also known with each of the others in its place.
    """

    name: str
    category: str
    title_en: str = ""
    title_zh: str = ""
    version: str = ""
    licence: str = ""
    entries: tuple[Entry, ...] = ()
    allows: tuple[Allow, ...] = ()
    substitutes: tuple[tuple[str, tuple[str, ...]], ...] = ()
