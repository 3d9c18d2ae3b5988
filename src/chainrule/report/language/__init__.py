"""Reports of what was trained on text: classifiers, taggers, language models, word vectors."""

from chainrule.report.language.lm import lm_report
from chainrule.report.language.tag import tag_report
from chainrule.report.language.text import text_report
from chainrule.report.language.vectors import vectors_report

__all__ = ["lm_report", "tag_report", "text_report", "vectors_report"]
