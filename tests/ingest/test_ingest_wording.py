from streamgate.core.health import Concern
from streamgate.ingest.wording import _WORDS, to_warn

PARAMS = {
    "seconds": 7,
    "kind": "audio",
    "codec": "opus",
    "mbps": 25.0,
    "limit_mbps": 20.0,
    "measured": 12.5,
    "declared": 25.0,
    "reason": "too short",
    "changes": 12.0,
    "count": 3.0,
}


def test_every_concern_has_words_in_both_languages():
    for code in _WORDS:
        warn = to_warn(Concern(code, "info", PARAMS))
        assert (warn.code, warn.level) == (code, "info")
        assert "{" not in warn.text + warn.text_zh


def test_an_unsupported_codec():
    warn = to_warn(Concern("codec_unsupported", "alarm", {"kind": "audio", "codec": "'\\x00'"}))
    assert warn.text.startswith("The audio cannot be read ('\\x00'): it is neither aired nor recorded")
    assert warn.text_zh.startswith("无法读取音频（'\\x00'）：既不播出也不录制")
