"""The forms that a resident's page offers: those that are hers first, the others folded, what does not fit her named."""

from collections.abc import Collection, Sequence
from typing import Any

from yishe.care.assessment_reading import Form, Offer


def told(offers: Sequence[Offer], hers: Collection[str]) -> dict[str, Any]:
    """`hers` are the forms she was filled in before, those still owed to her and those an earlier result asks for."""
    fitting = [one for one in offers if one.fits is not False]
    return {
        "offers": [one for one in fitting if one.scale.code in hers],
        "others": [one for one in fitting if one.scale.code not in hers],
        "unfit": [one for one in offers if one.fits is False],
    }


def filled(done: Sequence[Form]) -> set[str]:
    """What was filled in before."""
    return {form.scale.code for form in done}


def asked_for(done: Sequence[Form]) -> set[str]:
    """Scales that the newest result of another one asks for."""
    newest = {form.scale.code: form for form in reversed(done)}
    bands = (
        form.scale.scores[code].bands[one["band"]]
        for form in newest.values()
        for code, one in form.scores.items()
        if one["band"]
    )
    return {effect.scale for band in bands for effect in band.then if effect.scale}
