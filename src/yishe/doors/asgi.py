"""Two ASGI applications: `streams` is /live/ alone (production), `application` is everything on one port."""

from yishe.doors.wsgi import application as pages  # readies Django; must come first

from yishe.doors.live.front import Front  # isort: skip

streams = Front(None)
application = Front(pages)
