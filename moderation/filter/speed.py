"""How fast the filter is: made-up lists and comments, the same on every machine, and the clock.

The comments are put together from pieces of ordinary campus chat; the terms are random characters, so that the
rate of hits is what is asked for. See docs/developers/filter.md.
"""

import gc
import multiprocessing
import random
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor

import msgspec

from moderation.filter.filter import EVERY_CHANNEL, EXACT_CHANNELS, Filter
from moderation.lexicon import Entry, Severity, WordList

_PIECES = ["老师好", "今天讲得真清楚", "大家晚上好", "前排打卡", "主播声音有点小", "画面好清晰", "期待下一场", "学长学姐加油", "图书馆几点关门", "食堂的红烧肉真好吃", "明天有课吗", "作业什么时候交", "我是大一新生", "信号不太稳定", "卡了一下又好了", "能不能再讲一遍", "这个题目好难", "原来如此", "哈哈哈哈", "笑死我了", "辛苦了", "谢谢老师", "请问直播有回放吗", "毕业快乐", "祝学校越来越好", "操场上人好多", "下雨了记得带伞", "晚会几点开始", "第一次看直播", "声音和画面不同步", "支持一下", "主持人好漂亮", "这首歌叫什么名字", "我们班的节目排第几", "校庆快乐", "想念食堂的味道", "周末一起打球", "图书馆占座的都出来", "考研加油", "实验室的同学辛苦了", "宿舍断电了", "网络有点慢", "手机快没电了", "我在家里看", "外面好冷", "春天来了花都开了", "今年的军训什么时候开始", "报名链接在哪里", "请大家遵守纪律", "舞台灯光太棒了", "鼓掌", "太好听了", "再来一个", "求合影", "学费怎么交", "选课系统又崩了", "高数期末难不难", "英语四级什么时候报名", "我也想去现场", "感谢学校", "感谢老师", "青春万岁", "未来可期", "一路顺风", "前程似锦", "万事如意", "加油加油", "冲鸭", "666", "2333", "好的", "收到", "嗯嗯", "是的", "不错", "可以"]  # fmt: skip
_LATIN = [
    "hello everyone",
    "nice to meet you",
    "good luck",
    "what time is it",
    "the sound is great",
    "I love this song",
    "see you tomorrow",
    "thank you teacher",
    "best wishes",
    "go go go",
    "awesome",
    "lol",
    "OK",
    "from the library",
    "can you hear me",
    "python 3.11",
    "room B204",
    "iphone",
]
_PICTURES = "😀😂👏🎉❤🔥🌹👍🥳💪"


class Speed(msgspec.Struct, kw_only=True):
    """Comments per second of one core, build in seconds, memory in MiB, single checks in microseconds.

    `different`: as `batched_exact`, of those comments that differ, each once.
    """

    engine: str
    terms: int
    comments: int
    hit_rate: float
    build_s: float
    memory_mib: float
    batched: float
    batched_exact: float
    different: float
    single: float
    p50_us: float
    p99_us: float
    hits: int


def make_terms(count: int, seed: int = 7) -> list[str]:
    """Distinct random terms of 2 to 6 Han characters, one in ten of Latin letters."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    found: dict[str, None] = {}
    common = [chr(code) for code in range(0x4E00, 0x9FA6) if _is_common(chr(code))]
    ordinary = "，".join((*_PIECES, *_LATIN))
    while len(found) < count:
        if chance.random() < 0.1:
            term = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(6, 10)))
        else:
            term = "".join(chance.choices(common, k=chance.choice((2, 3, 3, 4, 4, 5, 6))))
        if term not in ordinary:
            found[term] = None
    return list(found)


def _is_common(char: str) -> bool:
    """Whether it is one of the 3,755 characters of GB 2312, level 1."""
    try:
        return char.encode("gb2312") < b"\xd8"
    except UnicodeEncodeError:
        return False


def make_comments(count: int, terms: Sequence[str], hit_rate: float, seed: int = 8) -> list[str]:
    """Comments of mixed length (2 to about 60 characters, 16 on average); `hit_rate` of them hold a term."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    made = []
    for _ in range(count):
        kind = chance.random()
        if kind < 0.12:
            parts = chance.choices(_LATIN, k=chance.choice((1, 1, 2)))
        else:
            parts = chance.choices(_PIECES, k=chance.choice((1, 1, 2, 2, 3, 4)))
        if kind > 0.85:
            parts.append(chance.choice(_PICTURES))
        if chance.random() < hit_rate:
            parts.insert(chance.randint(0, len(parts)), chance.choice(terms))
        made.append(("，" if kind < 0.6 else " ").join(parts))
    return made


