"""Protected persons, as a pack declares them: why somebody's whereabouts are kept from all but the pair who answer for her."""

from datetime import date, timedelta

from pydantic import Field

from .pack_fields import Length, Said, Sourced
from .refusals import Invalid

GROUP = "protected_contacts"
"""The field group that says who sees telephone, address and household of a protected person."""


class ProtectionRule(Sourced):
    """`reasons` why one is protected, `longest` until it must be looked at again. `traits` protect as well, as rosters bring
    them; `closes` are the scopes of a consent that open nothing while it lasts."""

    reasons: dict[str, Said] = Field(min_length=1)
    longest: Length
    traits: tuple[str, ...] = ()
    closes: tuple[str, ...] = ()

    def check(self, reason: str, review: date, today: date) -> None:
        """Raises Invalid for an unknown reason, or a day of review that has passed or is too far."""
        if reason not in self.reasons:
            known = "、".join(str(one) for one in self.reasons.values())
            raise Invalid(
                "reason", f"请选择保护的原因：{known}。", field="reason", possible=list(self.reasons)
            )
        latest = today + timedelta(days=self.longest.exact().days)
        if not today < review <= latest:
            raise Invalid(
                "review", f"复核日期要在明天到 {latest:%Y-%m-%d} 之间：到期由责任医生和责任社工再看是否需要。",
                field="review",
            )  # fmt: skip
