"""What is printed finds its font, also when several processes set their first page in the same instant."""

import multiprocessing
from pathlib import Path

from yishe.trust import paper

TOGETHER, HOMES = 4, 100


def test_those_who_lay_the_font_at_once_do_not_trip_over_each_other(tmp_path: Path) -> None:
    processes = multiprocessing.get_context("fork")
    font, start = tmp_path / "font.otf", processes.Barrier(TOGETHER)
    font.write_bytes(b"font")
    homes = [tmp_path / str(n) for n in range(HOMES)]

    def lay() -> None:
        for home in homes:
            start.wait(5)
            paper.laid(font, home / "fonts")

    started = [processes.Process(target=lay) for _ in range(TOGETHER)]
    for one in started:
        one.start()
    for one in started:
        one.join()
    assert [one.exitcode for one in started] == [0] * TOGETHER
    for home in homes:
        assert [one.resolve() for one in home.rglob("*.otf")] == [font]
        assert list(home.iterdir()) == [home / "fonts"]


def test_a_font_that_moved_is_found_again(tmp_path: Path) -> None:
    old, new = tmp_path / "old" / "font.otf", tmp_path / "new" / "font.otf"
    for one in (old, new):
        one.parent.mkdir()
        one.write_bytes(b"font")
    paper.laid(old, tmp_path / "fonts")
    paper.laid(new, tmp_path / "fonts")
    assert (tmp_path / "fonts" / "font.otf").resolve() == new
