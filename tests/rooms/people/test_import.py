"""A roster as messy as centres send them: each row ends as its name says, and none is lost."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.fixtures.rosters import messy
from tests.rooms.people.conftest import World
from yishe.people import import_, import_results, search
from yishe.people.actors import SYSTEM
from yishe.people.import_report import Report
from yishe.people.models import Empanelment, ImportRow, Neighbourhood, Resident
from yishe.policy.refusals import Forbidden
from yishe.trust.models import Entry

Writer = Callable[[Path], Path]
BOTH = [
    pytest.param(lambda folder: messy.write_xlsx(folder / "m.xlsx"), id="xlsx"),
    pytest.param(lambda folder: messy.write_csv(folder / "m.csv"), id="csv-gb18030"),
    pytest.param(lambda folder: messy.write_csv(folder / "m.csv", "utf-8-sig"), id="csv-utf8"),
]


def by_label(report: Report) -> dict[str, object]:
    rows = {one.line.number: one for one in report.done}
    return {label: rows.get(number) for label, number in messy.numbered().items()}


@pytest.mark.parametrize("write", BOTH)
def test_every_row_ends_as_its_name_says(world: World, tmp_path: Path, write: Writer) -> None:
    report = import_.run(world.actor("gong"), write(tmp_path), at=world.now)

    ended = {label: getattr(one, "outcome", "lost") for label, one in by_label(report).items()}
    assert ended == {case.label: case.outcome for case in messy.CASES}
    assert report.rows == len(messy.CASES) == sum(report.counts.values())


def test_the_share_of_good_rows_created_and_bad_rows_refused_is_whole(world: World, tmp_path: Path) -> None:
    report = import_.run(world.actor("gong"), messy.write_xlsx(tmp_path / "m.xlsx"), at=world.now)

    counts = Counter(getattr(one, "outcome", "lost") for one in by_label(report).values())
    assert counts["created"] / len(messy.GOOD) == 1.0
    assert counts["rejected"] / len(messy.BAD) == 1.0
    assert Resident.objects.count() == len(messy.GOOD)


@pytest.mark.parametrize("write", BOTH)
def test_a_refused_row_names_its_column_and_what_to_do(world: World, tmp_path: Path, write: Writer) -> None:
    report = import_.run(world.actor("gong"), write(tmp_path), at=world.now)

    problems = {problem["row"]: problem for problem in report.problems}
    for case in (*messy.BAD, *messy.DOUBTFUL):
        problem = problems[messy.numbered()[case.label]]
        assert case.says in problem["reason"], case.label
        assert case.column[0] in problem["column"], case.label
        assert "请" in problem["reason"], case.label


def test_importing_twice_changes_nothing(world: World, tmp_path: Path) -> None:
    path = messy.write_xlsx(tmp_path / "m.xlsx")
    first = import_.run(world.actor("gong"), path, at=world.now)
    entries = Entry.objects.count()

    second = import_.run(world.actor("gong"), path, at=world.now)

    assert (second.created, second.updated) == (0, 0)
    assert second.unchanged == first.created + first.unchanged
    assert (second.held, second.rejected) == (first.held, first.rejected)
    assert Entry.objects.count() == entries


def test_a_preview_decides_the_same_and_writes_nothing(world: World, tmp_path: Path) -> None:
    path = messy.write_xlsx(tmp_path / "m.xlsx")

    preview = import_.run(world.actor("gong"), path, at=world.now, dry_run=True)

    assert not Resident.objects.exists()
    assert not Neighbourhood.objects.exclude(code="N1").exists()
    assert preview.to_json() == import_.run(world.actor("gong"), path, at=world.now).to_json()


def test_what_was_read_is_found_and_answered_for(world: World, tmp_path: Path) -> None:
    import_.run(world.actor("xu"), messy.write_xlsx(tmp_path / "m.xlsx"), at=world.now)

    (card,) = search.find(world.actor("xu"), "曹淑琴", world.now)
    assert card.traits == ("chd", "diabetes", "hypertension", "living_alone")
    (card,) = search.find(world.actor("xu"), "华丽娟", world.now)
    assert card.allergies == ("磺胺", "青霉素")
    (card,) = search.find(world.actor("xu"), "13800138017", world.now)
    assert card.name == "吕秀兰"


def test_the_team_and_doctor_named_are_those_who_answer(world: World, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(
        f"姓名,身份证,团队,签约医生,社工\n周秀英,{messy.number('19470305', 2)},一团队,陈医生,林社工\n"
    )

    import_.run(world.actor("gong"), path, at=world.now)

    row = Empanelment.objects.get()
    assert (row.team_id, row.doctor_id, row.social_worker_id) == (
        world.one, world.staff["chen"], world.staff["lin"],
    )  # fmt: skip


def test_a_changed_cell_updates_and_an_empty_one_takes_nothing_away(world: World, tmp_path: Path) -> None:
    number, path = messy.number("19470305", 2), tmp_path / "r.csv"
    path.write_text(f"姓名,身份证号,电话,住址\n周秀英,{number},13800138000,柳荫里\n")
    import_.run(world.actor("gong"), path, at=world.now)
    path.write_text(f"姓名,身份证号,电话,住址\n周秀英,{number},13900139000,\n")

    report = import_.run(world.actor("gong"), path, at=world.now)

    assert report.updated == 1
    (card,) = search.find(world.actor("xu"), "13900139000", world.now)
    assert card.address == "柳荫里"
    assert search.find(world.actor("xu"), "13800138000", world.now) == []


def test_the_second_sheet_adds_to_the_people_of_the_first(world: World, tmp_path: Path) -> None:
    number, path = messy.number("19470305", 2), tmp_path / "r.csv"
    path.write_text(f"姓名,身份证号\n周秀英,{number}\n")
    import_.run(world.actor("gong"), path, at=world.now)
    path.write_text(f"姓名,身份证号,病种,住址\n周秀英,{number},高血压,\n周秀英,{number},,柳荫里 3 号\n")

    report = import_.run(world.actor("gong"), path, at=world.now)

    assert report.updated == 2
    (card,) = search.find(world.actor("xu"), "周秀英", world.now)
    assert (card.traits, card.address) == (("hypertension",), "柳荫里 3 号")


def test_the_result_workbook_gives_every_row_back_and_runs_no_formula(world: World, tmp_path: Path) -> None:
    report = import_.run(world.actor("gong"), messy.write_xlsx(tmp_path / "m.xlsx"), at=world.now)

    import_results.write(report, tmp_path / "out.xlsx")

    sheet = load_workbook(tmp_path / "out.xlsx")["明细"]
    rows = list(sheet.iter_rows(min_row=2))
    assert len(rows) == report.rows
    assert {row[1].value for row in rows} == {"新建", "未变", "待核对", "退回"}
    cells = [cell for row in rows for cell in row if str(cell.value).startswith(("=", "+"))]
    assert cells
    assert all(cell.data_type == "s" for cell in cells)


def test_progress_is_told_to_the_end(world: World, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    import_.run(
        world.actor("gong"),
        messy.write_xlsx(tmp_path / "m.xlsx"),
        at=world.now,
        progress=lambda d, t: seen.append((d, t)),
    )

    assert seen[-1] == (len(messy.CASES), len(messy.CASES))


def test_a_nurse_may_not_import_and_a_stranger_not_into_this_centre(world: World, tmp_path: Path) -> None:
    path = messy.write_csv(tmp_path / "m.csv")

    for name, centre in (("sun", None), ("wei", world.spring)):
        with pytest.raises(Forbidden):
            import_.run(world.actor(name), path, at=world.now, centre=centre)
    assert not Resident.objects.exists()


def test_a_row_of_another_centre_is_refused_to_a_centre_and_taken_from_the_district(
    world: World, tmp_path: Path
) -> None:
    path = tmp_path / "r.csv"
    path.write_text(f"姓名,身份证,团队\n周秀英,{messy.number('19470305', 2)},三团队\n")

    mine = import_.run(world.actor("gong"), path, at=world.now)
    assert (mine.rejected, mine.problems[0]["column"]) == (1, "团队")

    import_.run(SYSTEM, path, at=world.now)
    assert Resident.objects.filter(centre=world.autumn).count() == Resident.objects.count() == 1


def test_held_rows_keep_what_they_said_under_seal_only(world: World, tmp_path: Path) -> None:
    import_.run(world.actor("gong"), messy.write_xlsx(tmp_path / "m.xlsx"), at=world.now)

    rows = ImportRow.objects.all()
    assert {row.outcome for row in rows} == {"held"}
    assert all("周秀英".encode() not in bytes(row.cells_sealed or b"") for row in rows)
