"""E-mail addresses in text that was read softly, also where words hide the @ and the dots."""

import re

from moderation.personal.softread import Spot

_OPEN, _CLOSE = r"[(\[{<~]", r"[)\]}>~]"
_DOT = r"(?:\.|点|dot| dot |[(\[~]dot[)\]~])"
# a country's two letters, unless they end the name of a file
_TLD = (
    r"(?:com|net|org|edu|gov|mil|info|biz|name|pro|mobi|asia|xyz|top|vip|club|site|online|tech|app|dev|wang|ltd|shop"
    r"|store|ink|fun|work|live|cloud|email|mail|school|(?!(?:js|ts|py|rb|go|md|sh|rs)(?![a-z0-9]))[a-z]{2})"
)
# hosts that are known for mail, and those of schools
_MAILBOX = (
    rf"(?:vip{_DOT})?(?:(?:163|126|139|188|189|qq|21cn|sina|sohu|yeah|foxmail|gmail|hotmail|outlook|live|icloud|yahoo|"
    rf"aliyun|proton|protonmail)(?: ?\. ?|{_DOT})(?:com|cn|net|me)|[a-z0-9-]{{2,30}}{_DOT}edu)(?:{_DOT}cn)?"
)
# any host, but not the version of a package (@1.2.3)
_DOMAIN = (
    rf"(?!v?\d+\.\d)[a-z0-9-]{{1,63}}(?:{_DOT}[a-z0-9-]{{1,63}}){{0,3}}"
    rf"(?:\.{_TLD}|(?: ?\. ?|{_DOT})(?:com|cn|net|org|edu))"
)
_SURE_AT = rf"(?:@| @ | ?{_OPEN} ?at ?{_CLOSE} ?| ?(?:艾特|爱特|圈a|小老鼠) ?)"
_LIKELY_AT = r"(?: ?@ ?| ?[#*$&^!=] ?| at )"
# what is likely an @ counts before a known host, what is surely one before any; a path behind it makes it ssh
_ADDRESS = re.compile(
    rf"(?<![a-z0-9._+-])(?<![/:])[a-z0-9][a-z0-9._+-]{{0,63}}(?:{_LIKELY_AT}{_MAILBOX}|{_SURE_AT}{_DOMAIN})"
    r"(?![a-z0-9-])(?!:[a-z0-9~._-]*/)"
    r"|(?<![a-z0-9._+-])\d{5,11}@qq(?![a-z0-9.])"
)

MAYBE_ADDRESS = (
    rf"(?<![a-z0-9._+-])[a-z0-9._+-]++ ?(?:@|[#*$&^!=](?=[a-z0-9-]++\.)|{_OPEN} ?at ?{_CLOSE}|艾特|爱特|圈a"
    rf"|小老鼠|at (?={_MAILBOX})) ?(?:[a-z0-9.点-]| ?[(\[~]dot[)\]~] ?| dot )*+"
)
"""Whatever has a kind of @ in it: for text that nobody searches."""


def addresses(soft: str) -> list[Spot]:
    return [("e-mail", *found.span()) for found in _ADDRESS.finditer(soft)]
