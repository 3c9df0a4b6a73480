"""The command line. Importing it readies Django, so that its modules may import the rooms as usual."""

import os
import sys

import django

from yishe.policy.refusals import Refused

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yishe.settings")
try:
    django.setup()
except Refused as refused:
    print(refused.title, file=sys.stderr)
    sys.exit(1)
