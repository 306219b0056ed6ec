"""Puts the packages of requirements.txt into code/vendor before a deploy, for the Python that the function runs on.

That is the python3 of the system, for an instance sees no other; it may be older or newer than the one that runs this
script, so wheels are asked for by its version. Does nothing when nothing has changed.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
VENDOR = HERE / "code" / "vendor"

# Where instances look for programs.
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


def main() -> None:
    python = shutil.which("python3", path=SYSTEM_PATH) or sys.executable
    version = run(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()
    stamp = hashlib.sha256(f"{version}\n{REQUIREMENTS.read_text()}{Path(__file__).read_text()}".encode()).hexdigest()
    stamp_file = VENDOR / ".stamp"
    if stamp_file.exists() and stamp_file.read_text() == stamp:
        return

    # Filled beside the old one, so that a failure in between leaves that whole.
    fresh = VENDOR.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile"]
    silence = ["--disable-pip-version-check", "--root-user-action=ignore"]
    wheels = ["--only-binary=:all:", "--python-version", version, "--target", str(fresh)]
    run(*pip, *silence, *wheels, "--requirement", str(REQUIREMENTS))
    # Compiled here, because an instance cannot write to its code; by content, because packing may change file times.
    run(python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(fresh))
    (fresh / ".stamp").write_text(stamp)
    shutil.rmtree(VENDOR, ignore_errors=True)
    fresh.rename(VENDOR)
    print(f"prepared code/vendor for Python {version}")


def run(*command: str) -> str:
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        sys.exit(f"prepare: {' '.join(command[:3])} failed with exit code {result.returncode}; its message is above")
    return result.stdout


if __name__ == "__main__":
    main()
