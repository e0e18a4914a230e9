"""The report of a run: what went in, what came out, what was lost, and what it cost; as JSON and as a page."""

from zwilling.report.document import Stopwatch, Subject, replace_report, report_json, write_report
from zwilling.report.findings import summary_lines

__all__ = ["Stopwatch", "Subject", "replace_report", "report_json", "summary_lines", "write_report"]
