"""The order in which a saved guest's processes are born again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt.sentry.checkpoint.family import Birth, Member, What, births, joiners

FIRST = Member(1, 0, 1, 1)


def test_numbers_come_in_order_each_from_its_parent() -> None:
    members = [
        Member(1, 0, 1, 1, threads=(2, 6)),
        Member(4, 1, 1, 1, threads=(5,)),
        Member(7, 4, 7, 7, dead=((8, 1, 3),)),
    ]
    assert births(members) == [
        Birth(2, What.THREAD, 1),
        Birth(4, What.PROCESS, 1),
        Birth(5, What.THREAD, 4),
        Birth(6, What.THREAD, 1),
        Birth(7, What.PROCESS, 4),
        Birth(8, What.DEAD, 7),
    ]


def test_who_leads_a_session_no_more_has_a_stand_in() -> None:
    """A daemon: its session was made by a process that has ended, so it was born by that one's stand-in."""
    members = [FIRST, Member(12, 1, 11, 11)]
    assert births(members) == [Birth(11, What.SESSION, 1), Birth(12, What.PROCESS, 11)]
    assert joiners(members) == [(12, 11)]


def test_who_leads_a_group_no_more_has_a_stand_in() -> None:
    """A pipeline in the background whose first process has ended."""
    members = [FIRST, Member(3, 1, 3, 3), Member(6, 3, 3, 5), Member(7, 3, 3, 5)]
    assert births(members) == [
        Birth(3, What.PROCESS, 1),
        Birth(5, What.GROUP, 3),
        Birth(6, What.PROCESS, 3),
        Birth(7, What.PROCESS, 3),
    ]
    assert joiners(members) == [(6, 5), (7, 5)]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([FIRST, Member(5, 9, 1, 1)], "parent"),
        ([FIRST, Member(3, 1, 1, 1), Member(5, 3, 2, 2)], "session"),
        ([FIRST, Member(2, 1, 2, 2), Member(5, 1, 2, 2)], "session"),
        ([FIRST, Member(5, 1, 1, 1, threads=(5,))], "two things"),
        ([FIRST, Member(5, 1, 1, 1, threads=(3,))], "older"),
        ([FIRST, Member(9, 1, 1, 1), Member(4, 9, 1, 1)], "older"),
    ],
)
def test_what_cannot_be_born_again_is_told(members: list[Member], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        births(members)


@st.composite
def _families(draw: st.DrawFn) -> list[Member]:
    """As forks make them: numbers rise, children are younger, some lead sessions or groups of their own."""
    numbers = sorted(draw(st.sets(st.integers(2, 200), max_size=12)))
    members = [FIRST]
    for number in numbers:
        parent = draw(st.sampled_from(members))
        match draw(st.integers(0, 2)):
            case 0:
                member = Member(number, parent.pid, number, number)
            case 1:
                member = Member(number, parent.pid, parent.session, number)
            case _:
                member = Member(number, parent.pid, parent.session, parent.group)
        members.append(member)
    return members


@given(_families())
def test_every_family_that_forks_have_made_is_born_again(members: list[Member]) -> None:
    order = births(members)
    assert [birth.number for birth in order] == sorted(birth.number for birth in order)
    there, session, group = {1}, {1: 1}, {1: 1}
    known = {member.pid: member for member in members}
    for birth in order:
        assert birth.parent in there
        there.add(birth.number)
        session[birth.number], group[birth.number] = session[birth.parent], group[birth.parent]
        if known[birth.number].session == birth.number:
            session[birth.number] = group[birth.number] = birth.number
    for pid, wanted in joiners(members):
        group[pid] = wanted
    assert session == {member.pid: member.session for member in members}
    assert group == {member.pid: member.group for member in members}
