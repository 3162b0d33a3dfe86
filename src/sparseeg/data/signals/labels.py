"""Types of channels by their labels, for files that don't state the types."""

import re

# Searched in the label in lower case; the first match counts. `\b` keeps names of electrodes out.
_KINDS = (
    ("EOG", r"eog|\b[hv]eo[ulr]\b|\b[lr]oc\b|\be[12][-:/ ]?[am][12]\b"),
    ("ECG", r"ecg|ekg|\bcardi"),
    ("EMG", r"emg|\bchin|\btib|\bleg\b|masseter"),
    ("TEMP", r"\btemp\b|temperature"),
    (
        "RESP",
        r"\bresp|\bair ?flow|\bflow|\babd|\bthor|\bchest|\beffort|\bnasal|\bsnor|cannula|therm|\b(et)?co2",
    ),
    ("BIO", r"\bs[ap]o2|pleth|\bpulse|\bheart|\bhr\b|\bbpm\b|\bgsr|\beda\b|\bsc[rl]?\b|\bskin|\bppg"),
    ("TRIG", r"\bstatus|\btrig|\bsti\b|\bsti ?\d|\bstim|\bmarker|\bevents?\b|annotations|\bcounter"),
    (
        "MISC",
        r"\bacc|gyro|accel|\bphoto|\blight|\baux|\bexg\d|\bmisc|\bbattery|\bmic\b|\baudio|\bpupil|\bgaze"
        r"|\bbody|\bposition",
    ),
)
_PATTERNS = tuple((kind, re.compile(pattern)) for kind, pattern in _KINDS)


def label_type(label: str) -> str:
    """Return the type that the label of a channel suggests, as in BIDS: "EEG" unless it names another one.

    Parameters
    ----------
    label : as `EEG Fpz-Cz`, `E12`, `EMG submental` or `SaO2`.
    """
    plain = label.strip().lower().replace("_", " ")
    if plain.startswith("eeg"):
        return "EEG"
    return next((kind for kind, pattern in _PATTERNS if pattern.search(plain)), "EEG")
