"""The year that is kept: a nurse ticks off what her list says is owed, and a contract that is about to end is renewed."""

import csv
import json
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect

from e2e import community as c
from e2e.conftest import Server, SignIn

NAME, NUMBER = "步若兰", "110102195104060021"
ENDS_IN = 20


def today() -> date:
    """As the centre's calendar has it."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).date()


def written(path: Path, *rows: tuple[str, ...]) -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return str(path)


def brought_in(server: Server, folder: Path) -> None:
    """One resident of the team, whose contract on paper has three weeks to run."""
    since = (today() - timedelta(days=365 - ENDS_IN)).isoformat()
    who = (NAME, NUMBER)
    roster = written(
        folder / "roster.csv",
        ("姓名", "身份证号", "签约团队", "家庭医生", "责任社工", "高血压"),
        (*who, c.TEAM, "王建平", "李敏", "是"),
    )
    paper = written(
        folder / "contracts.csv", ("姓名", "身份证号", "服务包", "签字日期"), (*who, "基础包", since)
    )
    for words in (("import", roster), ("past", "contracts", paper)):
        said = json.loads(server.yishe("people", *words, "--centre", c.CENTRE, "--json"))
        assert said["created"] + said["unchanged"] == 1, said


def found(page: Page) -> str:
    """The path of her page, from the list of those the team answers for."""
    page.goto("/panel")
    row = page.locator("tr[data-row]").filter(has_text=NAME)
    expect(row).to_be_visible()
    return str(row.locator("a.open").get_attribute("href"))


def test_what_a_nurses_list_says_is_owed_is_kept_and_the_ending_contract_renewed(
    server: Server, signed_in: SignIn, tmp_path: Path
) -> None:
    nurse = signed_in(c.NURSE)
    brought_in(server, tmp_path)
    her = found(nurse)
    nurse.goto(f"{her}?tab=contract")
    tab = nurse.locator("#tab")
    expect(tab).to_contain_text("已做 0")
    c.keep(nurse, "主动联系", "电话", "电话联系，血压平稳。")
    expect(tab).to_contain_text(re.compile(r"已做 [1-9]"), timeout=c.LIVE_MS)

    nurse.get_by_role("link", name="续签或重新签约").click()
    c.to_the_signatures(nurse, "血压平稳，续签基础包。")
    nurse.get_by_label("居民一方签名（姓名）").fill(NAME)
    nurse.get_by_role("button", name="双方签字").click()
    begins = (today() + timedelta(days=ENDS_IN)).isoformat()
    expect(nurse.locator("#tab")).to_contain_text(begins, timeout=c.LIVE_MS)
    expect(nurse.locator("#tab section").first).to_contain_text("尚未开始")
