"""Extracts as other systems write them: names, codes and forms of their own, made up at random.

`FIVE` are those that drafts were made for; `TEN` were written afterwards, in the manner of further
systems, and show how drafts do at what nobody tuned them to.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

ROWS: Final = 300
FIRST_DAY: Final = date(2016, 11, 1)

Row = Sequence[Any]
Truth = dict[str, Any]


@dataclass(frozen=True)
class Extract:
    """A file, the export that it is, and what a source has to say of our columns (`truth`).

    `wanted` are further keys of the source, and `missing` required columns that no column of the
    file holds.
    """

    name: str
    export: str
    content: bytes
    truth: Truth
    missing: Sequence[str] = ()


def _text(rows: Sequence[Row], delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return file.getvalue().encode(encoding)


def _days(chance: random.Random) -> Iterator[date]:
    while True:
        yield FIRST_DAY + timedelta(days=chance.randrange(60))


def _table(header: str, row: Callable[[random.Random, int], Row], seed: int) -> list[Row]:
    chance = random.Random(seed)
    return [header.split(), *(row(chance, number) for number in range(ROWS))]


def _moment(chance: random.Random) -> datetime:
    return datetime(2016, 11, 1) + timedelta(seconds=chance.randrange(5_000_000))


def _bill(chance: random.Random) -> tuple[int, int, date | None]:
    """Billed, collected, and the day of that."""
    billed = chance.choice([5_500, 11_000, 33_000, 45_000, 59_900])
    if chance.random() < 0.15:
        return billed, 0, None
    return billed, billed, date(2016, 12, chance.randrange(10, 28))


# the five


def inv_lines() -> Extract:
    def row(chance: random.Random, n: int) -> Row:
        customer = chance.randrange(80)
        billed, paid, on = _bill(chance)
        service = chance.choice(["MOB", "INT", "IPTV", "TEL"])
        item = chance.choice(["BASE", "VOICE", "DATA", "VAS"])
        ids = (f"IL{n:07d}", f"C{customer:06d}", f"S{customer:06d}{chance.randrange(2)}")
        return [*ids, service, item, FIRST_DAY, billed, paid, "2016-12-25", on or "", "BATCH"]

    header = (
        "INVOICE_LINE_ID CUST_NO SVC_NO SVC_TYPE ITEM_CD "
        "INV_DT BILL_AMT PAY_AMT DUE_DT PAY_DT REG_ID"
    )
    truth: Truth = {
        "billing_line_id": "INVOICE_LINE_ID",
        "customer_id": "CUST_NO",
        "subscription_id": "SVC_NO",
        "product": "SVC_TYPE",
        "charge_item": "ITEM_CD",
        "billing_month": {"from": "INV_DT", "as": "month"},
        "billed_amount": "BILL_AMT",
        "collected_amount": "PAY_AMT",
        "due_on": "DUE_DT",
        "collected_on": "PAY_DT",
    }
    return Extract("INV_LINES_201611.csv", "billing", _text(_table(header, row, 1)), truth)


def workbook() -> Extract:
    from openpyxl import Workbook

    chance = random.Random(2)
    book = Workbook()
    cover = book.active
    assert cover is not None
    cover.title = "표지"
    cover.append(["청구 보고서"])
    sheet = book.create_sheet("청구내역")
    sheet.append(["2016년 11월 청구내역"])
    sheet.merge_cells("A1:F1")
    sheet.append([])
    sheet.append(
        [
            "청구번호",
            "고객ID",
            "회선ID",
            "서비스구분",
            "청구항목명",
            "청구년월",
            "청구액(원)",
            "수납액(원)",
            "납부기한",
            "입금일",
        ]
    )
    total = 0
    for n in range(ROWS):
        billed, paid, on = _bill(chance)
        total += billed
        ids = (f"B{n}", f"C{n % 90}", f"L{n % 120}")
        service = chance.choice(["이동전화", "초고속인터넷", "IPTV"])
        sheet.append([*ids, service, "기본료", 201611, billed, paid, datetime(2016, 12, 25), on])
    sheet.append(["합계", *[None] * 5, total])
    file = io.BytesIO()
    book.save(file)
    truth: Truth = {
        "billing_line_id": "청구번호",
        "customer_id": "고객ID",
        "subscription_id": "회선ID",
        "product": "서비스구분",
        "charge_item": "청구항목명",
        "billing_month": "청구년월",
        "billed_amount": "청구액(원)",
        "collected_amount": "수납액(원)",
        "due_on": "납부기한",
        "collected_on": "입금일",
    }
    return Extract("billing.xlsx", "billing", file.getvalue(), truth)


def report() -> Extract:
    """Titles above the header, totals below the rows."""

    def row(chance: random.Random, n: int) -> Row:
        moment = _moment(chance)
        amount = chance.randrange(1, 90) * 1_000
        shop = chance.choice(["직영몰", "제휴몰"])
        return [
            f"ORD-{n:06d}",
            f"C{n % 70:05d}",
            moment.strftime("%Y/%m/%d %H:%M"),
            shop,
            f"{amount:,}",
        ]

    header = "ORDER_NO CUSTOMER_ID ORDER_DTM CHANNEL_NM ORDER_AMT"
    rows: list[Row] = [["Monthly sales report"], ["2016-11", "", "printed 2016-12-02"], []]
    rows += _table(header, row, 3)
    rows += [["Total", "", "", "", "12,345,000"], [f"{ROWS} rows selected."]]
    truth: Truth = {
        "purchase_id": "ORDER_NO",
        "customer_id": "CUSTOMER_ID",
        "purchased_at": "ORDER_DTM",
        "channel": "CHANNEL_NM",
        "amount": "ORDER_AMT",
    }
    return Extract("sales_2016_11.csv", "purchases", _text(rows), truth)


def korean_crm() -> Extract:
    def row(chance: random.Random, n: int) -> Row:
        opened = date(2010, 1, 1) + timedelta(days=chance.randrange(2000))
        state = chance.choice(["사용중", "사용중", "일시정지", "해지"])
        closed = f"{opened + timedelta(days=400):%Y.%m.%d}" if state == "해지" else ""
        updated = _moment(chance).strftime("%Y-%m-%d %H:%M:%S")
        phone = f"010-{chance.randrange(1000, 9999)}-{chance.randrange(1000, 9999)}"
        who = f"{chance.choice('김이박최')}{chance.choice(['민수', '영희', '철수'])}"
        return [f"{n:08d}", who, f"{opened:%Y.%m.%d}", state, closed, phone, "서울시 중구", updated]

    header = "고객ID 고객명 최초가입일자 고객상태 해지일자 휴대전화번호 주소 최종변경일시"
    truth: Truth = {
        "customer_id": "고객ID",
        "joined_on": "최초가입일자",
        "status": "고객상태",
        "terminated_on": "해지일자",
        "contact": "휴대전화번호",
        "address": "주소",
        "updated_at": "최종변경일시",
    }
    content = _text(_table(header, row, 4), "|", "cp949")
    return Extract("TB_CUST_MST.txt", "customers", content, truth)


def oracle() -> Extract:
    def row(chance: random.Random, n: int) -> Row:
        billed, paid, on = _bill(chance)
        ids = (n // 3 + 1, n % 3 + 1, f"{n % 60:08d}", n % 2 + 1)
        amounts = (f"{billed}.00", f"{paid}.00")
        day = f"{on:%Y%m%d}" if on else ""
        return [*ids, chance.choice("0123"), "BSC", "201611", *amounts, "20161225", day]

    header = (
        "BILL_NO BILL_LINE_SEQ ACCT_NO SVC_SEQ PROD_CD CHRG_ITM_CD BILL_YM INVOICE_AMOUNT "
        "RCPT_AMOUNT PAYMENT_DUE_YMD RCPT_YMD"
    )
    truth: Truth = {
        "billing_line_id": {"join": ["BILL_NO", "BILL_LINE_SEQ"], "with": "-"},
        "customer_id": "ACCT_NO",
        "subscription_id": {"join": ["ACCT_NO", "SVC_SEQ"], "with": "-"},
        "product": "PROD_CD",
        "charge_item": "CHRG_ITM_CD",
        "billing_month": "BILL_YM",
        "billed_amount": "INVOICE_AMOUNT",
        "collected_amount": "RCPT_AMOUNT",
        "due_on": "PAYMENT_DUE_YMD",
        "collected_on": "RCPT_YMD",
    }
    return Extract("BL_INV_DTL.tsv", "billing", _text(_table(header, row, 5), "\t"), truth)


FIVE: Final = (inv_lines, workbook, report, korean_crm, oracle)


# ten more, written when the drafts were done


def postpaid_rating() -> Extract:
    """A rating system's bill lines, in English with camel case, amounts in European style."""

    def row(chance: random.Random, n: int) -> Row:
        billed, paid, on = _bill(chance)
        ids = (f"chg-{n:05d}", f"acc{n % 77:04d}", f"sub{n % 99:05d}")
        product = chance.choice(["Mobile", "Broadband", "TV"])
        item = chance.choice(["Monthly fee", "Roaming", "Handset instalment"])
        day = f"{on:%d.%m.%Y}" if on else ""
        amounts = (f"{billed:,}".replace(",", ".") + ",00", f"{paid:,}".replace(",", ".") + ",00")
        return [*ids, product, item, "11/2016", *amounts, "25.12.2016", day]

    header = (
        "chargeLineId customerNumber subscriptionNumber productLine chargeDescription billCycle "
        "amountCharged amountSettled dueDate settledOn"
    )
    truth: Truth = {
        "billing_line_id": "chargeLineId",
        "customer_id": "customerNumber",
        "subscription_id": "subscriptionNumber",
        "product": "productLine",
        "charge_item": "chargeDescription",
        "billing_month": {"from": "billCycle", "format": "%m/%Y"},
        "billed_amount": "amountCharged",
        "collected_amount": "amountSettled",
        "due_on": {"from": "dueDate", "format": "%d.%m.%Y"},
        "collected_on": {"from": "settledOn", "format": "%d.%m.%Y"},
    }
    return Extract("rated-charges.csv", "billing", _text(_table(header, row, 11), ";"), truth)


