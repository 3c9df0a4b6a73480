"""A roster through the page: preview, take in, every row back; nothing inline for the content policy to stop."""

from pathlib import Path

import xlsxwriter
from playwright.sync_api import expect

from e2e import community as c
from e2e.conftest import SignIn


def test_a_roster_is_previewed_and_taken_in(signed_in: SignIn, tmp_path: Path) -> None:
    page = signed_in(c.DIRECTOR)
    page.goto("/import")
    page.get_by_label("文件", exact=True).set_input_files(_roster(tmp_path))
    page.get_by_role("button", name="上传并预览").click()
    expect(page.locator("#job")).to_contain_text("读了 2 行，还没有写入", timeout=30_000)
    page.get_by_role("button", name="按此导入").click()
    expect(page.locator("#job")).to_contain_text("2 行都有了着落", timeout=30_000)
    with page.expect_download() as taken:
        page.get_by_role("link", name="下载结果").click()
    assert taken.value.path().stat().st_size > 1000


def test_no_page_breaks_its_own_content_policy(signed_in: SignIn) -> None:
    page = signed_in(c.DOCTOR)
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text) if message.type == "error" else None)
    for path in ("/", "/residents", "/loops", "/board", "/duty", "/notices", "/import", "/team"):
        page.goto(path)
    assert heard == []


def _roster(folder: Path) -> Path:
    path = folder / "名册.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate(
            [
                ("姓名", "性别", "出生日期", "联系电话"),
                ("卜若兰", "女", "1950-03-02", "13900001111"),
                ("", "", "", "123"),
            ]
        ):
            sheet.write_row(row, 0, cells)
    return path
