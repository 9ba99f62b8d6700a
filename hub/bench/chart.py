"""Draws a report's bars as an SVG: for each, how far the product is on its way to what is promised, by logarithm."""

from math import log10
from pathlib import Path
from xml.etree import ElementTree as ET

from hub.bench.report import Bar, Report

ROW, LABEL, WIDTH, MARGIN = 26, 470, 460, 16
#: The axis goes from a hundredth of a promise to a hundred times it.
DECADES = 2
HOLDS, FAILS, INK, PAPER = "#1b7f4b", "#b3261e", "#1d1d1f", "#ffffff"


def progress(bar: Bar) -> float:
    """How many times better than promised: above 1 the bar holds, below it does not."""
    reached = bar.ratio if bar.ratio is not None else bar.product
    if not bar.bar or not reached:
        return 10.0**DECADES if bar.holds else 10.0**-DECADES
    better = reached / bar.bar
    return better if (better >= 1) == bar.holds else 1 / better


def place(times: float) -> float:
    """Where on the axis."""
    return LABEL + WIDTH * (0.5 + max(-1.0, min(1.0, log10(times) / DECADES)) / 2)


def write(report: Report, file: Path) -> None:
    """Write the chart."""
    height = MARGIN * 3 + ROW * (len(report.bars) + 1)
    box = {"width": str(LABEL + WIDTH + 7 * MARGIN), "height": str(height)}
    root = ET.Element("svg", box | {"xmlns": "http://www.w3.org/2000/svg", "font-family": "sans-serif"})
    ET.SubElement(root, "rect", box | {"fill": PAPER})
    _text(root, MARGIN, MARGIN + 4, f"bench {report.scenario}: times better than promised (middle: as promised)", 14)
    for number, bar in enumerate(report.bars):
        top = 2 * MARGIN + ROW * number
        times = progress(bar)
        start, end = sorted((place(1.0), place(times)))
        shape = {"x": f"{start:.1f}", "width": f"{max(2.0, end - start):.1f}", "y": str(top), "height": str(ROW - 8)}
        ET.SubElement(root, "rect", shape | {"fill": HOLDS if bar.holds else FAILS})
        _text(root, MARGIN, top + 14, bar.name, 12)
        reached = bar.ratio if bar.ratio is not None else bar.product
        _text(root, int(max(end, place(1.0))) + 6, top + 14, f"{reached:.3g} / {bar.bar:.3g}", 12)
    middle = f"{place(1.0):.1f}"
    line = {"x1": middle, "x2": middle, "y1": str(2 * MARGIN - 6), "y2": str(height - MARGIN), "stroke": INK}
    ET.SubElement(root, "line", line)
    ET.ElementTree(root).write(file, encoding="unicode")


def _text(root: ET.Element, x: int, y: int, words: str, size: int) -> None:
    ET.SubElement(root, "text", {"x": str(x), "y": str(y), "font-size": str(size), "fill": INK}).text = words
