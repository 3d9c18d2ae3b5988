"""The training doctor: what is wrong with a network, its data or its training, and what helps."""

from chainrule.doctor.callback import WATCHED, Doctor, DoctorWarning
from chainrule.doctor.diagnose import CHECKS, diagnose
from chainrule.doctor.findings import Attempt, Diagnosis, Finding, Remedy
from chainrule.doctor.health import HEALTH, Health, load_health, save_health
from chainrule.doctor.patient import Reading, readings

__all__ = [
    "CHECKS",
    "HEALTH",
    "WATCHED",
    "Attempt",
    "Diagnosis",
    "Doctor",
    "DoctorWarning",
    "Finding",
    "Health",
    "Reading",
    "Remedy",
    "diagnose",
    "load_health",
    "readings",
    "save_health",
]
