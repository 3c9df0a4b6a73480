"""What a resident may be asked to agree to, as a pack declares it: the matters, their dated texts, who may agree and how.

Separate consent (PIPL 29) means one text for one matter. A consent names the version and the hash of the text that
was shown, so that a later text never speaks for an earlier yes.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from .pack_fields import Length, Said, Sourced, Status, Strict
from .refusals import Invalid
from .timeline import in_force

About = Literal["nobody", "relative", "volunteer", "partner"]


@dataclass(frozen=True)
class Shown:
    """A text as someone reads it: `version` is the day it is in force from, `sha256` is over exactly `text`."""

    version: str
    text: str
    sha256: str


class ConsentText(Strict):
    """One version of what is agreed to. A draft is never shown."""

    text: Said
    status: Status = "draft"


class Way(Strict):
    """How somebody says yes or takes it back: on paper, spoken, online. `witness`: somebody else must have heard it."""

    title: Said
    witness: bool = False


class ConsentKind(Sourced):
    """One matter. `about` says whom a consent names, `relation` how that one then stands to the resident (access).

    `purposes` are what it may be given for, `scopes` what it may open; where any are declared, one must be chosen.
    `longest` is the longest term; without it a consent holds until it is taken back.
    """

    title: Said
    why: Said
    about: About = "nobody"
    relation: str = ""
    purposes: dict[str, Said] = Field(default_factory=dict)
    scopes: dict[str, Said] = Field(default_factory=dict)
    longest: Length | None = None
    texts: dict[date, ConsentText] = Field(min_length=1)

    @model_validator(mode="after")
    def opens_only_to_somebody(self) -> Self:
        if self.relation and self.about == "nobody":
            raise ValueError(
                f"relation {self.relation} to nobody; expected about: relative, volunteer or partner"
            )
        if self.longest is not None and not self.longest.is_exact:
            raise ValueError(f"a term of {self.longest}; expected days or weeks")
        return self

    def text_on(self, day: date) -> Shown:
        """The approved text in force on `day`. Raises Invalid when there is none."""
        approved = [(since, one) for since, one in self.texts.items() if one.status == "approved"]
        found = in_force(approved, day)
        if self.status != "approved" or found is None:
            raise Invalid("consent_not_approved", f"“{self.title}”的同意书还没有批准，暂不能登记。")
        return _shown(*found)

    def text_of(self, sha256: str) -> Shown | None:
        """The text that was agreed to, as its hash names it; None when the packs do not hold it any more."""
        return next(
            (one for one in (_shown(*dated) for dated in self.texts.items()) if one.sha256 == sha256), None
        )


def _shown(since: date, dated: ConsentText) -> Shown:
    words = str(dated.text).strip()
    return Shown(since.isoformat(), words, hashlib.sha256(words.encode()).hexdigest())


class ConsentSheet(Sourced):
    """`guardian_below`: who is younger than so many years says yes through a guardian. `givers` are who may agree."""

    guardian_below: int = Field(ge=0)
    givers: dict[str, Said]
    ways: dict[str, Way]
    withdrawals: dict[str, Said] = Field(min_length=1)
    consents: dict[str, ConsentKind]

    def kind(self, code: str) -> ConsentKind:
        """Raises Invalid for a matter nobody declared."""
        found = self.consents.get(code)
        if found is None:
            known = "、".join(str(one.title) for one in self.consents.values())
            raise Invalid("consent_unknown", f"没有“{code}”这种同意；可用：{known}。", field="basis")
        return found

    def needs_guardian(self, born: date | None, day: date) -> bool:
        """Whether someone born then is too young on `day` to agree alone."""
        if born is None:
            return False
        years = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
        return years < self.guardian_below
