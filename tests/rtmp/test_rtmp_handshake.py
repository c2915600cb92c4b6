import pytest

from streamgate.errors import ProtocolError
from streamgate.rtmp.handshake import SIZE, ClientHandshake, ServerHandshake


@pytest.mark.parametrize("step", [1, 7, 1536, 1537, 5000])
def test_both_sides_agree_whatever_the_pieces(step):
    client, server = ClientHandshake(), ServerHandshake()
    to_server, to_client = client.data_to_send(), b""
    rests = []
    for _ in range(4):
        for start in range(0, len(to_server), step):
            rests.append(server.receive(to_server[start : start + step]))
        to_client, to_server = server.data_to_send(), b""
        for start in range(0, len(to_client), step):
            client.receive(to_client[start : start + step])
        to_server = client.data_to_send()
        if server.done:
            break
    assert client.done
    assert server.done
    assert rests[-1] == b""


def test_the_echo_is_what_the_client_sent_and_the_rest_comes_back():
    server = ServerHandshake()
    hello = bytes(range(256)) * 6
    assert server.receive(b"\x03" + hello + bytes(SIZE) + b"more") == b"more"
    answer = server.data_to_send()
    assert len(answer) == 1 + 2 * SIZE
    assert hello == answer[1 + SIZE :]


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (b"\x16\x03\x01\x02", "TLS"),
        (b"GET / HTTP/1.1", "HTTP"),
        (b"POST /open/1 HTTP", "HTTP"),
        (b"\x06", "version 6"),
        (b"\x00", "version 0"),
    ],
)
def test_other_protocols_are_named(start, reason):
    with pytest.raises(ProtocolError, match=reason):
        ServerHandshake().receive(start)
