"""`python -m toolchain.clean`: remove the cache, so that the next command begins as on a new machine."""

import shutil

from toolchain import cache, console
from toolchain.refusal import Refusal


def main() -> None:
    """Remove downloads, binaries, environments and images; state is left alone."""
    clusters = sorted(path.parent.name for path in (cache.state_home() / "clusters").glob("*/cluster.json"))
    if clusters:
        raise Refusal(
            f"there is a cluster here: {', '.join(clusters)}",
            "its nodes run from images in the cache",
            "take it away first: make down",
        )
    size = sum(path.lstat().st_size for path in cache.home().rglob("*") if not path.is_symlink())
    shutil.rmtree(cache.home(), ignore_errors=True)
    console.say(f"{cache.home()} is gone, {size / 2**30:.1f} GiB")


if __name__ == "__main__":
    console.run(main)
