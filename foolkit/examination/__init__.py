"""The whole book on a network of one's own: one call, one report."""

from foolkit.examination.compare import compare
from foolkit.examination.limits import Limit
from foolkit.examination.report import Chart, Number, Picture, Report, Section
from foolkit.examination.run import examine

__all__ = ["Chart", "Limit", "Number", "Picture", "Report", "Section", "compare", "examine"]
