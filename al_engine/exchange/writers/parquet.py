"""Parquet: a row group a batch, with a header of units where astropy and our reader look for it.

Owns the metadata of the file.  A missing value is Parquet's own NULL.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from al_engine.exchange.writers.outgoing import Meanwhile, Outgoing, astropy_header


def write(path: Path, table: Outgoing, meanwhile: Meanwhile) -> None:
    """Write a table as Parquet."""
    schema = table.schema
    longest = {c.name: 1 for c in table.columns if pa.types.is_string(c.type)}
    # Arrow's copy of the schema would hide what is added to the file's own metadata at the end.
    with pq.ParquetWriter(path, schema, compression="zstd", store_schema=False) as writer:
        for batch in table.batches:
            for name, values in zip(schema.names, batch.columns, strict=True):
                if name in longest:
                    found = pc.max(pc.utf8_length(values)).as_py() or 0
                    longest[name] = max(longest[name], found)
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
        # Without the lengths of texts astropy takes one that is missing for a fault.
        lengths = {f"table::len::{name}": str(n) for name, n in longest.items()}
        header = "\n".join(astropy_header(table))
        writer.add_key_value_metadata({**table.about, **lengths, "table_meta_yaml": header})
