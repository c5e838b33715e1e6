"""`python -m assetmix`, and the `assetmix` command."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C while it loads is no error of ours."""
    try:
        from assetmix.cli import main as run  # noqa: PLC0415 - loading takes a moment, in which Ctrl-C may come

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
