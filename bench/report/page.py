"""A run as one page: everything inside the file, so that it can be sent, kept and opened anywhere."""

from pathlib import Path
from string import Template

import msgspec

from bench.report.history import Comparison
from bench.report.result import Result

_HERE = Path(__file__).parent


def page(result: Result, comparison: Comparison | None) -> str:
    """The page as HTML, with its figures and the plotting library inside."""
    document = {
        "exit_code": result.exit_code,
        "broken": result.broken,
        "result": result,
        "comparison": comparison,
    }
    return Template((_HERE / "page.html").read_text()).substitute(
        title=f"{result.title}, {result.at:%Y-%m-%d %H:%M} UTC",
        plot_css=(_HERE / "vendor" / "uPlot.min.css").read_text(),
        css=(_HERE / "page.css").read_text(),
        plot_js=(_HERE / "vendor" / "uPlot.iife.min.js").read_text(),
        js=(_HERE / "page.js").read_text(),
        figures=_inside(document),
    )


def _inside(document: object) -> str:
    """JSON that cannot end the script element that holds it."""
    return msgspec.json.encode(document).decode().replace("<", "\\u003c")
