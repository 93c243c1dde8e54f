"""`python -m bench.scale [--measure]`: see the package. `make docs` writes the tables."""

from argparse import ArgumentParser
from pathlib import Path

from bench.scale.measured import keep_steps, read_steps
from bench.scale.plot import draw_plot

_PLOT = Path(__file__).parents[2] / "docs" / "images" / "scale.svg"

parser = ArgumentParser("python -m bench.scale", description="Draw docs/images/scale.svg.")
parser.add_argument("--measure", action="store_true", help="count the requests of each step first; some five minutes")
if parser.parse_args().measure:
    from bench.scale.steps import measure_steps

    keep_steps(measure_steps())
_PLOT.write_text(draw_plot(read_steps()), encoding="utf-8")
