"""The report of a run: one self-contained page."""

from chainrule.report.page import Report
from chainrule.report.run import run_report

__all__ = ["Report", "run_report"]
