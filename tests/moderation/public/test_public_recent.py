"""Memory of the feed against a plain list of everything that ever happened."""

from hypothesis import given
from hypothesis import strategies as st

from moderation.desk.intake import FeedItem
from moderation.public import recent
from moderation.public.recent import MAX_EVENTS, MAX_SHOWN, RecentEvents


def item(number: int, kind: str, comment: int) -> FeedItem:
    return FeedItem(number, kind, comment, "a", f"t{comment}", None, 1.0)


def left_of(history: list[FeedItem], after: int) -> list[int]:
    """What somebody lacks who saw everything up to `after`, by the rule of the store."""
    gone = {one.comment_id for one in history if one.kind == "retract"}
    return [
        one.id for one in history if one.id > after and (one.kind == "retract" or one.comment_id not in gone)
    ]


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=60), st.integers(0, 30))
def test_resuming_from_memory_equals_reading_the_store(steps: list[tuple[int, bool]], begun: int) -> None:
    """Numbers have gaps (other channels); comments are published and then perhaps taken back."""
    history: list[FeedItem] = []
    shown: list[int] = []
    number = 0
    for comment, (gap, back) in enumerate(steps):
        number += gap
        if back and shown:
            history.append(item(number, "retract", shown.pop(0)))
        else:
            history.append(item(number, "publish", comment))
            shown.append(comment)
    before, later = history[:begun], history[begun:]
    last = before[-1].id if before else 0
    visible = [one for one in before if one.id in left_of(before, 0)]
    memory = RecentEvents(0, last, [one for one in visible if one.kind == "publish"], visible)
    for one in later:
        memory.add(one)
    for after in range(number + 2):
        found = memory.after(after)
        assert found is not None
        assert [one.id for one in found] == left_of(history, after)
    assert [one.comment_id for one in memory.newest(1000)] == shown


def test_memory_is_bounded_and_returns_none_before_its_floor() -> None:
    memory = RecentEvents(0, 0, [], [])
    total = MAX_EVENTS + 10
    for number in range(1, total + 1):
        memory.add(item(number, "publish", number))
    assert memory.floor == 10
    assert memory.after(9) is None
    found = memory.after(10)
    assert found is not None
    assert [one.id for one in found] == list(range(11, total + 1))
    assert [one.id for one in memory.newest(50)] == list(range(total - 49, total + 1))
    assert len(memory.newest(10**6)) == MAX_SHOWN


def test_an_event_is_encoded_once_in_both_forms() -> None:
    event = recent.Event(FeedItem(7, "publish", 3, "安", "a\nb</script>", 1.5, 9.25, bullet=True))
    body = '{"id":3,"author":"安","text":"a\\nb</script>","at_media_s":1.5,"published_at":9.25,"bullet":true}'
    assert event.sse.decode() == f"id: 7\nevent: publish\ndata: {body}\n\n"
    assert event.text == '{"event":"publish","seq":7,' + body[1:]
    back = recent.Event(FeedItem(8, "retract", 3, "", "", None, 9.5))
    assert back.sse == b'id: 8\nevent: retract\ndata: {"id":3}\n\n'