def arrears_ledger() -> Extract:
    """A Korean receivables ledger, in thousands of won."""

    def row(chance: random.Random, n: int) -> Row:
        billed, paid, on = _bill(chance)
        ids = (f"R{n:06d}", f"{n % 64:07d}", f"{n % 101:09d}")
        product = chance.choice(["무선", "초고속인터넷", "집전화"])
        item = chance.choice(["기본료", "부가서비스료", "단말기할부금"])
        thousands = (billed // 100 / 10, paid // 100 / 10)
        return [*ids, product, item, "2016년 11월", *thousands, "2016.12.25", on or "-"]

    header = (
        "채권번호 고객관리번호 서비스계약번호 서비스종류 요금항목 청구월 "
        "청구금액(천원) 수납금액(천원) 납기일자 수납일자"
    )
    truth: Truth = {
        "billing_line_id": "채권번호",
        "customer_id": "고객관리번호",
        "subscription_id": "서비스계약번호",
        "product": "서비스종류",
        "charge_item": "요금항목",
        "billing_month": "청구월",
        "billed_amount": {"from": "청구금액(천원)", "scale": 1000},
        "collected_amount": {"from": "수납금액(천원)", "scale": 1000},
        "due_on": "납기일자",
        "collected_on": "수납일자",
    }
    content = _text(_table(header, row, 12), ",", "cp949")
    return Extract("채권원장_201611.csv", "billing", content, truth)


def party_master() -> Extract:
    def row(chance: random.Random, n: int) -> Row:
        since = date(2009, 3, 1) + timedelta(days=chance.randrange(2500))
        state = chance.choice(["ACT", "ACT", "ACT", "SUS", "TRM"])
        left = f"{since + timedelta(days=300):%d-%b-%Y}" if state == "TRM" else ""
        phone = f"+82 10 {chance.randrange(1000, 9999)} {chance.randrange(1000, 9999)}"
        return [f"P{n:06d}", f"{since:%d-%b-%Y}", state, left, phone, _moment(chance).isoformat()]

    header = "PARTY_KEY CUSTOMER_SINCE LIFECYCLE_STATE CHURN_DATE MOBILE_NUMBER LAST_MODIFIED_TS"
    truth: Truth = {
        "customer_id": "PARTY_KEY",
        "joined_on": {"from": "CUSTOMER_SINCE", "format": "%d-%b-%Y"},
        "status": "LIFECYCLE_STATE",
        "terminated_on": {"from": "CHURN_DATE", "format": "%d-%b-%Y"},
        "contact": "MOBILE_NUMBER",
        "updated_at": "LAST_MODIFIED_TS",
    }
    return Extract("party.tsv", "customers", _text(_table(header, row, 13), "\t"), truth)


def line_inventory() -> Extract:
    def row(chance: random.Random, n: int) -> Row:
        opened = date(2012, 5, 1) + timedelta(days=chance.randrange(1500))
        product = chance.choice(["MOBILE", "INTERNET", "VOIP"])
        grade = chance.randrange(1, 11) if product == "MOBILE" else ""
        segment = chance.choice(["GENERAL", "TEEN", "SILVER", "PREPAID"])
        ended = opened + timedelta(days=700) if chance.random() < 0.1 else ""
        ids = (f"L-{n:06d}", f"CU{n % 150:05d}")
        stamp = _moment(chance).strftime("%Y%m%d%H%M%S")
        return [*ids, product, f"Plan {n % 9}", segment, grade, opened, ended, stamp]

    header = (
        "LINE_ID OWNER_CUST_ID SERVICE_KIND RATE_PLAN_NM RATE_PLAN_GRP CREDIT_SCORE ACTIVATION_DT "
        "DEACTIVATION_DT CHG_DTTM"
    )
    truth: Truth = {
        "subscription_id": "LINE_ID",
        "customer_id": "OWNER_CUST_ID",
        "product": "SERVICE_KIND",
        "plan": "RATE_PLAN_NM",
        "plan_class": "RATE_PLAN_GRP",
        "credit_grade": "CREDIT_SCORE",
        "opened_on": "ACTIVATION_DT",
        "closed_on": "DEACTIVATION_DT",
        "updated_at": "CHG_DTTM",
    }
    return Extract("lines.csv", "subscriptions", _text(_table(header, row, 14)), truth)


def shop_orders() -> Extract:
    def row(chance: random.Random, n: int) -> Row:
        moment = _moment(chance).strftime("%d/%b/%Y:%H:%M:%S")
        route = chance.choice(["OWN", "AFF"])
        return [n + 90_000, moment, f"M{n % 88:05d}", chance.randrange(1, 300) * 100, route, "KRW"]

    header = "TransactionID TransactionTime CustomerRef GrossTotal SalesRoute Currency"
    truth: Truth = {
        "purchase_id": "TransactionID",
        "customer_id": "CustomerRef",
        "purchased_at": {"from": "TransactionTime", "format": "%d/%b/%Y:%H:%M:%S"},
        "channel": "SalesRoute",
        "amount": "GrossTotal",
    }
    return Extract("shop-2016w45.csv", "purchases", _text(_table(header, row, 15)), truth)


def partner_settlement() -> Extract:
    def row(chance: random.Random, n: int) -> Row:
        points = chance.randrange(1, 50) * 100
        kind = chance.choice(["제휴할인", "더블할인"])
        moment = _moment(chance).strftime("%Y-%m-%d %H:%M")
        return [f"T{n:07d}", moment, f"{n % 93:06d}", f"AF{n % 11:02d}", kind, points, ""]

    header = "승인번호 사용일시 고객번호 제휴사코드 혜택구분 차감포인트 원승인번호"
    truth: Truth = {
        "redemption_id": "승인번호",
        "customer_id": "고객번호",
        "used_at": "사용일시",
        "benefit": "혜택구분",
        "partner": "제휴사코드",
        "points": "차감포인트",
        "cancels": "원승인번호",
    }
    return Extract("settle_20161130.txt", "redemptions", _text(_table(header, row, 16), "|"), truth)


def departure_control() -> Extract:
    def row(chance: random.Random, n: int) -> Row:
        day = (FIRST_DAY + timedelta(days=n % 28)).strftime("%d%b%y").upper()
        origin, destination = chance.sample(["ICN", "GMP", "NRT", "LAX", "CDG", "PUS"], 2)
        status = chance.choice(["BOARDED", "BOARDED", "BOARDED", "NOSHOW"])
        fare = chance.choice(["REV", "REV", "AWD"])
        number = f"{chance.randrange(1, 999):03d}"
        flight = ("KE", number, day, origin, destination)
        return [f"{n:010d}", *flight, f"KE{n % 130:09d}", chance.choice("YMBQC"), fare, status]

    header = "PAX_SEG_ID CXR FLT_NO DEP_DATE BRD_PT OFF_PT FQTV_NO RBD TKT_CAT LIFT_STAT"
    truth: Truth = {
        "activity_id": "PAX_SEG_ID",
        "member_id": "FQTV_NO",
        "flight_date": {"from": "DEP_DATE", "format": "%d%b%y"},
        "operating_carrier": "CXR",
        "flight_number": "FLT_NO",
        "origin": "BRD_PT",
        "destination": "OFF_PT",
        "booking_class": "RBD",
        "ticket_type": "TKT_CAT",
        "flown": "LIFT_STAT",
    }
    return Extract("DCS_FLOWN_161130.txt", "flights", _text(_table(header, row, 17), ";"), truth)


def loyalty_members() -> Extract:
    def row(chance: random.Random, n: int) -> Row:
        day = date(2001, 1, 1) + timedelta(days=chance.randrange(5000))
        stamp = _moment(chance).strftime("%Y-%m-%d-%H.%M.%S.%f")
        return [f"112{n:06d}", f"{day:%y%m%d}", chance.choice("MF"), stamp]

    header = "MBR_NBR ENRLMT_DT GNDR_CD LAST_UPDT_TMSTMP"
    truth: Truth = {
        "member_id": "MBR_NBR",
        "enrolled_on": {"from": "ENRLMT_DT", "format": "%y%m%d"},
        "updated_at": {"from": "LAST_UPDT_TMSTMP", "format": "%Y-%m-%d-%H.%M.%S.%f"},
    }
    return Extract("FFPMBR.csv", "members", _text(_table(header, row, 18)), truth)


def payment_gateway() -> Extract:
    def row(chance: random.Random, n: int) -> Row:
        moment = _moment(chance).strftime("%Y-%m-%dT%H:%M:%S+09:00")
        kind = chance.choice(["digital", "physical", "voucher"])
        amount = chance.randrange(1, 60) * 500
        repeats = chance.choice("YN")
        return [f"pg_{n:06d}", f"82{n % 70:08d}", moment, f"Shop {n % 7}", kind, amount, 0, repeats]

    header = (
        "payment_no line_no authorised_at store_name "
        "goods_type charged_amount gateway_fee auto_renew"
    )
    truth: Truth = {
        "payment_id": "payment_no",
        "subscription_id": "line_no",
        "requested_at": "authorised_at",
        "merchant": "store_name",
        "category": "goods_type",
        "amount": "charged_amount",
        "platform_fee": "gateway_fee",
        "recurring": "auto_renew",
    }
    return Extract("pg-201611.csv", "micropayments", _text(_table(header, row, 19)), truth)


def cashback_requests() -> Extract:
    def row(chance: random.Random, n: int) -> Row:
        moment = _moment(chance).strftime("%Y.%m.%d %H:%M:%S")
        how = chance.choice(["계좌입금", "요금차감", "상품권"])
        where = chance.choice(["콜센터", "홈페이지"])
        phone = f"010{chance.randrange(10**7, 10**8)}"
        points = chance.randrange(1, 90) * 100
        return [f"RF{n:05d}", f"{n % 140:06d}", moment, f"{points:,}", how, where, phone, "부산시"]

    header = "접수번호 고객번호 접수일시 환급포인트 지급방법 접수경로 전화번호 배송지주소"
    truth: Truth = {
        "application_id": "접수번호",
        "customer_id": "고객번호",
        "applied_at": "접수일시",
        "points": "환급포인트",
        "method": "지급방법",
        "channel": "접수경로",
        "contact": "전화번호",
        "address": "배송지주소",
    }
    content = _text(_table(header, row, 20), ",", "cp949")
    return Extract("환급접수.csv", "refund_applications", content, truth)


TEN: Final = (
    *(postpaid_rating, arrears_ledger, party_master, line_inventory, shop_orders),
    *(partner_settlement, departure_control, loyalty_members, payment_gateway, cashback_requests),
)
