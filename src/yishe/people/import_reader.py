"""`python -m yishe.people.import_reader`: a workbook on standard input, its sheets as JSON on standard output.

A process of its own, with bounds on memory and time: a workbook of one kilobyte may claim a sheet of seventeen thousand
million cells, and the library then ends whatever process it works in.
"""

import io
import resource
import sys
from datetime import date, datetime, time, timedelta
from typing import Any

import orjson
import python_calamine

MOST_MEMORY = 2 << 30
MOST_SECONDS = 60
MOST_ROWS, MOST_COLUMNS, MOST_CELLS = 200_000, 300, 10_000_000


class TooLarge(Exception):
    """A sheet with more rows or columns than any roster has."""


def main() -> None:
    """Prints {"sheets": [[name, rows] …]}, or {"fault": code, "words": …}."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    said = _answer(sys.stdin.buffer.read())
    sys.stdout.buffer.write(orjson.dumps(said, default=_marked, option=orjson.OPT_PASSTHROUGH_DATETIME))


def _answer(content: bytes) -> dict[str, Any]:
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        return {"sheets": [[name, _rows(book, name)] for name in book.sheet_names]}
    except python_calamine.PasswordError:
        return {"fault": "file_locked"}
    except TooLarge as large:
        return {"fault": "sheet_large", "words": str(large)}
    except MemoryError:
        return {"fault": "file_bomb"}
    except (python_calamine.CalamineError, OSError, ValueError):
        return {"fault": "file_broken"}


def _rows(book: Any, name: str) -> list[list[Any]]:
    """Cells covered by a merged one repeat its value when the merge lies within one column."""
    sheet = book.get_sheet_by_name(name)
    cells = sheet.total_height * sheet.total_width
    if sheet.total_height > MOST_ROWS or sheet.total_width > MOST_COLUMNS or cells > MOST_CELLS:
        raise TooLarge(f"工作表“{name[:31]}”有 {sheet.total_height} 行 {sheet.total_width} 列")
    rows: list[list[Any]] = sheet.to_python(skip_empty_area=False)
    for (top, left), (bottom, right) in getattr(sheet, "merged_cell_ranges", None) or ():
        if left == right and bottom < len(rows):
            _fill_down(rows, top, bottom, left)
    return rows


def _fill_down(rows: list[list[Any]], top: int, bottom: int, column: int) -> None:
    for row in rows[top + 1 : bottom + 1]:
        if column < len(row) and column < len(rows[top]):
            row[column] = rows[top][column]


KINDS: dict[str, Any] = {"moment": datetime, "day": date, "time": time}


def _marked(cell: Any) -> dict[str, Any]:
    """What JSON has no word for, by its kind."""
    if isinstance(cell, timedelta):
        return {"seconds": cell.total_seconds()}
    for kind, of in KINDS.items():
        if isinstance(cell, of):
            return {kind: cell.isoformat()}
    return {"text": str(cell)}


def cell(said: Any) -> Any:
    """A cell as the other process said it."""
    if not isinstance(said, dict):
        return said
    (kind, value), *_ = said.items()
    if kind == "seconds":
        return timedelta(seconds=value)
    return KINDS[kind].fromisoformat(value) if kind in KINDS else value


if __name__ == "__main__":
    main()
