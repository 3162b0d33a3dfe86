"""`python -m sparseeg` is `sparseeg`."""

from sparseeg.cli import main

if __name__ == "__main__":
    main()
