"""Number plates of the mainland (GA 36) in text that was read softly."""

import re

from moderation.personal.numbers import counts_something
from moderation.personal.softread import MARK, Spot

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"
"""The characters a plate begins with; a Latin letter follows."""

# province (no end of another word: 更新, 阿里云) and office, then
# - new energy: large vehicles, small ones;
# - five letters and digits (no i, no o, two letters at most), or four and a use (港, 警; no word: 学校);
# - one o or i for a digit (no word: 新ai2024, 新go2024);
# - a letter or digit, then digits with blanks between
_PROVINCE = re.compile(f"[{PROVINCES}]")
_PLACE = rf"(?<![更最全刷重创里讯为新])[{PROVINCES}]牌?{MARK}?[a-hj-z]"
_PLATE = re.compile(
    rf"{_PLACE}{MARK}{{0,2}}(?:"
    rf"\d{{5}}[a-hjk]|[a-hjk][a-hj-np-z0-9]\d{{4}}"
    rf"|(?!(?:\d*[a-z]){{3}})[a-hj-np-z0-9]{{4}}(?:[a-hj-np-z0-9]|{MARK}?(?:[港澳警挂]|学(?![校生院号习期科长])"
    r"|领(?![导带取先])|使(?![用命])|试(?![试卷题验])|超(?![市级过人])))"
    r"|(?<!新.)(?!i)(?=\d*[oi]\d*(?![a-z0-9]))[0-9oi]{5}"
    r"|[a-hj-np-z0-9](?: \d){4,5})(?![a-z0-9])"
)
# in groups, with letters among them: 苏E 05 EV 8
_SPACED = re.compile(rf"{_PLACE}(?P<rest>(?:[ .~-]?[a-hj-np-z0-9]){{5}})(?![a-z0-9])")
# of the armed police, and of embassies
_ARMED = re.compile(rf"(?<![a-z0-9])wj{MARK}{{0,2}}[{PROVINCES}]{MARK}{{0,2}}\d{{4}}[a-z0-9](?![a-z0-9])")
_EMBASSY = re.compile(rf"(?:(?<![a-z0-9\u4e00-\u9fff])|(?<=[牌号是]))使{MARK}?\d{{6}}(?<!000)(?![a-z0-9])")

MAYBE_PLATE = (
    rf"(?<=[{PROVINCES}])牌?[ ~-]?[a-z](?:{MARK}{{0,2}}[a-z0-9]{{4,6}}|(?:[ .~-]?[a-z0-9]){{5}})(?![a-z0-9])"
    rf"|wj{MARK}{{0,2}}[{PROVINCES}]{MARK}{{0,2}}\d{{4}}[a-z0-9](?![a-z0-9])"
)
"""What may follow the province: for text that nobody searches."""


def plates(soft: str) -> list[Spot]:
    if not _PROVINCE.search(soft):
        return []
    found = [*_PLATE.finditer(soft), *_ARMED.finditer(soft)]
    found += (one for one in _SPACED.finditer(soft) if _is_mixed(one["rest"]))
    found += (one for one in _EMBASSY.finditer(soft) if not counts_something(soft, one.end()))
    return [("plate", *one.span()) for one in found]


def _is_mixed(rest: str) -> bool:
    """Whether one or two of the letters and digits are letters."""
    return 1 <= sum(map(str.isalpha, rest)) <= 2
