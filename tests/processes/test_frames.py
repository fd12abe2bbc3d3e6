"""Messages over sockets: whole, in order, whatever the pieces; and what is no message."""

from __future__ import annotations

import socket
import struct

import pytest

from orchestration.processes import frames


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_messages_are_whole_whatever_pieces_they_come_in(size):
    messages = [{"a": 1}, ["ä" * 500], None, "", {"deep": [[[1]]]}]
    data = b"".join(map(frames.encode, messages))
    inbox = frames.Inbox()
    found = [m for start in range(0, len(data), size) for m in inbox.feed(data[start : start + size])]
    assert found == messages


def test_odd_values_pass():
    [found] = frames.Inbox().feed(frames.encode({"n": 2**80, "half": "\ud800", 1: "key"}))
    assert found["half"] == "\\ud800"
    assert found["1"] == "key"


@pytest.mark.parametrize("data", [struct.pack("!I", frames.LONGEST + 1), struct.pack("!I", 3) + b"{{{"])
def test_what_is_no_message_is_refused(data):
    with pytest.raises(frames.FrameError):
        list(frames.Inbox().feed(data))


def test_the_end_is_told_from_a_broken_message():
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        with pytest.raises(EOFError):
            frames.receive(ours)
    ours, theirs = socket.socketpair()
    with ours:
        theirs.sendall(b"\0\0\0\x09{")
        theirs.close()
        with pytest.raises(frames.FrameError):
            frames.receive(ours)


def test_what_a_full_socket_does_not_take_is_kept():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        outbox = frames.Outbox(ours)
        outbox.put("x" * 5_000_000)
        assert outbox
        inbox = frames.Inbox()
        found: list[str] = []
        theirs.setblocking(False)
        while not found:
            data, is_closed = frames.drain(theirs)
            assert not is_closed
            found = list(inbox.feed(data))
            outbox.flush()
        assert len(found[0]) == 5_000_000
        assert not outbox
        assert frames.drain(theirs) == (b"", False)
        ours.close()
        assert frames.drain(theirs) == (b"", True)
