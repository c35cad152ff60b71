"""Lets `python -m sealane` run the command line."""

from sealane.cli.main import main

if __name__ == "__main__":
    main()
