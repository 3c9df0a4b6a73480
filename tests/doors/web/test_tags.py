"""Words of ours are looked up once for each language, and say what Django's own tag says."""

from django.template import Context, Template
from django.utils import translation


def test_words_that_are_kept_are_those_of_the_language_in_which_the_page_is_shown() -> None:
    page, said = Template('{% translate "January" %} {% translate "<b>" %}'), Context({})
    for _ in range(2):
        with translation.override("zh-hans"):
            assert page.render(said) == "一月 <b>"
        with translation.override("en"):
            assert page.render(said) == "January <b>"


def test_words_that_a_page_is_given_are_looked_up_and_escaped_each_time() -> None:
    page = Template(
        '{% translate word %}{% translate "March" as kept %}{{ kept }}{% translate "may"|title %}'
    )
    with translation.override("en"):
        assert page.render(Context({"word": "<i>"})) == "&lt;i&gt;MarchMay"
        assert page.render(Context({"word": "June"})) == "JuneMarchMay"
