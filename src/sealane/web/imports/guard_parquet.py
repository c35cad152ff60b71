"""Looks at the directory of a Parquet file, and at its texts, before a reader makes whole columns of them.

A few bytes can stand for a thousand million equal rows, or for one long text in every row: neither shows in the sizes
that the file declares of itself.
"""

from __future__ import annotations

from pathlib import Path

from sealane.errors import DataError, Fault, Phrase
from sealane.web.imports.guard import GRACE_BYTES, MAX_INFLATION

MAX_TEXT_BYTES = 65_536
_VALUE_BYTES = 8  # about what a value takes in memory
_BATCH_ROWS = 65_536
_TITLE = Phrase("The file was refused; nothing of it was read.")


def look_at_parquet(path: Path, name: str) -> None:
    """Refuse a Parquet file that would grow far beyond its size.

    Raises
    ------
    DataError
        for too many rows or too long texts for its size, or a file that is damaged.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    kinds = pa.types
    are_texts = (kinds.is_string, kinds.is_large_string, kinds.is_binary, kinds.is_large_binary)

    size = path.stat().st_size
    try:
        with pq.ParquetFile(path) as plain:
            metadata, schema = plain.metadata, plain.schema_arrow
        grown = max(
            metadata.num_rows * metadata.num_columns * _VALUE_BYTES,
            sum(metadata.row_group(n).total_byte_size for n in range(metadata.num_row_groups)),
        )
        if grown > GRACE_BYTES and grown > MAX_INFLATION * size:
            found = Phrase(
                "%(size)s bytes stand for %(num_rows)s rows of %(num_columns)s columns",
                size=f"{size:,}",
                num_rows=f"{metadata.num_rows:,}",
                num_columns=metadata.num_columns,
            )
            raise DataError(_TITLE, [Fault(name, found, Phrase("If it is genuine, upload it as CSV"))])
        texts = [field.name for field in schema if any(is_text(field.type) for is_text in are_texts)]
        if not texts:
            return
        # As codes with a table of the different texts: a long text is held once, however many rows it stands in.
        with pq.ParquetFile(path, read_dictionary=texts) as coded:
            for batch in coded.iter_batches(_BATCH_ROWS, columns=texts):
                for text, column in zip(texts, batch.columns, strict=True):
                    values = column.dictionary if kinds.is_dictionary(column.type) else column
                    longest = pc.max(pc.binary_length(values)).as_py() if len(values) else 0
                    if (longest or 0) > MAX_TEXT_BYTES:
                        where = f"{name}, column {text}"
                        found = Phrase("a text of %(longest)s bytes", longest=f"{longest:,}")
                        raise DataError(
                            _TITLE,
                            [
                                Fault(
                                    where,
                                    found,
                                    Phrase(
                                        "A text has at most %(max_text_bytes)s bytes",
                                        max_text_bytes=f"{MAX_TEXT_BYTES:,}",
                                    ),
                                )
                            ],
                        )
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(
            _TITLE, [Fault(name, Phrase("is damaged Parquet (%(error)s)", error=error), Phrase("Write it again"))]
        ) from None
