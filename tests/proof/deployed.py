"""What deploy/ supplies, read by the programs it is for: `systemd-analyze verify`, `nginx -t`, PgBouncer. Run as
`python -m tests.proof deploy`. What is missing on this machine is named; nothing is installed.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.proof import place

DEPLOY = place.ROOT / "deploy"
PATH = "/usr/sbin:/usr/bin:/usr/local/bin"


def units() -> list[str]:
    """What systemd finds wrong, besides that nothing is installed under /opt here."""
    files = [str(one) for one in (DEPLOY / "systemd").iterdir()]
    done = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).splitlines()
    return [line for line in said if "is not executable: No such file" not in line]


def exposure() -> list[str]:
    """Units that systemd calls less protected than OK."""
    found = []
    for unit in sorted((DEPLOY / "systemd").glob("*.service")):
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=yes", str(unit)], capture_output=True, text=True, check=False
        )  # fmt: skip
        told = done.stdout.strip().splitlines()[-1]
        print(f"{unit.name}: {told.split(': ')[-1]}")
        if " OK" not in told:
            found.append(f"{unit.name}: {told}")
    return found


def proxy() -> list[str]:
    """What nginx finds wrong; names of containers and certificates are put in place for it."""
    with tempfile.TemporaryDirectory() as folder:
        key, chain = Path(folder, "key.pem"), Path(folder, "chain.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=here", "-keyout", str(key), "-out", str(chain)],
            capture_output=True, check=True,
        )  # fmt: skip
        text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
        text = re.sub(r"server (web|live):", "server 127.0.0.1:", text).replace(
            "/dev/stdout", f"{folder}/log"
        )
        text = text.replace("/run/secrets/tls_chain", str(chain)).replace("/run/secrets/tls_key", str(key))
        Path(folder, "conf").write_text(f"pid {folder}/pid;\n{text}", encoding="utf-8")
        done = subprocess.run(
            ["nginx", "-t", "-q", "-c", f"{folder}/conf"], capture_output=True, text=True, check=False
        )
    return done.stderr.splitlines() if done.returncode else []


def main() -> int:
    checks = {"systemd-analyze": (units, exposure), "nginx": (proxy,)}
    faults, missing = [], []
    for program, looks in checks.items():
        if shutil.which(program, path=PATH) is None:
            missing.append(program)
            continue
        for look in looks:
            found = look()
            print(f"{program} {look.__name__}: {'; '.join(found) or 'nothing wrong'}")
            faults += found
    if missing:
        print(f"missing here, so NOT looked at: {', '.join(missing)}")
    return 1 if faults else 2 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
