"""
The patients of bench/data/made-tables.ts as Apache Arrow writes them: typed columns, dictionaries, dates, nulls, row
groups. With pyarrow 25.0.1, from CSV on standard input: rows 0..239 to test, the others to three sites in turn

    node -e "import('./dist/bench/data/made-tables.js').then((t) => console.log(t.csvText(t.madePatients(1200, 'parquet'))))" |
      python3 bench/data/patients-parquet/make.py bench/data/patients-parquet
"""
import csv
import datetime
import decimal
import sys
import pyarrow as pa
import pyarrow.parquet as pq

MARKS = {"", "NA", "?", "-"}
rows = list(csv.DictReader(sys.stdin))
of = lambda read: lambda text: None if text in MARKS else read(text)
COLUMNS = {
    "patient_id": (str, pa.string()),
    "admitted": (datetime.date.fromisoformat, pa.date32()),
    "age": (int, pa.int64()),
    "systolic": (of(int), pa.int16()),
    "glucose": (of(decimal.Decimal), pa.decimal128(6, 1)),
    "weight": (of(float), pa.float32()),
    "smoker": (str, pa.dictionary(pa.int32(), pa.string())),
    "ward": (str, pa.dictionary(pa.int32(), pa.string())),
    "diagnosis": (str, pa.string()),
}


def write(name, part, compression):
    arrays = [pa.array([read(row[column]) for row in part], type) for column, (read, type) in COLUMNS.items()]
    pq.write_table(pa.table(arrays, names=list(COLUMNS)), f"{sys.argv[1]}/{name}.parquet", compression=compression, row_group_size=200)


write("test", rows[:240], "gzip")
for site, compression in enumerate(["snappy", "zstd", "none"]):
    write(f"sites/site-{site + 1}", rows[240:][site::3], compression)
