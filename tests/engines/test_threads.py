"""How many threads run a program's steps."""

from chainrule.engines.threads import Crew


def calls(crew, seconds, n):
    """Make calls of ten steps that take so long by one thread, or by four; return their threads."""
    found = []
    for _ in range(n):
        found.append(crew.size())
        crew.took(found[-1], 10, seconds[found[-1]])
    return found


def test_the_quicker_way_is_kept_and_the_slower_tried_again():
    assert calls(Crew(1), {1: 1.0}, 5) == [1] * 5
    found = calls(Crew(4), {4: 1.0, 1: 2.0}, 200)
    assert found[:2] == [4, 1]
    assert 4 <= found.count(1) <= 8
    assert calls(Crew(4), {4: 30.0, 1: 1.0}, 1000).count(4) == 1


def test_what_changes_is_noticed():
    crew = Crew(4)
    assert calls(crew, {4: 1.0, 1: 1.5}, 50)[-1] == 4
    assert calls(crew, {4: 30.0, 1: 1.5}, 50)[-1] == 1  # another program keeps a processor busy
    crew = Crew(4)
    calls(crew, {4: 3.0, 1: 1.5}, 50)
    assert calls(crew, {4: 1.0, 1: 1.5}, 50)[-1] == 4


def test_short_calls_tell_nothing():
    crew = Crew(4)
    for _ in range(9):
        assert crew.size() == 4
        crew.took(4, 1, 1.0)
        crew.took(4, 100, 1e-5)
