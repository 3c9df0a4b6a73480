"""What may be taken out of the system, by which duty, how much at once and in a day."""

from typing import Self

from pydantic import Field, model_validator

from .pack_fields import Length, Said, Sourced, Strict


class Limit(Strict):
    """`rows` in one export and `per_day` in all exports of a local day, for whoever holds one of `duties`."""

    duties: tuple[str, ...] = Field(min_length=1)
    rows: int = Field(ge=1)
    per_day: int = Field(ge=1)

    @model_validator(mode="after")
    def a_day_holds_one(self) -> Self:
        if self.per_day < self.rows:
            raise ValueError(
                f"{self.per_day} a day and {self.rows} at once; expected at least one export a day"
            )
        return self


class ExportKind(Strict):
    """One thing that can be taken out. `action` is what the access line says. Without `limits` it is not limited by
    duty or rows: whoever may read it may take it (a resident's own copy)."""

    title: Said
    action: str
    limits: tuple[Limit, ...] = ()

    def limit(self, duties: frozenset[str]) -> Limit | None:
        """The widest limit that one of the duties gives; None when none may export this."""
        mine = [one for one in self.limits if duties & set(one.duties)]
        return max(mine, key=lambda one: (one.rows, one.per_day), default=None)


class Links(Strict):
    """`valid`: how long a download link opens anything."""

    valid: Length


class ExportSheet(Sourced):
    """`purpose_letters`: a stated purpose has at least so many characters."""

    purpose_letters: int = Field(ge=1)
    links: Links
    exports: dict[str, ExportKind]
