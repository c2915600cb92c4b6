"""Number plates of the mainland (GA 36) in text that was read softly."""

import re

from moderation.personal.softread import MARK, Spot

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"
"""The characters a plate begins with; a Latin letter follows."""

# province (no end of another word: 更新, 阿里云) and office, then
# - new energy: large vehicles, small ones;
# - five letters and digits (no i, no o, two letters at most), or four and a use (港, 警; no word: 学校);
# - a letter or digit, then digits with blanks between
_PLATE = re.compile(
    rf"(?<![更最全刷重创里讯为新])[{PROVINCES}]{MARK}?[a-hj-z]{MARK}{{0,2}}(?:"
    rf"\d{{5}}[a-hjk]|[a-hjk][a-hj-np-z0-9]\d{{4}}"
    rf"|(?!(?:\d*[a-z]){{3}})[a-hj-np-z0-9]{{4}}(?:[a-hj-np-z0-9]|{MARK}?(?:[港澳警挂]|学(?![校生院号习期科长])"
    r"|领(?![导带取先])|使(?![用命])|试(?![试卷题验])|超(?![市级过人])))"
    r"|[a-hj-np-z0-9](?: \d){4,5})(?![a-z0-9])"
)

MAYBE_PLATE = rf"(?<=[{PROVINCES}])[ ~-]?[a-z]{MARK}{{0,2}}[a-z0-9]{{4,6}}(?![a-z0-9])"
"""What may follow the province: for text that nobody searches."""


def plates(soft: str) -> list[Spot]:
    return [("plate", *found.span()) for found in _PLATE.finditer(soft)]
