"""What is written reads back as the same list."""

import datetime as dt

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.lexicon import CHOOSABLE, Allow, Entry, Severity, WordList
from moderation.lists import parse_list
from moderation.listtext import list_text

WORD = (
    st.text(
        st.one_of(
            st.sampled_from('赌博加微信abAB1 |\\#@!"=-+'), st.characters(categories=["L", "N", "P", "S"])
        ),
        min_size=1,
        max_size=8,
    )
    .map(lambda text: " ".join(text.split()))
    .filter(lambda text: text and not text.startswith("\ufeff"))
)
NAME = WORD.filter(lambda text: "," not in text)
ENTRY = st.builds(
    Entry,
    term=WORD,
    severity=st.sampled_from(Severity),
    aliases=st.lists(NAME, max_size=3, unique=True).map(tuple),
    channels=st.frozensets(st.sampled_from(sorted(CHOOSABLE))),
    expires=st.none() | st.dates(dt.date(1999, 1, 1), dt.date(2999, 1, 1)),
    tags=st.lists(NAME, max_size=2, unique=True).map(tuple),
    note=st.just("") | WORD,
)


def placeless(one: WordList) -> WordList:
    return msgspec.structs.replace(
        one,
        entries=tuple(msgspec.structs.replace(entry, line=0) for entry in one.entries),
        allows=tuple(Allow(allow.phrase) for allow in one.allows),
    )


@settings(deadline=None)
@given(
    entries=st.lists(ENTRY, max_size=6, unique_by=lambda entry: entry.term),
    allows=st.lists(WORD, max_size=4, unique=True),
)
def test_any_list_comes_back(entries, allows):
    one = WordList(
        name="one",
        category="c",
        title_en="One",
        title_zh="一",
        version="3",
        licence="CC0-1.0",
        entries=tuple(entries),
        allows=tuple(map(Allow, allows)),
        substitutes=(("微信", ("vx", "薇 信")),),
    )
    assert placeless(parse_list(list_text(one), "one.txt")) == one


def test_the_usual_severity_stands_once():
    entries = (
        Entry(term="赌球", severity=Severity.IMPORTANT),
        Entry(term="赌马", severity=Severity.IMPORTANT),
        Entry(term="赌博", severity=Severity.SENSITIVE, note="a b"),
    )
    assert list_text(WordList(name="one", category="gambling", entries=entries)) == (
        '@category gambling\n@severity important\n\n赌球\n赌马\n赌博 | sensitive | note="a b"\n'
    )
