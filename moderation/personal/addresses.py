"""E-mail addresses in text that was read softly, also where words hide the @ and the dots."""

import itertools
import re

from moderation.personal.softread import Spot

_OPEN, _CLOSE = r"[(\[{<~]", r"[)\]}>~]"
_DOT = r"(?:\.| ?点 ?|dot| dot |[(\[~]dot[)\]~])"
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
# what is likely an @ counts before a known host, what is surely one before any; a path behind it makes it
# ssh; an address may begin behind signs, which are no part of it
_ADDRESS = re.compile(
    rf"(?<![a-z0-9._+-])[._+-]{{0,8}}(?P<address>[a-z0-9][a-z0-9._+-]{{0,63}}"
    rf"(?:{_LIKELY_AT}{_MAILBOX}|{_SURE_AT}{_DOMAIN})(?![a-z0-9-])(?!:[a-z0-9~._-]*/)"
    r"|\d{5,11}@qq(?![a-z0-9.]))"
)
# each letter by itself, before the @ or behind it
_STREWN = re.compile(
    rf"(?<![a-z0-9._+-])(?P<address>(?:(?<![a-z0-9] )[a-z0-9](?: [a-z0-9_]){{1,40}} ?@ ?{_MAILBOX}"
    r"|(?:(?<![a-z0-9] )[a-z0-9](?: [a-z0-9_]){1,40}|[a-z0-9][a-z0-9._+-]{0,63}) ?@ ?(?:[a-z0-9.点] ?){1,40}"
    r"[.点] ?(?:c o m|c n|n e t|o r g|e d u)))(?! ?[a-z0-9])"
)
# hosts in Han, behind a name that may be so too
_HAN_HOST = re.compile(
    r"(?P<address>(?:(?<![a-z0-9._+-])[a-z0-9][a-z0-9._+-]{0,63}|[0-9\u4e00-\u9fff]{1,4})@[\u4e00-\u9fff]{2,20}"
    r"\.(?:com|net|org|edu|cn|中国|公司|网络))(?![a-z0-9\u4e00-\u9fff])"
)
# QQ numbers that are said to be an address
_BY_NUMBER = re.compile(
    r"(?<![a-z0-9.])(?P<address>[1-9]\d{4,10}(?<!0000)) ?[的~@]?"
    r"(?:qq|扣扣|抠抠|叩叩|秋秋|企鹅) ?(?:邮箱|邮件)"
)
_URL = re.compile(r"[a-z]://[a-z0-9._~%+-]*:?[._+-]*$")
_URL_WITHIN = 80

_MAYBE_NAME = (
    r"(?:(?<![a-z0-9._+-])[a-z0-9._+-]++|(?<![a-z0-9] )[a-z0-9](?: [a-z0-9_])++"
    r"|[0-9\u4e00-\u9fff]{1,4}+(?=@))"
)
MAYBE_ADDRESS = (
    rf"{_MAYBE_NAME} ?(?:@|[#*$&^!=](?=[a-z0-9-]++\.)|{_OPEN} ?at ?{_CLOSE}|艾特|爱特|圈a"
    rf"|小老鼠|at (?={_MAILBOX})) ?(?:[a-z0-9.点-]| 点 ?| ?[(\[~]dot[)\]~] ?| dot )*+"
)
"""Whatever has a kind of @ in it: for text that nobody searches."""


def addresses(soft: str) -> list[Spot]:
    kinds = [_STREWN, _HAN_HOST, _ADDRESS] if "@" in soft else [_ADDRESS]
    if "邮" in soft:
        kinds.append(_BY_NUMBER)
    matches = itertools.chain.from_iterable(kind.finditer(soft) for kind in kinds)
    spans = (found.span("address") for found in matches)
    return [("e-mail", *span) for span in spans if not _in_url(soft, span[0])]


def _in_url(soft: str, start: int) -> bool:
    """Whether what begins here is the user or the host of a URL: //user:word@host."""
    return bool(_URL.search(soft, max(0, start - _URL_WITHIN), start))
