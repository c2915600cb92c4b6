"""How terms and texts sound, and what of that is chance."""

from pathlib import Path

import pytest

from moderation.filter import Filter
from moderation.filter.readings.pinyin import parse_pinyin, read_pinyin, resegment_pinyin, spell_pinyin
from moderation.lexicon import Channel, Entry, Severity, WordList
from moderation.lists.files import load_dir
from moderation.text.tables import tables, use_of

SHIPPED = Path(__file__).parents[3] / "wordlists"


def filter_for(*terms: str) -> Filter:
    entries = tuple(Entry(term=term, severity=Severity.IMPORTANT) for term in terms)
    return Filter([WordList(name="list", category="test", entries=entries)])


def found(term: str, text: str) -> list[tuple[str, str]]:
    """What is found of one term: the channel, and the piece of text. The batch says the same."""
    made = filter_for(term)
    result = made.check(text)
    assert made.check_many([text, "好", text])[2] == result
    return [(hit.channel.value, text[hit.start : hit.end]) for hit in result.hits]


# ---------------------------------------------------------------- readings


def read(term: str) -> list[str]:
    names = tables().syllables
    return [" ".join(names[one - 1] for one in reading) for reading in read_pinyin(term)]


@pytest.mark.parametrize(
    ("term", "reading"),
    [
        ("银行", "yin hang"),
        ("便宜", "pian yi"),
        ("吐血", "tu xie"),
        ("睡觉", "shui jiao"),
        ("音乐", "yin yue"),
        ("重启", "chong qi"),
        ("校长", "xiao zhang"),
        ("了解", "liao jie"),
        ("银行卡", "yin hang ka"),
        ("重庆", "chong qing"),
        ("会计", "kuai ji"),
    ],
)
def test_a_character_sounds_as_in_its_word(term: str, reading: str) -> None:
    assert read(term)[0] == reading


def test_a_character_sounds_also_as_a_text_is_heard() -> None:
    assert "yin xing ka" in read("银行卡")


def test_what_a_word_does_not_say_may_be_either() -> None:
    assert read("还钱") == ["hai qian", "huan qian"]


@pytest.mark.parametrize(
    ("char", "syllable"),
    {
        "了": "le",
        "都": "dou",
        "还": "hai",
        "给": "gei",
        "呢": "ne",
        "长": "chang",
        "的": "de",
        "着": "zhe",
    }.items(),
)
def test_a_text_is_heard_as_it_is_mostly_read(char: str, syllable: str) -> None:
    assert tables().syllables[tables().sound[ord(char)] - 1] == syllable


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("银行卡", "yinhangka"),
        ("银行卡", "银杭卡"),
        ("银行卡", "银hang卡"),
        ("银行卡", "银行咖"),
        ("银行卡", "银行ka"),
        ("便宜卖", "pianyimai"),
        ("吐血", "tuxie"),
        ("吐血", "tuxue"),
        ("睡觉", "shuijiao"),
        ("音乐会", "yinyuehui"),
        ("还钱", "huanqian"),
    ],
)
def test_a_term_is_found_as_its_words_are_read(term: str, text: str) -> None:
    assert [piece for _, piece in found(term, text)] == [text]


# ---------------------------------------------------------------- letters


def syllables(text: str) -> list[str]:
    names = tables().syllables
    return [names[sound - 1] for sound, _, _ in parse_pinyin(text)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("jiaweixin", ["jia", "wei", "xin"]),
        ("jiangutou", ["jian", "gu", "tou"]),
        ("shanvren", ["sha", "nv", "ren"]),
        ("fangan", ["fang", "an"]),
        ("xini", ["xi", "ni"]),
        ("nueren", ["nve", "ren"]),
    ],
)
def test_letters_are_read_as_the_longest_syllables_that_leave_a_next_one(text: str, parts: list[str]) -> None:
    assert syllables(text) == parts


@pytest.mark.parametrize("term", ["贱骨头", "傻女人", "互暖", "反感", "西安"])
def test_a_respelling_uses_up_all_letters(term: str) -> None:
    reading = read_pinyin(term)[0]
    assert spell_pinyin(resegment_pinyin(reading)) == spell_pinyin(reading)


@pytest.mark.parametrize(
    ("term", "text"), [("贱骨头", "jiantou"), ("傻女人", "shangren"), ("互暖", "Hunan University")]
)
def test_letters_that_are_left_over_make_no_term(term: str, text: str) -> None:
    assert found(term, text) == []


def test_letters_that_can_be_parted_otherwise_are_found() -> None:
    assert found("反感", "很fangan他") == [("pinyin", "fangan")]
    assert found("贱骨头", "他jiangutou") == [("pinyin", "jiangutou")]


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("女优", "nvyou"),
        ("女优", "nüyou"),
        ("女优", "nǚyōu"),
        ("女优", "nuyou"),
        ("女优", "nu you"),
        ("女优", "nu优"),
        ("律师函", "lvshihan"),
        ("律师函", "lüshihan"),
        ("律师函", "lushihan"),
        ("美女主播", "meinuzhubo"),
        ("美女主播", "mei女zhubo"),
        ("美女主播", "美nu主播"),
    ],
)
def test_a_u_with_dots_is_typed_as_v_or_u(term: str, text: str) -> None:
    assert found(term, text) == [("pinyin", text)]


