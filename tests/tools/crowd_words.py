"""What a crowd writes: as many comments as are wanted, no two of them equal for the filter."""

from collections.abc import Iterator
from itertools import islice, product

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯"
FIRST = "子梓雨浩欣思佳俊晨明文嘉宇诗若安书天一艺泽清可心乐语星海"
SECOND = "涵轩怡然萱豪琪瑶航宁悦辰妍博睿彤菲晴朗阳凡颖峰雯杰璐岚磊"
SAYINGS = (
    "新生{name}报到，请问宿舍几点开门？",
    "祝母校生日快乐！{name}敬上",
    "直播很清楚，{name}谢谢老师们的准备",
    "{name}在教室里和同学们一起看",
    "请问录像在哪里可以回看？{name}的家长",
    "校长讲得太好了！{name}留言",
    "向老师们致敬，辛苦了。学生{name}",
)


def sayings(count: int, start: int = 0) -> Iterator[tuple[str, str]]:
    """Yield name and text of `count` comments from number `start` on; there are 21,168."""
    found = islice(_names(), start, start + count)
    for number, name in enumerate(found, start):
        yield name, SAYINGS[number % len(SAYINGS)].format(name=name)


def _names() -> Iterator[str]:
    return (last + first + second for first, second, last in product(FIRST, SECOND, SURNAMES))
