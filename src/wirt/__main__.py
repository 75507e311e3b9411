"""``python -m wirt``: the command line, wherever the package is importable."""

from wirt.cli.main import launch

if __name__ == "__main__":
    launch()
