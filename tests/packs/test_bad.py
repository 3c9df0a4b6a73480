"""Every kind of mistake has a file that makes it, and the words that are said about it."""

import shutil
from pathlib import Path

import pytest

from tests.packs import bad_packs
from yishe.policy import packs
from yishe.policy.pack_errors import PackErrors

FILES = sorted(bad_packs.BAD.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_mistake_is_named_with_file_line_and_what_was_expected(path: Path, tmp_path: Path) -> None:
    expected = bad_packs.read(path).says
    assert expected, "a bad file must say what is wrong with it"
    said = bad_packs.says(path, tmp_path)
    assert len(said) == len(expected), said
    for message, wanted in zip(said, expected, strict=True):
        assert bad_packs.matches(message, wanted), message
    for message in expected:
        place, _, words = message.partition(": ")
        file, _, line = place.partition(":")
        assert file == f"bad/{bad_packs.read(path).file}"
        assert int(line) <= len(path.read_text(encoding="utf-8").splitlines())
        assert any(word in words for word in ("expected", "not readable", "did not find"))


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    chosen = [
        bad_packs.BAD / f"{name}.yaml" for name in ("unknown_name", "condition_unknown_name", "unknown_zone")
    ]
    pack = tmp_path / "bad"
    pack.mkdir()
    (pack / "pack.yaml").write_text(bad_packs.HEAD, encoding="utf-8")
    for path in chosen:
        target = pack / bad_packs.read(path).file
        target.parent.mkdir(exist_ok=True)
        target.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(PackErrors) as caught:
        packs.load([bad_packs.BASE, pack])
    assert [str(problem) for problem in caught.value.problems] == sorted(
        message for path in chosen for message in bad_packs.read(path).says
    )


def test_text_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    pack = tmp_path / "bad"
    pack.mkdir()
    (pack / "pack.yaml").write_text(bad_packs.HEAD, encoding="utf-8")
    (pack / "texts.yaml").write_bytes("texts: {night: 夜间}".encode("gb18030"))
    assert packs.check([bad_packs.BASE, pack])[0].startswith("bad/texts.yaml:1: bytes that are not UTF-8")


def test_a_folder_without_pack_yaml_is_named(tmp_path: Path) -> None:
    assert packs.check([tmp_path / "nothing"]) == [
        "nothing/pack.yaml:1: no such file; expected a pack folder with pack.yaml"
    ]


def test_no_pack_at_all_is_said() -> None:
    assert packs.check([]) == ["packs:1: no pack was given; expected at least one folder"]


def test_two_base_packs_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "pack.yaml").write_text('id: other\ntitle: 别的\nversion: "1"\n', encoding="utf-8")
    assert packs.check([bad_packs.BASE, other]) == [
        "other/pack.yaml:1: pack 'other' overlays nothing; expected one of base"
    ]


def test_a_verb_without_words_is_named(tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(bad_packs.BASE, base)
    defaults = base / "loop_defaults.yaml"
    text = defaults.read_text(encoding="utf-8")
    defaults.write_text(
        "".join(line for line in text.splitlines(True) if "heard:" not in line), encoding="utf-8"
    )
    assert all(
        message.endswith("no words for heard; expected them under verbs") for message in packs.check([base])
    )
    assert len(packs.check([base])) == len(packs.load([bad_packs.BASE]).kinds)
