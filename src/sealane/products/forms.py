"""Forms in which records are written to files; apart from the writing, so that the command line starts quickly."""

from enum import StrEnum


class FileForm(StrEnum):
    """Form of the file."""

    JSONL = "jsonl"
    PARQUET = "parquet"
    EPCIS = "epcis"