def word_list(terms: Sequence[str]) -> WordList:
    entries = tuple(Entry(term=term, severity=Severity.SENSITIVE) for term in terms)
    return WordList(name="made-up", category="bench", entries=entries)


def measure(
    engine: str, terms: Sequence[str], comments: Sequence[str], hit_rate: float, singles: int = 20_000
) -> Speed:
    """Build a filter and time it. Memory is what the process gained by building."""
    listed = word_list(terms)
    Filter([word_list(terms[:10])], engine=engine).check_many(
        comments[:2000]
    )  # tables are read, segmenter is warm
    gc.collect()
    before = _resident()
    started = time.perf_counter()
    made = Filter([listed], engine=engine, channels=EVERY_CHANNEL)
    build_s = time.perf_counter() - started
    gc.collect()
    memory = _resident() - before
    exact = made.with_channels(EXACT_CHANNELS)
    results = made.check_many(comments)
    batched = _rate(lambda: made.check_many(comments), len(comments))
    batched_exact = _rate(lambda: exact.check_many(comments), len(comments))
    distinct = list(dict.fromkeys(comments))
    different = _rate(lambda: exact.check_many(distinct), len(distinct))
    took = []
    for comment in comments[:singles]:
        started = time.perf_counter()
        made.check(comment)
        took.append(time.perf_counter() - started)
    took.sort()
    return Speed(
        engine=engine,
        terms=len(terms),
        comments=len(comments),
        hit_rate=hit_rate,
        build_s=build_s,
        memory_mib=memory,
        batched=batched,
        batched_exact=batched_exact,
        different=different,
        single=len(took) / sum(took),
        p50_us=took[len(took) // 2] * 1e6,
        p99_us=took[len(took) * 99 // 100] * 1e6,
        hits=sum(bool(result.hits) for result in results),
    )


def measure_apart(engine: str, terms: Sequence[str], comments: Sequence[str], hit_rate: float) -> Speed:
    """The same in a process of its own, so that the memory is that of one filter."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, engine, terms, comments, hit_rate).result()


def table(rows: Sequence[Speed]) -> str:
    """For people. Comments per second are of one core."""
    lines = [
        f"{'engine':<15}{'hits':>6}{'all':>11}{'exact-fold':>11}{'single':>9}{'p50':>8}{'p99':>8}{'build':>8}{'memory':>9}"
    ]
    lines += [
        f"{row.engine:<15}{row.hit_rate:>6.0%}{row.batched:>9,.0f}/s{row.batched_exact:>9,.0f}/s"
        f"{row.single:>7,.0f}/s{row.p50_us:>5.0f} us{row.p99_us:>5.0f} us{row.build_s:>6.2f} s{row.memory_mib:>5.0f} MiB"
        for row in rows
    ]
    return "\n".join(lines)


def _rate(run: Callable[[], object], count: int, rounds: int = 3) -> float:
    """Return the best rate of a few rounds: that of a machine without other load."""
    best = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - started)
    return count / best


def _resident() -> float:
    """MiB of memory in use now, or where the system does not tell, at most so far."""
    try:
        with open("/proc/self/statm") as told:  # noqa: PTH123 - a kernel file
            return int(told.read().split()[1]) * resource.getpagesize() / 2**20
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 2**10)
