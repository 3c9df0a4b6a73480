"""`sign_in.yaml`: what a sign-in asks for, what guessing costs, and when a screen locks. Dated, sourced, overlaid.

Codes of authenticator apps are six digits every thirty seconds everywhere in the world and are therefore no value of
a pack; how far two clocks may stand apart is (`clock_steps`).
"""

from typing import Self

from pydantic import Field, model_validator

from .pack_fields import Length, Strict


class Password(Strict):
    """How long a password is, in characters. Common ones and the user name itself are always refused. One that somebody
    else gave opens for `given_life` and is changed at the first sign-in."""

    least: int = Field(ge=8)
    most: int = Field(ge=64, le=1024)
    given_life: Length


class Guessing(Strict):
    """After `failures` wrong tries within `window` an account waits `locked`; an address after `source_failures`.
    Tries are forgotten after `kept`, never before they stop counting."""

    failures: int = Field(ge=1)
    window: Length
    locked: Length
    source_failures: int = Field(ge=1)
    kept: Length

    @model_validator(mode="after")
    def counted_before_forgotten(self) -> Self:
        if self.kept.exact() < self.window.exact():
            raise ValueError(f"kept {self.kept} and window {self.window}; expected kept at least as long")
        return self


class SecondFactor(Strict):
    """`duties` may not sign in by password alone. An app's code counts up to `clock_steps` steps early or late."""

    duties: tuple[str, ...] = ()
    clock_steps: int = Field(ge=0, le=2)
    challenge_life: Length
    recovery_codes: int = Field(ge=4, le=20)


class Screen(Strict):
    """A signed-in browser: locks after `idle`, ends `life` after the sign-in, asks again for a proof when the last one
    is older than `recent` and the way in is to be changed. A device unused for `device_life` is a new one."""

    idle: Length
    life: Length
    recent: Length
    device_life: Length

    @model_validator(mode="after")
    def locks_before_it_ends(self) -> Self:
        if self.idle.exact() >= self.life.exact():
            raise ValueError(f"idle {self.idle} and life {self.life}; expected idle shorter than life")
        return self


class Codes(Strict):
    """Codes that are sent to the phone on file: `digits` long, good for `life` and for `tries` typings in all, the birth
    date after it among them. One number may ask `asked` times within `within`, whether anybody knows it or not."""

    digits: int = Field(ge=6, le=10)
    life: Length
    tries: int = Field(ge=1, le=10)
    asked: int = Field(ge=1)
    within: Length


class Slips(Strict):
    """Codes printed at the desk: longer, as they stand alone; they go with the birth date, `tries` typings of it."""

    digits: int = Field(ge=8, le=12)
    life: Length
    tries: int = Field(ge=1, le=10)


class Links(Strict):
    """Questionnaires sent out by a link: a code of `digits` opens it, `tries` wrong ones in a row close it until it is sent anew; it
    is over after `life`."""

    digits: int = Field(ge=6, le=12)
    life: Length
    tries: int = Field(ge=1, le=10)


class PinRule(Strict):
    """A PIN: so many digits, `distinct` of them different, at most `run` in a row alike or counting up or down. It is over
    after `tries` wrong ones. It opens for `life` after the password was last given on the device, and stands for the second
    factor for `second_factor` after that one was. `own_device`: also to unlock the device of one person alone."""

    least: int = Field(ge=4)
    most: int = Field(le=16)
    distinct: int = Field(ge=2, le=10)
    run: int = Field(ge=1)
    tries: int = Field(ge=1, le=10)
    life: Length
    second_factor: Length
    own_device: bool

    @model_validator(mode="after")
    def can_be_chosen(self) -> Self:
        if self.least > self.most or self.distinct > self.least:
            raise ValueError(
                f"{self.distinct} different of {self.least} to {self.most} digits; expected distinct ≤ least ≤ most"
            )
        if self.second_factor.exact() > self.life.exact():
            raise ValueError(
                f"second factor {self.second_factor} and life {self.life}; expected it to be shorter"
            )
        return self


class Shared(Strict):
    """A device used in turns: locks after `idle`; what somebody was writing is kept for him for `draft`."""

    idle: Length
    draft: Length


class SignInVersion(Strict):
    password: Password
    guessing: Guessing
    second_factor: SecondFactor
    screen: Screen
    pin: PinRule
    shared: Shared
    token_life: Length
    codes: Codes
    slips: Slips
    links: Links
