"""Reason codes of rejections. They are stable: records, exports and forms hold them."""

import enum


class RejectCode(enum.StrEnum):
    """Why a comment was rejected. `OTHER` needs a note."""

    UNLAWFUL = "unlawful"
    ABUSE = "abuse"
    SEXUAL = "sexual"
    VIOLENCE = "violence"
    GAMBLING_DRUGS = "gambling-drugs"
    FRAUD = "fraud"
    ADVERTISING = "advertising"
    PERSONAL_DATA = "personal-data"
    RUMOUR = "rumour"
    SPAM = "spam"
    OFF_TOPIC = "off-topic"
    OTHER = "other"

    @property
    def word(self) -> str:
        return _WORDS[self][0]

    @property
    def word_zh(self) -> str:
        return _WORDS[self][1]


_WORDS = {
    RejectCode.UNLAWFUL: ("against law or rules", "违法违规"),
    RejectCode.ABUSE: ("abuse or harassment", "辱骂攻击"),
    RejectCode.SEXUAL: ("sexual content", "色情低俗"),
    RejectCode.VIOLENCE: ("violence", "暴力血腥"),
    RejectCode.GAMBLING_DRUGS: ("gambling or drugs", "赌博毒品"),
    RejectCode.FRAUD: ("fraud", "诈骗"),
    RejectCode.ADVERTISING: ("advertising", "广告引流"),
    RejectCode.PERSONAL_DATA: ("personal data", "泄露个人信息"),
    RejectCode.RUMOUR: ("false or unproven", "不实信息"),
    RejectCode.SPAM: ("spam", "刷屏"),
    RejectCode.OFF_TOPIC: ("off topic", "与直播无关"),
    RejectCode.OTHER: ("other", "其他"),
}
