"""The queue between two tasks: dropping, waiting, closing."""

from __future__ import annotations

import asyncio

import pytest

from facegauge_client.sdk.mailbox import Mailbox, MailboxClosed


async def test_offer_drops_the_oldest_and_counts_it() -> None:
    """The newest items win, in their order."""
    box: Mailbox[int] = Mailbox(2)
    for number in range(5):
        box.offer(number)
    assert [await box.get(), await box.get()] == [3, 4]
    assert box.dropped == 3


async def test_put_waits_for_room() -> None:
    """A full mailbox holds its sender back until something is taken."""
    box: Mailbox[int] = Mailbox(1)
    await box.put(1)
    second = asyncio.create_task(box.put(2))
    await asyncio.sleep(0)
    assert not second.done()
    assert await box.get() == 1
    await second
    assert (await box.get(), box.dropped) == (2, 0)


async def test_a_closed_mailbox_gives_what_it_has_and_takes_no_more() -> None:
    """Closing wakes whoever waits, and loses nothing that is inside."""
    box: Mailbox[int] = Mailbox(1)
    await box.put(1)
    waiting = asyncio.create_task(box.put(2))
    await asyncio.sleep(0)
    box.close()
    with pytest.raises(MailboxClosed):
        await waiting
    assert await box.get() == 1
    with pytest.raises(MailboxClosed):
        await box.get()
    with pytest.raises(MailboxClosed):
        box.offer(3)


async def test_a_waiting_reader_learns_of_the_end() -> None:
    """get() on an empty mailbox ends when the mailbox does."""
    box: Mailbox[int] = Mailbox(1)
    reader = asyncio.create_task(box.get())
    await asyncio.sleep(0)
    box.close()
    with pytest.raises(MailboxClosed):
        await reader


async def test_a_relaxed_mailbox_drops_instead_of_waiting() -> None:
    """relax() frees senders that wait, at the price of the oldest items."""
    box: Mailbox[int] = Mailbox(1)
    await box.put(1)
    waiting = asyncio.create_task(box.put(2))
    await asyncio.sleep(0)
    box.relax()
    await waiting
    assert (await box.get(), box.dropped) == (2, 1)


def test_a_mailbox_without_room_makes_no_sense() -> None:
    """A capacity below one is refused."""
    with pytest.raises(ValueError, match="at least one item, not 0"):
        Mailbox(0)


async def test_what_is_put_back_comes_out_first() -> None:
    """In its order, beyond the capacity, and also from a mailbox that is closed."""
    box: Mailbox[int] = Mailbox(1)
    await box.put(3)
    box.close()
    box.put_back([1, 2])
    assert [await box.get() for _ in range(3)] == [1, 2, 3]
    assert box.dropped == 0
    with pytest.raises(MailboxClosed):
        await box.get()
