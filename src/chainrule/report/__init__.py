"""The report of a run: one self-contained page."""

from chainrule.report.run import Report, run_report

__all__ = ["Report", "run_report"]
