"""Pages and API for a WSGI server."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yishe.settings")
_long_way = get_wsgi_application()

from yishe.doors import patience, watching  # noqa: E402  needs Django ready
from yishe.doors.api.short_way import ShortWay  # noqa: E402

application = watching.watched(ShortWay(_long_way))

patience.as_told()

# What is loaded by now stays: looking through it for garbage again and again took a tenth of a request's time.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)
