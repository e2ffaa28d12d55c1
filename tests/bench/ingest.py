"""`ingest` of one month of billing lines beside bare DuckDB copies of the same content.

Run: .venv/bin/python -m tests.bench.ingest [--lines N] [--runs N] [--what text | mapped | workbook]
By default 10 M lines, about 1 GB of CSV; files (some GB) are made once in --root. The floors are
`COPY (read_csv) TO parquet` of the UTF-8 file, types sniffed, and a copy of the staged month.
Of a file that a source maps, the floor is `ingest` of the same lines in canonical names; of a
workbook, of at most 1,048,575 lines, calamine reading it to lists of Python.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import duckdb
import openpyxl

from tests.bench.measure import Contender, compare, pointbook

_LINES = """
SELECT
    format('B{:010d}', number) AS 청구항목번호,
    format('C{:08d}', number * 7919 % 2000003) AS 고객번호,
    format('S{:09d}', number * 7919 % 2000003 * 2) AS 회선번호,
    CASE WHEN number % 7 = 5 THEN $internet ELSE $mobile END AS 상품,
    CASE WHEN number % 7 = 5 THEN $service_fee WHEN number % 5 = 1 THEN $micropayment
        ELSE $base_fee END AS 청구항목,
    '2016-11' AS 청구월,
    CAST(number * 2654435761 % 70000 AS BIGINT) AS 청구금액,
    청구금액 AS 수납금액,
    DATE '2016-12-25' AS 납기일,
    CAST(DATE '2016-12-01' + CAST(number % 28 AS INTEGER) AS DATE) AS 수납일,
    0 AS 정정차수
FROM range($lines) AS numbers(number)
"""
_THEIR_LINES = f"""
SELECT
    청구항목번호 AS LINE_NO,
    고객번호 AS CUST_NO,
    substr(회선번호, 2) AS SVC_SEQ,
    CASE WHEN 상품 = 'internet' THEN 'INT' ELSE 'MOB' END AS SVC_TYPE,
    CASE 청구항목 WHEN 'base_fee' THEN 'B1' WHEN 'service_fee' THEN 'S1' ELSE 'M1' END AS ITEM_CD,
    청구월 AS INV_MON,
    CAST(청구금액 / 1000 AS DECIMAL(12, 3)) AS BILL_AMT,
    수납금액 AS PAID_AMT,
    납기일 AS DUE_DT,
    수납일 AS PAID_DT,
FROM ({_LINES})
"""
_SOURCE = """
source: crm
export: billing
files: ["mapped.csv"]
numbers: "1,234.00"
columns:
  billing_line_id: LINE_NO
  customer_id: CUST_NO
  subscription_id: {join: [CUST_NO, SVC_SEQ], with: "-"}
  product: {from: SVC_TYPE, values: {MOB: mobile, INT: internet}}
  charge_item: {from: ITEM_CD, values: {B1: base_fee, S1: service_fee, M1: micropayment}}
  billing_month: INV_MON
  billed_amount: {from: BILL_AMT, scale: 1000}
  collected_amount: PAID_AMT
  due_on: DUE_DT
  collected_on: PAID_DT
"""
_ENGLISH = {
    "internet": "internet",
    "mobile": "mobile",
    "service_fee": "service_fee",
    "micropayment": "micropayment",
    "base_fee": "base_fee",
}
_KOREAN = {
    "internet": "인터넷",
    "mobile": "모바일",
    "service_fee": "서비스이용료",
    "micropayment": "소액결제",
    "base_fee": "기본료",
}
_UNKNOWN = dict.fromkeys(_ENGLISH, "unheard_of")
_CORRECTION = (
    "billing_line_id,customer_id,subscription_id,product,charge_item,billing_month,"
    "billed_amount,collected_amount,due_on,collected_on,revision\n"
    "B0000000007,C00055433,S000110866,mobile,base_fee,2016-11,5,5,2016-12-25,2016-12-08,{}\n"
)

_BARE = """
import duckdb
connection = duckdb.connect(config={{"memory_limit": "4GB"}})
connection.execute("SET enable_progress_bar = false")
connection.execute('''COPY (FROM {source}) TO '{root}/bare.parquet'
    (FORMAT parquet, COMPRESSION zstd)''')
"""
_INGEST = """
import os, shutil
from pathlib import Path
from flows.deliveries.ingest import ingest
from flows.publishing.options import Options
workspace = Path('{root}/workspace')
shutil.rmtree(workspace, ignore_errors=True)
(workspace / 'landing' / 'billing').mkdir(parents=True)
if os.path.exists('{root}/sources/{name}.yaml'):
    (workspace / 'sources').mkdir()
    os.link('{root}/sources/{name}.yaml', workspace / 'sources' / 'crm.yaml')
