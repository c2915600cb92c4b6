"""What a check gives back."""

import msgspec

from moderation.filter.policy import Verdict
from moderation.lexicon import Channel, Severity

_VERDICTS = {
    Verdict.CLEAN: ("未发现问题", "clean"),
    Verdict.SUSPECTED: ("疑似", "suspected"),
    Verdict.SENSITIVE: ("敏感", "sensitive"),
    Verdict.IMPORTANT: ("重要", "important"),
    Verdict.BLOCK: ("拦截", "block"),
}
_CHANNELS = {
    Channel.EXACT: ("原词", "as written"),
    Channel.ALIAS: ("别名", "by an alias"),
    Channel.SPLIT: ("拆字", "with split characters"),
    Channel.LEET: ("数字符号代字母", "with digits or signs for letters"),
    Channel.EMOJI: ("表情代字", "with pictures for characters"),
    Channel.PINYIN: ("拼音", "in pinyin letters"),
    Channel.HOMOPHONE: ("谐音", "by its sound"),
    Channel.LOOKALIKE: ("形近字", "in characters that look alike"),
    Channel.ALNUM: ("数字字母代字", "with a digit or letter for a syllable"),
    Channel.INITIALS: ("首字母", "by its initials"),
    Channel.REVERSAL: ("倒写", "backwards"),
    Channel.PERSONAL: ("个人信息", "personal data"),
}
_KINDS = {
    "mobile": "手机号码",
    "phone": "固定电话",
    "resident-id": "身份证号码",
    "bank-card": "银行卡号",
    "e-mail": "电子邮箱",
    "plate": "车牌号",
    "wechat": "微信号",
    "qq": "QQ号",
}


_TOO_LONG = ("文本过长，未能全部检查", "It is too long to be checked in full")
_TOO_MUCH = (
    "文本过长或命中过多未全部列出，未能全部检查",
    "It is too long, or holds too many finds, to be checked in full",
)
_UNREAD = ("文字编码无法识别，未能全部读出", "It holds bytes that could not be read for sure")
_PARTED = (
    "，但字间有间隔，可能分属两句，也可能构成别的词",
    ", though what stands between its parts may put them in different clauses or words",
)
_STRADDLES = ("，但与相邻文字可能构成别的词", ", though it may be part of other words")


class Hit(msgspec.Struct, frozen=True, gc=False):
    """One match. `start`, `end`: code points of the text; `utf16`: the same span in UTF-16 units.

    `clean`: it stands at word boundaries. `term`: as the list writes it; of personal data its kind
    (`mobile`). `title_zh`: what the list calls itself in Chinese; "" if it does not.
    """

    term: str
    list: str
    category: str
    severity: Severity
    channel: Channel
    start: int
    end: int
    utf16: tuple[int, int]
    clean: bool = True
    title_zh: str = ""


class Result(msgspec.Struct, frozen=True, gc=False):
    """The verdict on one text.

    `masked`: the text with personal data starred out, of the same length; None if there is none.
    `cause`: the hit that gave the verdict, as a place in `hits`, which are ordered by start; -1 where none
    did, but that the text was not checked in full.
    `complete`: false where the text held more matches than are kept, was too long, was not checked in time
    (`late`), or came in bytes that could not be read (`unread`).
    `version`: of the lists it was checked against.
    """

    verdict: Verdict
    stages: int
    version: str
    hits: tuple[Hit, ...] = ()
    cause: int = -1
    masked: str | None = None
    complete: bool = True
    late: bool = False
    unread: bool = False

    @property
    def severity(self) -> Severity | None:
        """The highest of the terms found."""
        return max((hit.severity for hit in self.hits), default=None)

    @property
    def reason_zh(self) -> str:
        """One sentence for reviewers."""
        if self.late:
            return "未能在规定时间内完成检查，须由人工全面审核。"
        if not self.hits and self.complete:
            return "未命中任何词语或个人信息。"
        if self.cause < 0:
            why = _UNREAD[0] if self.unread else _TOO_LONG[0] if not self.hits else _TOO_MUCH[0]
            also = f"（其中命中“{self._gravest.term}”等{len(self.hits)}处）" if self.hits else ""
            return f"{why}{also}，须由人工全面审核。"
        hit = self.hits[self.cause]
        more = f"，另有{len(self.hits) - 1}处" if len(self.hits) > 1 else ""
        if not self.complete:
            more += "，命中过多未全部列出"
        if hit.channel is Channel.PERSONAL:
            return (
                f"判为“{_VERDICTS[self.verdict][0]}”：含个人信息（{_KINDS.get(hit.term, hit.term)}）{more}。"
            )
        return (
            f"判为“{_VERDICTS[self.verdict][0]}”：以{_CHANNELS[hit.channel][0]}方式命中“{hit.term}”"
            f"（{hit.title_zh or hit.list}，{_VERDICTS[Verdict(hit.severity)][0]}级）{_edge(hit)[0]}{more}。"
        )

    @property
    def reason_en(self) -> str:
        """The same sentence in English."""
        if self.late:
            return "It was not checked in time and needs full review by people."
        if not self.hits and self.complete:
            return "No term and no personal data was found."
        if self.cause < 0:
            why = _UNREAD[1] if self.unread else _TOO_LONG[1] if not self.hits else _TOO_MUCH[1]
            found = f"“{self._gravest.term}” was found" if self.hits else ""
            more = f", and {len(self.hits) - 1} more" if len(self.hits) > 1 else ""
            return f"{why} and needs full review by people{found and '; '}{found}{more}."
        hit = self.hits[self.cause]
        more = f", and {len(self.hits) - 1} more" if len(self.hits) > 1 else ""
        if not self.complete:
            more += ", with further finds not listed"
        said = _VERDICTS[self.verdict][1].capitalize()
        if hit.channel is Channel.PERSONAL:
            return f"{said}: it holds personal data ({hit.term}){more}."
        return (
            f"{said}: “{hit.term}” ({hit.list}, {hit.severity.word}) was found "
            f"{_CHANNELS[hit.channel][1]}{_edge(hit)[1]}{more}."
        )

    @property
    def _gravest(self) -> Hit:
        return max(self.hits, key=lambda hit: hit.severity)


def channel_words(channel: Channel) -> tuple[str, str]:
    """Return how a hit of this channel was found, in Chinese and in English."""
    return _CHANNELS[channel]


def _edge(hit: Hit) -> tuple[str, str]:
    """Why a hit is lowered, as far as it shows: marks stand between its characters, or words around it."""
    if hit.clean:
        return "", ""
    if hit.channel is Channel.EXACT and hit.end - hit.start > len(hit.term):
        return _PARTED
    return _STRADDLES
