"""Two web processes behind nginx, each asked in turn to end and started again, while clients read and write: how many requests
failed. Run as `python -m tests.proof rolling`.

It installs nothing: where nginx is missing it says so and ends with 2.
"""

import json
import shutil
import subprocess
import sys

from tests.proof import place

PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")


def main() -> int:
    if PROGRAM is None:
        print("nginx is missing, so NOTHING was proven; on Debian: apt install nginx-light")
        return 2
    done = place.run("tests.proof.rolling_path", "postgresql", PROGRAM)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "{}"
    print(subprocess.run([PROGRAM, "-v"], capture_output=True, text=True, check=False).stderr.strip())
    print(last)
    if done.returncode:
        print(done.stderr[-2000:])
    found = json.loads(last)
    held = done.returncode == 0 and not found["failed"] and not found["doubled"] and not found["broken"]
    print("holds" if held and found["answered"] else "DOES NOT HOLD")
    return 0 if held and found["answered"] else 1


if __name__ == "__main__":
    sys.exit(main())