os.link('{root}/{name}', workspace / 'landing' / 'billing' / '{name}')
(report,) = ingest(Options(workspace=workspace))['files']
assert report['status'] == '{status}', report
"""
_CALAMINE = """
from python_calamine import load_workbook
rows = load_workbook('{root}/workbook.xlsx').get_sheet_by_index(0).{how}
print(sum(1 for row in rows))
"""
_CORRECT = """
from pathlib import Path
from flows.deliveries.ingest import ingest
from flows.publishing.options import Options
workspace = Path('{root}/workspace')
landing = workspace / 'landing' / 'billing'
(known,) = [path for path in landing.glob('clean.csv')]
number = len(list(landing.iterdir()))
(landing / f'correction-{{number}}.csv').write_text({correction!r}.format(number))
known.rename(workspace / 'clean.csv')
try:
    report = ingest(Options(workspace=workspace))['files'][-1]
finally:
    (workspace / 'clean.csv').rename(known)
assert report['rows']['accepted'] == 1, report
"""


def main() -> None:
    """Makes the files if need be, and compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(tempfile.gettempdir()) / "bench-ingest")
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--what", choices=("text", "mapped", "workbook"), default="text")
    arguments = parser.parse_args()
    root = arguments.root / str(arguments.lines)
    if arguments.what == "workbook":
        _compare_workbook(root, arguments.lines, arguments.runs)
        return
    if not (root / "bad.csv").exists():
        root.mkdir(parents=True, exist_ok=True)
        _write_csv(root / "clean.csv", arguments.lines, _ENGLISH)
        _write_csv(root / "korean.csv", arguments.lines, _KOREAN)
        with (
            (root / "korean.csv").open(encoding="utf-8") as source,
            (root / "cp949.csv").open("w", encoding="cp949") as target,
        ):
            while text := source.read(1 << 24):
                target.write(text)
        _write_csv(root / "bad.csv", arguments.lines, _UNKNOWN)

    def bare(name: str, source: str) -> Contender:
        return Contender(name, _BARE.format(root=root, source=source))

    def ours(name: str, file: str, status: str = "accepted") -> Contender:
        return pointbook(name, _INGEST.format(root=root, name=file, status=status))

    lines = f"{arguments.lines:,} lines"
    if arguments.what == "mapped":
        if not (root / "mapped.csv").exists():
            (root / "sources").mkdir(exist_ok=True)
            (root / "sources" / "mapped.csv.yaml").write_text(_SOURCE, encoding="utf-8")
            _write_csv(root / "mapped.csv", arguments.lines, _ENGLISH, _THEIR_LINES)
        compare(
            f"ingest: {lines} in another system's names",
            [ours("canonical file", "clean.csv"), ours("mapped file", "mapped.csv")],
            arguments.runs,
        )
        return
    compare(
        f"ingest: {lines}, UTF-8",
        [
            bare("bare DuckDB copy", f"read_csv('{root}/clean.csv')"),
            ours("pointbook ingest", "clean.csv"),
        ],
        arguments.runs,
    )
    compare(
        f"ingest: {lines}, CP949",
        [
            bare("bare DuckDB copy of the same in UTF-8", f"read_csv('{root}/korean.csv')"),
            ours("pointbook ingest of CP949", "cp949.csv"),
        ],
        arguments.runs,
    )
    compare(
        f"ingest: {lines}, every row bad",
        [ours("clean file", "clean.csv"), ours("bad file", "bad.csv", "held_back")],
        arguments.runs,
    )
    ours("staging the month", "clean.csv").run()
    month = f"{root}/workspace/staged/billing/billing_month=2016-11/part-0.parquet"
    compare(
        f"ingest: one corrected row in a month of {lines}",
        [
            bare("bare DuckDB copy of the month", f"read_parquet('{month}')"),
            pointbook("pointbook ingest", _CORRECT.format(root=root, correction=_CORRECTION)),
        ],
        arguments.runs,
    )


def _compare_workbook(root: Path, lines: int, runs: int) -> None:
    """Compares ingest of the lines as a workbook with calamine alone, in both its ways."""
    if not (root / "workbook.xlsx").exists():
        root.mkdir(parents=True, exist_ok=True)
        made = openpyxl.Workbook(write_only=True)
        sheet = made.create_sheet("bills")
        with duckdb.connect() as connection:
            found = connection.execute(_LINES, {"lines": lines, **_ENGLISH})
            sheet.append([column[0] for column in found.description or ()])
            while rows := found.fetchmany(10_000):
                for row in rows:
                    sheet.append(row)
        made.save(root / "workbook.xlsx")
    compare(
        f"ingest: a workbook of {lines:,} lines",
        [
            Contender("calamine, to_python()", _CALAMINE.format(root=root, how="to_python()")),
            Contender("calamine, iter_rows()", _CALAMINE.format(root=root, how="iter_rows()")),
            pointbook(
                "pointbook ingest",
                _INGEST.format(root=root, name="workbook.xlsx", status="accepted"),
            ),
        ],
        runs,
    )


def _write_csv(path: Path, lines: int, labels: dict[str, str], sql: str = _LINES) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(
            f"COPY ({sql}) TO '{path}' (HEADER, DELIMITER ',')", {"lines": lines, **labels}
        )


if __name__ == "__main__":
    main()
