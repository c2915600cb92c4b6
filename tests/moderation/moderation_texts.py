"""Texts for the property tests: any Unicode, and words in every disguise; a filter of terms."""

from hypothesis import strategies as st

from moderation.filter import Filter
from moderation.lexicon import DEFAULT_CHANNELS, Entry, Severity, WordList

ODD = (
    "\u200b\u200d\u202e\u2066\u0301\u0336\ufe0f\U000e0061\ud800\udfff\n\r\t　·*，。!@ aeio0189ⅤⅩ⑩ﬁ㎏"
    "女子日月🍺🐔加微信广告赌博hlo哈哈"
)

any_text = st.text(st.characters(exclude_categories=()) | st.sampled_from(ODD), max_size=60)
"""Lone surrogates, bidi, combining, unassigned, and what the filter has rules about."""

_INVISIBLE = ("\u200b", "\u200d", "\u2060", "\ufe0f", "\U000e0061", "\u0336", "\u00ad")
_FORMS = {
    "微": "微", "信": "信", "加": "加⼀"[0], "好": "好", "友": "友",
    "h": "hHｈＨ𝓱ℎн"[:6], "e": "eEｅ𝓮еé", "l": "lLｌ𝓵ł", "o": "oOｏ𝓸оøο",
}  # fmt: skip


@st.composite
def disguised(draw: st.DrawFn, word: str) -> str:
    """The word with each letter in some form, repeated or not, and something between."""
    out = []
    for char in word:
        out.append(draw(st.sampled_from(_FORMS.get(char, char))) * draw(st.integers(1, 3)))
        out.append(draw(st.sampled_from(("", "", "", "*", " ", "·", "~", *_INVISIBLE))))
    return "".join(out).rstrip()


def blocking(*terms: str) -> Filter:
    """A filter of terms to block, with the channels that terms have if nothing is said."""
    entries = tuple(Entry(term=one, severity=Severity.BLOCK, channels=DEFAULT_CHANNELS) for one in terms)
    return Filter([WordList(name="test", category="test", entries=entries)])
