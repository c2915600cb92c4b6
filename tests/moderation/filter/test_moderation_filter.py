"""The filter as a whole: spans, channels, verdicts, batches, odd input, changing lists."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moderation_texts import any_text, disguised

from moderation.filter import EVERY_CHANNEL, EXACT_CHANNELS, Filter
from moderation.filter.pace import PART
from moderation.filter.policy import Verdict
from moderation.filter.result import Result
from moderation.lexicon import Channel, Severity
from moderation.lists.list_format import parse_list, plain_list
from moderation.text.fold import fold

LIST = r"""
@category test
@title-en Test
@title-zh 测试
@version 1
@severity sensitive
@alias 微信 = 薇信,V信
加微信 | important | channels=+initials,+reversal
广告 | sensitive | channels=+reversal
口交 | block
赌博 | block
hello | suspected
888
好朋友
啤酒 | suspected
哈哈哈镜 | block
kill yourself | block
penis | important
上颚
无声 | | channels=-homophone,-pinyin,-split,-emoji
过期 | block | expires=2020-01-01
卫生纸 | | alias=面巾
! 路口交通
! 赌博学
"""


@pytest.fixture(scope="module")
def made() -> Filter:
    return Filter([parse_list(LIST, "test.txt")])


def found(result: Result) -> list[tuple[str, str]]:
    return [(hit.term, hit.channel.value) for hit in result.hits]


ONE_FOR_EACH_CHANNEL = {
    "大家快加微信": ("加微信", "exact", "加微信"),
    "大家快加V信": ("加微信", "alias", "加V信"),
    "一起女子朋友": ("好朋友", "split", "女子朋友"),
    "来喝🍺酒": ("啤酒", "emoji", "🍺酒"),
    "快加wei信吧": ("加微信", "pinyin", "加wei信"),
    "jiaweixin": ("加微信", "pinyin", "jiaweixin"),
    "嘉薇心聊": ("加微信", "homophone", "嘉薇心"),
    "jwx": ("加微信", "initials", "jwx"),
    "看告广": ("广告", "reversal", "告广"),
    "看\u202e信微加": ("加微信", "reversal", "信微加"),
    "电话13812345678": ("mobile", "personal", "13812345678"),
    "加Ⅴ信": ("加微信", "alias", "加Ⅴ信"),
    "shange": ("上颚", "pinyin", "shange"),
    "⑧⑧⑧": ("888", "exact", "⑧⑧⑧"),
    "h̶e̶l̶l̶o̶!": ("hello", "exact", "h̶e̶l̶l̶o̶"),
    "买面巾": ("卫生纸", "alias", "面巾"),
    "哈哈哈哈镜": ("哈哈哈镜", "exact", "哈哈哈哈镜"),
    "hello oh": ("hello", "exact", "hello"),
}


@pytest.mark.parametrize(("text", "expected"), ONE_FOR_EACH_CHANNEL.items())
def test_each_channel_gives_the_term_and_the_exact_span(
    made: Filter, text: str, expected: tuple[str, str, str]
) -> None:
    (hit,) = made.check(text).hits
    assert expected == (hit.term, hit.channel, text[hit.start : hit.end])


@pytest.mark.parametrize(
    "text",
    [
        "路口交通堵塞", "赌博学研究", "othello", "hellos", "shello2", "哈哈镜",
        "8888", "1888", "过期了", "五声", "wusheng",
        "今天天气真好", "tiny.cc", "xi", "朋友好", "", " ", "\n",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_term_is_left_alone(made: Filter, text: str) -> None:
    assert made.check(text).verdict == Verdict.CLEAN


def test_an_exact_hit_of_a_block_term_blocks_and_asks_for_three_stages(made: Filter) -> None:
    result = made.check("来赌博吧")
    assert (result.verdict, result.stages) == (Verdict.BLOCK, 3)
    assert result.reason_zh == "判为“拦截”：以原词方式命中“赌博”（测试，拦截级）。"
    assert result.reason_en == "Block: “赌博” (test, block) was found as written."


def test_the_reason_names_the_list_in_the_language_of_the_sentence() -> None:
    titled = Filter(
        [parse_list("@category ads\n@title-zh 诈骗与引流\n@title-en Ads\n广告 | block\n", "ads.txt")]
    )
    for text in ("看广告吧", "看广告", "1广告2广告"):
        result = titled.check(text)
        assert "（诈骗与引流，拦截级）" in result.reason_zh
        assert "(ads, block)" in result.reason_en
    assert titled.check_many(["看广告"] * 30) == [titled.check("看广告")] * 30


@pytest.mark.parametrize("text", ["🎲博", "du博", "dubo", "贝者博", "睹博", "参口交流"])
def test_nothing_but_an_exact_clean_hit_blocks(made: Filter, text: str) -> None:
    result = made.check(text)
    assert result.hits
    assert result.verdict < Verdict.BLOCK


@pytest.mark.parametrize("text", ["参加，微信见", "the pen is red", "参加微信活动"])
def test_a_hit_over_the_edge_of_words_is_lowered_not_dropped(made: Filter, text: str) -> None:
    result = made.check(text)
    (hit,) = result.hits
    assert not hit.clean
    assert result.verdict == Verdict.SUSPECTED
    assert "可能构成别的词" in result.reason_zh


@pytest.mark.parametrize("text", ["加，微，信", "p e n i s", "Kill   yourself"])
def test_a_gap_after_every_letter_or_one_of_the_term_itself_is_no_excuse(made: Filter, text: str) -> None:
    assert made.check(text).hits[0].clean


def test_all_overlapping_terms_are_found() -> None:
    made = Filter([plain_list(["ab", "abcd", "bc", "cd", "赌", "赌博", "博彩", "赌博彩票"], "t")])
    assert {"赌", "赌博", "博彩", "赌博彩票"} == {hit.term for hit in made.check("赌博彩票").hits}


def test_each_of_several_occurrences_is_told(made: Filter) -> None:
    assert [(hit.start, hit.end) for hit in made.check("广告，广告 广告").hits] == [(0, 2), (3, 5), (6, 8)]


def test_spans_in_utf_16_units_suit_browsers(made: Filter) -> None:
    text = "😀😀加微信𝓱𝓮𝓵𝓵𝓸"
    units = text.encode("utf-16-le")
    for hit in made.check(text).hits:
        low, high = hit.utf16
        assert text[hit.start : hit.end] == units[2 * low : 2 * high].decode("utf-16-le")


def test_personal_data_is_starred_out_and_the_text_keeps_its_length(made: Filter) -> None:
    text = "加我１３８ 1234 5678"
    result = made.check(text)
    assert result.masked == "加我１３８ **** 5678"
    assert result.verdict == Verdict.SENSITIVE


def test_channels_can_be_switched_off(made: Filter) -> None:
    only_written = made.with_channels(EXACT_CHANNELS)
    assert only_written.check("嘉薇心").verdict == Verdict.CLEAN
    assert only_written.check("加微信").verdict == Verdict.IMPORTANT
    assert [
        made.with_channels(chosen).check("13812345678").verdict.word
        for chosen in (EVERY_CHANNEL, EVERY_CHANNEL - {Channel.PERSONAL})
    ] == ["sensitive", "clean"]


# ---------------------------------------------------------------- properties


@given(disguised("加微信"), any_text, any_text)
def test_a_disguised_term_is_found_wherever_it_stands(
    made: Filter, hidden: str, before: str, after: str
) -> None:
    text = before + "，。" + hidden + "。，" + after
    low = len(before) + 2
    spans = [(hit.start, hit.end) for hit in made.check(text).hits if hit.term == "加微信"]
    complete = made.check(text).complete
    assert not complete or any(start < low + len(hidden) and end > low for start, end in spans)


@given(any_text)
def test_every_exact_span_folds_back_to_its_term(made: Filter, text: str) -> None:
    for hit in made.check(text + "加微信" + text).hits:
        if hit.channel is Channel.EXACT:
            span = (text + "加微信" + text)[hit.start : hit.end]
            assert fold(hit.term) in (fold(span), fold(span.replace("Ⅴ", "v").replace("Ⅹ", "x")))
        assert 0 <= hit.start < hit.end <= 2 * len(text) + 3


@given(st.lists(any_text | disguised("加微信") | st.sampled_from(list(ONE_FOR_EACH_CHANNEL)), max_size=12))
def test_a_batch_says_what_single_checks_say(made: Filter, texts: list[str]) -> None:
    assert [made.check(text) for text in texts] == made.check_many(texts)


@pytest.mark.parametrize(
    "piece",
    [
        "加微信", "广告", "a", "哈", "\u0301", "h\u0336", "\u202e", "\ud800",
        "1 ", "13812345678", "1", "女子", "🍺", "🍺酒", "jiaweixin",
        "wei", "嘉薇心", "，", "@", "a.", "微信a", "路口交通",
        "8", "京a", "\n", "加\u200b", "Ⅴ", "加 ", "kill ", "𝓱", "⑩",
    ],
    ids=ascii,
)  # fmt: skip
def test_a_line_of_a_megabyte_takes_time_by_its_length_only(made: Filter, piece: str) -> None:
    def took(length: int) -> float:
        text = piece * (length // len(piece))
        started = time.process_time()
        result = made.check(text)
        spent = time.process_time() - started
        assert result.complete or result.verdict >= Verdict.IMPORTANT
        return spent

    took(1000)
    small, large = took(1 << 17), took(1 << 20)
    assert large < 0.3 + 32 * small  # eight times the length; a quadratic one would take 64 times as long
    assert large < 5


def test_a_text_with_too_many_finds_goes_to_full_review(made: Filter) -> None:
    result = made.check("广告，" * 10_000)
    assert (result.verdict, result.stages, result.complete) == (Verdict.IMPORTANT, 3, False)
    assert "未全部列出" in result.reason_zh


def test_the_reason_names_what_raised_the_verdict() -> None:
    made = Filter([plain_list(["广告"], "t"), plain_list(["赌球"], "g", Severity.IMPORTANT)])
    many = made.check("广告，" * 10_000)
    assert many.cause == -1
    assert many.reason_en == (
        "It is too long, or holds too many finds, to be checked in full and needs full review by people; "
        "“广告” was found, and 999 more."
    )
    assert many.reason_zh == (
        "文本过长或命中过多未全部列出，未能全部检查（其中命中“广告”等1000处），须由人工全面审核。"
    )
    graver = made.check("赌球，" + "广告，" * 10_000)
    assert graver.cause == 0
    assert graver.reason_en.startswith("Important: “赌球” (g, important) was found as written")


@pytest.mark.parametrize("text", ["赌，博", "赌\n博"])
def test_the_reason_of_a_hit_that_marks_part_names_them_and_no_other_words(text: str) -> None:
    result = Filter([plain_list(["赌博"], "t")]).check(text)
    assert not result.hits[0].clean
    assert "what stands between its parts" in result.reason_en
    assert "字间有间隔" in result.reason_zh


def test_what_is_no_text_is_refused_by_name(made: Filter) -> None:
    with pytest.raises(TypeError, match="the text is NoneType; allowed is str"):
        made.check(None)
    with pytest.raises(TypeError, match="texts is one str, '赌博'; allowed are several str"):
        made.check_many("赌博")
    with pytest.raises(TypeError, match="texts is one bytes"):
        made.check_many(b"ab")
    with pytest.raises(TypeError, match="text 1 of 3 is NoneType; allowed is str"):
        made.check_many(["一", None, "二"])


def test_added_severities_cannot_be_lowered_but_replaced_ones_can() -> None:
    made = Filter([plain_list(["赌球"], "g", Severity.IMPORTANT)])
    made.add(plain_list(["赌球"], "g", Severity.SUSPECTED))
    made.settle()
    assert (made.check("赌球").verdict, len(made.check("赌球").hits)) == (Verdict.IMPORTANT, 2)
    made.replace([plain_list(["赌球"], "g", Severity.SUSPECTED)])
    assert made.check("赌球").verdict == Verdict.SUSPECTED


# ---------------------------------------------------------------- changing lists


@pytest.mark.alone  # it measures how long adding takes
def test_an_added_term_counts_at_once_and_after_the_rebuild() -> None:
    made = Filter([parse_list(LIST, "test.txt")])
    before = made.version
    assert not made.check("新词出现").hits
    started = time.perf_counter()
    version = made.add(plain_list([f"新词{i}号" for i in range(999)] + ["新词"], "new"))
    assert time.perf_counter() - started < 0.05
    assert found(made.check("新词出现")) == [("新词", "exact")]
    assert version == made.check("新词出现").version != before
    made.replace(made.lists)
    assert "+" not in made.version
    assert found(made.check("新词出现")) == [("新词", "exact")]


def test_an_added_allow_phrase_suppresses_hits_of_older_lists() -> None:
    made = Filter([parse_list(LIST, "test.txt")])
    made.add(parse_list("@category more\n! 广告学\n", "more.txt"))
    assert not made.check("广告学概论").hits


class Overlap:
    """A filter whose first rebuild takes its time: `first` runs beside what the test does meanwhile."""

    def __init__(self) -> None:
        self.filter = Filter([plain_list(["旧词"], "old")])
        self._compiling = threading.Barrier(2)
        self._compile, self.filter._compile = self.filter._compile, self._slowly
        self._threads: list[threading.Thread] = []

    def _slowly(self, lists: object) -> object:
        if threading.current_thread() is self._threads[0]:
            self._compiling.wait()
            time.sleep(0.05)
        return self._compile(lists)

    def start(self, change: object, *args: object) -> None:
        self._threads.append(threading.Thread(target=change, args=args))
        self._threads[-1].start()
        if len(self._threads) == 1:
            self._compiling.wait()
        else:
            time.sleep(0.01)

    def verdicts(self, words: str) -> list[str]:
        for thread in self._threads:
            thread.join()
        return [self.filter.check(word).verdict.word for word in words.split()]


def test_what_is_added_while_lists_are_replaced_is_kept() -> None:
    both = Overlap()
    both.start(both.filter.replace, [plain_list(["别词"], "other")])
    both.filter.add(plain_list(["新词"], "new"))
    assert both.verdicts("旧词 别词 新词") == ["clean", "sensitive", "sensitive"]


def test_what_is_added_between_two_rebuilds_that_overlap_is_kept() -> None:
    both = Overlap()
    both.start(both.filter.replace, [plain_list(["甲词"], "a")])
    both.start(both.filter.replace, [plain_list(["乙词"], "b")])
    both.filter.add(plain_list(["新词"], "new"))
    assert both.verdicts("旧词 甲词 乙词 新词") == ["clean", "clean", "sensitive", "sensitive"]


def test_what_is_settled_while_a_replacement_waits_is_kept() -> None:
    made = Filter([plain_list(["旧词"], "old")])
    with made._rebuilding:
        replacing = threading.Thread(target=made.replace, args=([plain_list(["别词"], "other")],))
        replacing.start()
        while not made._replacing:
            time.sleep(0.001)
        made.add(plain_list(["新词"], "new"))
        made._rebuild(made.lists, made._added)  # as settle does, before the replacement
    replacing.join()
    verdicts = [made.check(word).verdict.word for word in ("旧词", "别词", "新词")]
    assert verdicts == ["clean", "sensitive", "sensitive"]
    assert made._log == list(made._state.added)


def test_settling_folds_in_what_was_added_and_keeps_what_comes_meanwhile() -> None:
    made = Filter([plain_list(["旧词"], "old")])
    made.add(plain_list(["新词"], "new"))
    assert "+" in made.version
    made.settle()
    assert "+" not in made.version
    assert [made.check(word).verdict.word for word in ("旧词", "新词")] == ["sensitive"] * 2


class Counted:
    """A lock that counts how often it is taken."""

    def __init__(self) -> None:
        self.taken = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()
        self.taken += 1

    def __exit__(self, *_exc: object) -> None:
        self._lock.release()


def test_a_rebuild_waits_for_an_addition_after_every_part_of_its_terms() -> None:
    made = Filter([plain_list(["旧词"], "old")])
    made._changing = lock = Counted()
    terms = [f"{chr(0x4E00 + i // 200)}{chr(0x5000 + i % 200)}词" for i in range(20 * PART)]
    made.replace([plain_list(terms, "new")])
    assert lock.taken > 40  # once for each part of the terms, and of their sounds


def test_an_alias_that_is_part_of_another_word_is_lowered() -> None:
    made = Filter([parse_list("@category t\n@severity important\n微信号 | | alias=加威\n", "t.txt")])
    assert made.check("找加威").verdict is Verdict.IMPORTANT
    assert made.check("增加威力").verdict is Verdict.SUSPECTED


def test_no_call_ever_sees_half_a_change() -> None:
    """Two lists that share no term: each batch must be checked against one of them, and say so."""
    even = plain_list([f"甲{chr(0x4E00 + i)}{chr(0x5E00 + i)}" for i in range(0, 400, 2)], "even")
    odd = plain_list([f"甲{chr(0x4E00 + i)}{chr(0x5E00 + i)}" for i in range(1, 400, 2)], "odd")
    texts = [entry.term for entry in (*even.entries, *odd.entries)]
    made = Filter([even], channels=EXACT_CHANNELS)
    expected = {made.version: 200}
    made.replace([odd])
    expected[made.version] = 200
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            made.replace([even])
            made.replace([odd])

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        seen = set()
        for _ in range(150):
            results = made.check_many(texts)
            (version,) = {result.version for result in results}
            hit = [bool(result.hits) for result in results]
            seen.add(version)
            assert hit in ([True] * 200 + [False] * 200, [False] * 200 + [True] * 200)
            assert expected[version] == sum(hit)
    finally:
        stop.set()
        swapping.join()
    assert len(seen) == 2


@settings(deadline=None, max_examples=20)
@given(st.lists(any_text, min_size=1, max_size=8), any_text)
def test_any_terms_make_a_filter_that_finds_them(terms: list[str], text: str) -> None:
    made = Filter([plain_list([term.replace("\n", "")[:64] for term in terms], "any")])
    made.check(text)
    for entry in made.lists[0].entries:
        if fold(entry.term):
            assert any(fold(hit.term) == fold(entry.term) for hit in made.check(entry.term).hits)
