"""Who may use the emulated processor: one thread at a time, in the order in which they came."""

from __future__ import annotations

import threading

from wirt.vmm.software.turns import Turns


def test_turn_is_held_until_it_is_given() -> None:
    turns = Turns(lambda: None)
    assert not turns.held
    turns.take()
    assert turns.held
    turns.give()
    assert not turns.held


def test_waiting_thread_has_the_holder_stopped_and_gets_the_turn() -> None:
    asked = threading.Event()
    turns = Turns(asked.set)
    turns.take()
    order: list[str] = []

    def wait() -> None:
        turns.take(patience=0)
        order.append("second")
        turns.give()

    thread = threading.Thread(target=wait)
    thread.start()
    assert asked.wait(10)
    order.append("first")
    turns.give()
    thread.join(10)
    assert order == ["first", "second"]
    assert not turns.held


def test_turn_goes_from_hand_to_hand_in_order() -> None:
    turns = Turns(lambda: None)
    turns.take()
    order: list[int] = []
    threads = []

    def wait(number: int, waiting: threading.Event) -> None:
        waiting.set()
        turns.take()
        order.append(number)
        turns.give()

    for number in range(4):
        waiting = threading.Event()
        threads.append(threading.Thread(target=wait, args=(number, waiting)))
        threads[-1].start()
        assert waiting.wait(10)
        while turns.waiting <= number:
            pass
    turns.give()
    for thread in threads:
        thread.join(10)
    assert order == [0, 1, 2, 3]
