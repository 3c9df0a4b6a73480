"""What is printed: a PDF set by typst with a Chinese font, both from wheels, nothing from the system or the network.

The words go in as data and are never read as markup.
"""

import json
import tempfile
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import typst
from django.conf import settings

from yishe.policy.refusals import Unavailable

FONT_OF = "cvttf-NotoSansCJK-Regular"


def pdf(template: Path, name: str, data: Mapping[str, Any]) -> bytes:
    """`data` set by the template, which reads it as `sys.inputs.<name>`. Unavailable when the font is not installed."""
    said = json.dumps(data, ensure_ascii=False)
    made: bytes = typst.compile(template.read_bytes(), font_paths=fonts(), sys_inputs={name: said})
    return made


@cache
def fonts() -> typst.Fonts:
    """The one font, alone in a folder: typst reads folders, and the wheel lays its file among many others."""
    folder = Path(settings.HOME) / "fonts"
    laid(_file(), folder)
    return typst.Fonts(False, False, [str(folder)])


def laid(file: Path, folder: Path) -> None:
    """A link to `file` lies in `folder`. Put in place whole: several processes may set their first page in the same instant."""
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / file.name
    if link.exists() and link.resolve() == file:
        return
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="font-") as aside:
        made = Path(aside) / file.name
        made.symlink_to(file)
        made.replace(link)


def _file() -> Path:
    try:
        files = metadata.files(FONT_OF) or []
    except metadata.PackageNotFoundError:
        files = []
    found = [Path(str(one.locate())).resolve() for one in files if one.name.endswith((".otf", ".ttf"))]
    if not found:
        raise Unavailable("no_font", f"没有安装中文字体（{FONT_OF}），暂时做不了 PDF：请联系管理员。")
    return found[0]
