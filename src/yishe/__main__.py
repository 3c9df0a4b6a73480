"""`python -m yishe` is the `yishe` command."""

import sys

from yishe.doors.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
