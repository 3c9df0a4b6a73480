"""`python -m supply check | sbom`: ask the rules, or write the bill of materials."""

import sys

from supply import bill, checks


def main(words: list[str]) -> int:
    if words == ["sbom"]:
        bill.PATH.write_text(bill.text(), encoding="utf-8")
        print(f"written: {bill.PATH.name}")
        return 0
    if words == ["check"]:
        faults = checks.faults()
        print(
            "\n".join(faults)
            or "every library is pinned, hashed, of a licence we may use, and of no version known here as bad"
        )
        return 1 if faults else 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
