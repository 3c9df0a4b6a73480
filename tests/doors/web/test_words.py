"""Names typed to find somebody never stand in an address, and nothing else of a secret does either."""

import re
from urllib.parse import unquote

import pytest

from tests.doors.web.conftest import Office, Screen
from tests.house.source import SOURCE
from tests.spellings import found

pytestmark = pytest.mark.django_db
NAME = "王秀兰"
SECRET = re.compile(
    r"[?&](?:password|token|secret|key|code|otp|session|name|phone|id_number)=", re.IGNORECASE
)


def led(screen: Screen, path: str, **typed: str) -> str:
    answer = screen.send(path, **typed)
    assert answer.status_code == 302, answer.content.decode()[:300]
    return answer.headers["Location"]


@pytest.mark.parametrize("path", ["/residents", "/audit"])
def test_what_is_typed_is_sealed_in_the_address_it_leads_to(office: Office, path: str) -> None:
    address = led(office.director, path, q=NAME, csrfmiddlewaretoken="x" * 64)
    assert re.fullmatch(rf"{path}\?s=[\w-]+", address)
    assert not found(unquote(address).encode(), [NAME])
    again = led(office.director, path, q=NAME)
    assert address != again, "the same words twice cannot be told from the address"
    assert NAME in office.director.client.get(address, follow=True).content.decode()


def test_somebody_elses_address_opens_nothing(office: Office) -> None:
    address = led(office.doctor, "/residents", q=NAME)
    for path in (
        address,
        address[:-2],
        "/residents?s=x",
        "/residents?s=%C3%A9",
        "/residents?s=" + "A" * 3000,
    ):
        answer = office.nurse.open(path)
        assert answer.status_code == 422
        assert "重新查找" in answer.content.decode()
        assert NAME not in answer.content.decode()


def test_other_choices_stay_and_nothing_typed_leads_to_the_own_list(office: Office) -> None:
    address = led(office.director, "/audit", q=NAME, outcome="refused", since="2026-01-01", cursor="old")
    assert "outcome=refused" in address
    assert "since=2026-01-01" in address
    assert "cursor" not in address
    assert led(office.doctor, "/residents", q=" ") == "/residents"


def test_while_typing_the_list_comes_without_an_address(office: Office) -> None:
    answer = office.doctor.client.post("/residents", {"q": NAME}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert NAME in answer.content.decode()


def test_no_form_of_ours_puts_words_or_secrets_into_an_address() -> None:
    pages = {path.name: path.read_text(encoding="utf-8") for path in (SOURCE / "doors").rglob("*.html")}
    asked = {
        name: re.findall(r'<form[^>]*method="get".*?</form>', text, re.DOTALL) for name, text in pages.items()
    }
    free = re.compile(r'type="(?:search|text|password)"|name="(?:q|password|code|note)"')
    assert not {name for name, forms in asked.items() if any(free.search(form) for form in forms)}
    assert not [name for name, text in pages.items() if SECRET.search(text)]