def test_a_u_with_dots_is_not_heard_as_u() -> None:
    assert found("女主播", "努主播") == []


# ---------------------------------------------------------------- letters that are something else


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("妈的", "I made it"),
        ("妈的", "made"),
        ("妈的", "这是made in China"),
        ("自杀", "z is a set"),
        ("网赌", "plot w and u"),
        ("色情", "for seq in non_empty"),
        ("涩图", 'with "set -u"'),
        ("门拍", "men pay"),
        ("蛮横", "man hen"),
        ("卡商", "k as an integer"),
    ],
)
def test_english_is_no_pinyin(term: str, text: str) -> None:
    assert found(term, text) == []


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("血洗", "xuexi"),
        ("血洗", "xue xi"),
        ("开房", "kaifang"),
        ("肢解", "zhijie"),
        ("遗书", "yishu"),
        ("性情", "xinqing"),
        ("捅死", "tongshi"),
        ("血洗", "我们在xuexi"),
    ],
)
def test_letters_that_spell_a_more_frequent_word_are_that_word(term: str, text: str) -> None:
    assert found(term, text) == []


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("广告", "guanggao"),
        ("广告", "guang gao"),
        ("学习", "xuexi"),
        ("开放", "kaifang"),
        ("微信", "weixin"),
        ("赌博", "dubo"),
        ("加微信", "jia wei xin"),
        ("加微信", "jiawei xin"),
        ("加微信", "jia-wei-xin"),
        ("加微信", "j i a w e i x i n"),
        ("加微信", "j.i.a wei xin"),
        ("血洗", "血xi"),
        ("血洗", "xue\u200bxi"),
        ("开房", "去k*aifang"),
        ("兼职", "找jianzhi"),
    ],
)
def test_a_term_of_its_own_spelling_is_found(term: str, text: str) -> None:
    assert [channel for channel, _ in found(term, text)] == ["pinyin"]


def test_a_listed_spelling_is_found_whatever_else_it_spells() -> None:
    entry = Entry(term="血洗", severity=Severity.IMPORTANT, aliases=("xuexi",))
    result = Filter([WordList(name="list", category="test", entries=(entry,))]).check("xuexi")
    assert [hit.channel for hit in result.hits] == [Channel.ALIAS]


@pytest.mark.parametrize("text", ["jia we ixin", "jiaw eixin", "jia weix inn", "jia wei x", "e jia wei"])
def test_syllables_do_not_go_on_behind_a_space(text: str) -> None:
    assert found("加微信", text) == []


def test_plain_english_and_words_in_pinyin_are_clean_for_the_shipped_lists() -> None:
    texts = [
        "I made it to the end",
        "z is a set of w and u",
        "the game name is on the same page",
        "Hunan University of Science",
        "can you hang on",
        "he ran home and sang a song",
        "long time no see",
        "xuexi xinqing hen hao",
        "women zai xuexi",
        "xiaoxue yishu kaifang zhijie",
    ]
    hits = [
        (text, hit.term)
        for text, result in zip(texts, Filter(load_dir(SHIPPED)).check_many(texts), strict=True)
        for hit in result.hits
        if hit.channel is Channel.PINYIN
    ]
    assert hits == []


# ---------------------------------------------------------------- other characters


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("去死", "快去试试"),
        ("去死", "去试吧"),
        ("去死", "怎么不去试"),
        ("死废物", "我是废物"),
        ("嗑药", "这课要考试吗"),
        ("代写论文", "我在写代谢论文"),
        ("包邮到家", "保佑到家"),
        ("现金返利", "先进范例展示会"),
        ("加好友", "加号有问题吧"),
        ("加好友", "家好有花香"),
        ("折扣码", "这口嘛"),
        ("折扣码", "是这口吗"),
        ("一元购", "一院够住吗"),
        ("一元购", "已远够不到了"),
        ("驾校班", "家校办通知"),
        ("蛋糕", "但高数真的难"),
        ("代写作业", "带些作业回家做"),
        ("四六级", "是六级考试的教室吗"),
    ],
)
def test_ordinary_words_that_sound_like_a_term_are_chance(term: str, text: str) -> None:
    assert found(term, text) == []


@pytest.mark.parametrize(
    ("term", "text", "piece"),
    [
        ("加微信", "佳威信哦", "佳威信"),
        ("加微信", "嘉薇心看资料", "嘉薇心"),
        ("广告", "大家看光告", "光告"),
        ("兼职", "找坚职", "坚职"),
        ("优惠券", "领优会券", "优会券"),
        ("现金返利", "线巾反力真到账", "线巾反力"),
        ("低价转让", "底价赚让", "底价赚让"),
        ("去死", "你去屎", "去屎"),
    ],
)
def test_characters_that_make_no_sense_are_a_disguise(term: str, text: str, piece: str) -> None:
    assert found(term, text) == [("homophone", piece)]


@pytest.mark.parametrize("text", ["𠮷𠀀𪚥佳威信", "佳威信" * 3, "\ud800佳威信\udfff", "佳" * 500 + "威信"])
def test_rare_characters_do_no_harm(text: str) -> None:
    assert found("加微信", text)


def test_use_tells_frequent_words_from_rare_ones_and_from_none() -> None:
    assert use_of("的") > use_of("学习") > use_of("血洗") > 0
    assert use_of("微信") > use_of("威信")
    assert use_of("嘉薇") == use_of("嘉薇心") == 0
