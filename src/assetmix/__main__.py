"""`python -m assetmix`."""

from assetmix.cli import main

if __name__ == "__main__":
    main()
