"""The exports that Pointbook ingests: columns, Korean names, forms, keys and checks.

This file is the only place that knows an export. A further one is declared here and nowhere
else: ingest, staging, quarantine, the sample generator and the data dictionary read it.

Beside them stand the opening lots, with which a ledger starts from an older system's: read like an
export, and delivered with `open`, not by landing.

A column's `form` says how its delivered text is read (`transforms/exports/forms.py`):
identifier, text, code, integer, decimal, month, date, timestamp, boolean, enumeration.
A required column is `nullable=False`; `default` fills a missing optional one.
Amounts, points and miles have bounds far beyond any that is meant, and so low that hundreds of rows
at the bound still add up within 64 bits: a slip of the finger costs its row, not everybody's month.
Columns that hold personal data carry `personal`, the normalisation under which they are hashed.
`example` is what `describe` shows in a row, where a value of the form alone would not do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from schemas.columns import (
    BOOL,
    DATE,
    DECIMAL_9_2,
    INT64,
    TEXT,
    TIMESTAMP,
    Declared,
    DeclaredCheck,
    DeclaredColumn,
    across,
    at_least,
    before,
    between,
    by_name,
    column,
    consistent,
    has_digits,
    identifies,
    matches,
    one_of,
    pandas_type,
)

if TYPE_CHECKING:
    import pandas as pd


def _identifier(korean: str, description: str, **terms: Any) -> DeclaredColumn:
    checks = [identifies("1 to 40 of A-Z a-z 0-9 _ -")]
    return column(TEXT, description, title=korean, checks=checks, form="identifier", **terms)


def _code(
    korean: str, description: str, pattern: str, wording: str, **terms: Any
) -> DeclaredColumn:
    checks = [matches(pattern, wording)]
    return column(TEXT, description, title=korean, checks=checks, form="code", **terms)


def _text(korean: str, description: str, **terms: Any) -> DeclaredColumn:
    """Free text; `personal`: how it is normalised before it is hashed, if it is personal data."""
    checks = [matches(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*", "no control characters")]
    if terms.get("personal") == "digits" and not terms.get("nullable"):
        checks.append(has_digits())
    return column(TEXT, description, title=korean, checks=checks, form="text", **terms)


def _integer(korean: str, description: str, *checks: DeclaredCheck, **terms: Any) -> DeclaredColumn:
    return column(INT64, description, title=korean, checks=list(checks), form="integer", **terms)


MOST_MILES: Final = 10**16
"""The most miles of a flight: times a rate they still have 64 bits."""


def _date(korean: str, description: str, *checks: DeclaredCheck, **terms: Any) -> DeclaredColumn:
    return column(DATE, description, title=korean, checks=list(checks), form="date", **terms)


def _timestamp(korean: str, description: str, **terms: Any) -> DeclaredColumn:
    return column(TIMESTAMP, description, title=korean, form="timestamp", **terms)


def _boolean(korean: str, description: str, **terms: Any) -> DeclaredColumn:
    return column(BOOL, description, title=korean, form="boolean", **terms)


def _enumeration(
    korean: str, description: str, labels: Mapping[str, str], **terms: Any
) -> DeclaredColumn:
    """`labels`: canonical code to Korean label; either may be delivered, case ignored."""
    return column(
        TEXT,
        description,
        title=korean,
        checks=[one_of(list(labels))],
        form="enumeration",
        labels=dict(labels),
        **terms,
    )


def _present_where(
    column: str, where: Callable[[pd.DataFrame], Any], wording: str
) -> DeclaredCheck:
    """The column is there in the rows that `where` is true of; rule `required`."""
    return across(column, "required", lambda f: ~where(f) | f[column].notna(), f"present {wording}")


PRODUCTS: Final = {
    "mobile": "모바일",
    "internet": "인터넷",
    "iptv": "IPTV",
    "wibro": "와이브로",
    "voip": "인터넷전화",
    "landline": "집전화",
}
CHARGE_ITEMS: Final = {
    "base_fee": "기본료",
    "domestic_call": "국내통화료",
    "data_call": "데이터통화료",
    "service_fee": "서비스이용료",
    "basic_service_fee": "기본서비스이용료",
    "international_call": "국제통화료",
    "value_added_service": "부가서비스",
    "content": "콘텐츠",
    "equipment_rental": "장비임대료",
    "device_instalment": "단말기할부금",
    "late_fee": "연체료",
    "micropayment": "소액결제",
    "other": "기타",
}
PLAN_CLASSES: Final = {"standard": "일반", "youth": "청소년", "senior": "시니어", "prepaid": "선불"}
CREDIT_GRADES: Final = range(1, 11)
"""From the best to the worst."""
BENEFITS: Final = {
    "partner_discount": "제휴할인",
    "double_discount": "더블할인",
    "vip_choice": "VIP초이스",
}
REFUND_METHODS: Final = {"cash": "현금", "bill_credit": "요금차감", "gift_card": "상품권"}
PURCHASE_CHANNELS: Final = {"official_shop": "공식몰", "partner": "제휴사"}
PAYMENT_CATEGORIES: Final = {
    "content": "콘텐츠",
    "shopping": "쇼핑",
    "gift_card": "상품권",
    "subscription": "구독",
}
CABINS: Final = {"economy": "일반석", "prestige": "프레스티지", "first": "일등석"}
SEASONS: Final = {"off_peak": "평수기", "peak": "성수기"}
TRIPS: Final = {"one_way": "편도", "round_trip": "왕복"}
AWARD_KINDS: Final = {"ticket": "항공권", "upgrade": "승급"}
MIXED_PAYMENT_CHANNELS: Final = {
    "web": "홈페이지",
    "mobile": "모바일",
    "call_centre": "고객센터",
    "travel_agency": "여행사",
}
POINT_LOT_KINDS: Final = {
    "membership": "멤버십",
    "payment": "납부",
    "promotion": "프로모션",
    "purchase": "구매",
}
"""Where points come from (G2, P1)."""
MILEAGE_LOT_KINDS: Final = {"flight": "탑승"}
"""Where miles come from (F4)."""
OWNERS: Final[Mapping[str, Mapping[str, str]]] = {
    "customers": POINT_LOT_KINDS,
    "members": MILEAGE_LOT_KINDS,
}
"""The kinds of lots that those in an export own."""

_KRW = "KRW"
_AIRPORT = (r"[A-Z]{3}", "an IATA airport code of 3 letters")
_REVISION: Final = _integer(
    "정정차수",
    "Revision of the row; the highest one of a key is current",
    at_least(0),
    nullable=True,
    default=0,
    shown=True,
)
_UPDATED_AT: Final = _timestamp(
    "갱신일시", "When the row was last changed; the latest is current", shown=True
)
_ORIGIN: Final = _code("출발", "Airport of departure", *_AIRPORT, example="ICN", shown=True)
_DESTINATION: Final = _code("도착", "Airport of arrival", *_AIRPORT, example="NRT", shown=True)
_EXPIRES_AFTER_CREDIT: Final = consistent(
    "expires_on", lambda f: f["expires_on"] >= f["credited_on"], "not before credited_on"
)
_DESTINATION_DIFFERS: Final = consistent(
    "destination", lambda f: f["destination"] != f["origin"], "destination other than origin"
)


@dataclass(frozen=True)
class Export(Declared):
    """An export as the rest of Pointbook reads it."""

    _: KW_ONLY
    key: list[str]
    """The columns that identify a row."""
    owner: str
    """The column of whose row it is, by which staged rows are sorted."""
    revision: str | None = None
    """The column that says which row of a key is current, if any."""
    month_of: str | None = None
    """The column whose month a row is staged under; none for one partition."""
    totals: list[str] = field(default_factory=list)
    """The amounts that are added up as control totals."""

    @property
    def record_key(self) -> str:
        """The column of the key that tells a row from others, beside its month."""
        (column,) = [column for column in self.key if column != self.month_of]
        return column

    @property
    def order(self) -> list[str]:
        """The text columns that staged rows are sorted by."""
        return list(dict.fromkeys([self.owner, self.record_key]))

    @property
    def holds_since(self) -> bool:
        """Whether a row says from which moment on it holds: its revision is that moment (R2)."""
        return self.revision is not None and self.dtype(self.revision) == TIMESTAMP

    @property
    def required(self) -> list[str]:
        return [name for name, col in self.columns.items() if not col.nullable]

    @property
    def codes(self) -> dict[str, list[str]]:
        """The codes of each enumeration."""
        labels = {name: self.metadata(name).get("labels") for name in self.columns}
        return {name: list(codes) for name, codes in labels.items() if isinstance(codes, dict)}

    @property
    def shown(self) -> list[str]:
        """The columns that analysts see: those that say so, so that no new one does by itself."""
        return [name for name in self.columns if self.metadata(name).get("shown")]

    @property
    def personal(self) -> list[str]:
        return [name for name in self.columns if self.metadata(name).get("personal")]

    def metadata(self, name: str) -> Mapping[str, object]:
        """What is particular to the column: form, labels, default, unit, personal."""
        return self.columns[name].metadata


_BILLING = Export(
    "billing",
    "One line of a bill, with what was collected of it",
    title="청구·수납",
    columns={
        "billing_line_id": _identifier(
            "청구항목번호", "Identifies the line within its month", shown=True
        ),
        "customer_id": _identifier("고객번호", "Customer who is billed", shown=True),
        "subscription_id": _identifier("회선번호", "Subscription that the line is for", shown=True),
        "product": _enumeration("상품", "Product of the subscription", PRODUCTS, shown=True),
        "charge_item": _enumeration(
            "청구항목", "What the line charges for", CHARGE_ITEMS, shown=True
        ),
        "billing_month": column(
            TEXT,
            "Month of the bill, YYYY-MM",
            title="청구월",
            checks=[at_least("1984-01")],
            form="month",
            shown=True,
        ),
        "billed_amount": _integer(
            "청구금액",
            "Billed amount; negative only for a credit line",
            unit=_KRW,
            shown=True,
        ),
        "collected_amount": _integer("수납금액", "Final collected amount", unit=_KRW, shown=True),
        "due_on": _date("납기일", "Day the bill is due", example="2016-12-25", shown=True),
        "collected_on": _date(
            "수납일",
            "Day the amount was collected",
            nullable=True,
            example="2016-12-20",
            shown=True,
        ),
        "revision": _REVISION,
    },
    key=["billing_month", "billing_line_id"],
    owner="customer_id",
    revision="revision",
    month_of="billing_month",
    totals=["billed_amount", "collected_amount"],
    checks=[
        consistent(
            "collected_amount",
            lambda f: (
                ((f["collected_amount"] >= 0) & (f["collected_amount"] <= f["billed_amount"]))
                | ((f["collected_amount"] <= 0) & (f["collected_amount"] >= f["billed_amount"]))
            ),
            "between 0 and billed_amount",
        ),
        _present_where(
            "collected_on", lambda f: f["collected_amount"] != 0, "where something was collected"
        ),
    ],
)

_CUSTOMERS = Export(
    "customers",
    "One customer of the telecom",
    title="고객",
    columns={
        "customer_id": _identifier("고객번호", "Identifies the customer", shown=True),
        "joined_on": _date("가입일", "Day of the first service", shown=True),
        "status": _enumeration(
            "상태",
            "Whether the customer is in service",
            {"active": "정상", "suspended": "정지", "terminated": "해지"},
            shown=True,
        ),
        "terminated_on": _date("해지일", "Day the customer left", nullable=True, shown=True),
        "contact": _text(
            "연락처", "Contact number", nullable=True, personal="digits", example="010-0000-0000"
        ),
        "address": _text(
            "주소", "Postal address", nullable=True, personal="words", example="서울 중구 1"
        ),
        "updated_at": _UPDATED_AT,
    },
    key=["customer_id"],
    owner="customer_id",
    revision="updated_at",
    checks=[
        consistent(
            "joined_on",
            lambda f: f["joined_on"].astype(pandas_type(TIMESTAMP)) <= f["updated_at"],
            "not after updated_at",
        ),
        _present_where(
            "terminated_on", lambda f: f["status"] == "terminated", "for a terminated customer"
        ),
        consistent(
            "terminated_on",
            lambda f: (
                ~(f["status"].isin(["active", "suspended"]) & f["terminated_on"].notna())
                & (f["terminated_on"].isna() | (f["terminated_on"] >= f["joined_on"]))
            ),
            "only for a terminated customer, and not before joined_on",
        ),
    ],
)

_SUBSCRIPTIONS = Export(
    "subscriptions",
    "One subscription of a customer",
    title="회선",
    columns={
        "subscription_id": _identifier("회선번호", "Identifies the subscription", shown=True),
        "customer_id": _identifier("고객번호", "Customer who holds it", shown=True),
        "product": _enumeration("상품", "Product of the subscription", PRODUCTS, shown=True),
        "plan": _text("요금제", "Name of the plan", nullable=True, example="LTE 42", shown=True),
        "plan_class": _enumeration("요금제구분", "Class of the plan", PLAN_CLASSES, shown=True),
        "credit_grade": _integer(
            "신용등급",
            "Credit grade, 1 (best) to 10",
            between(CREDIT_GRADES[0], CREDIT_GRADES[-1]),
            nullable=True,
            example="3",
            shown=True,
        ),
        "opened_on": _date("개통일", "First day of service", shown=True),
        "closed_on": _date("해지일", "Day the subscription was closed", nullable=True, shown=True),
        "updated_at": _UPDATED_AT,
    },
    key=["subscription_id"],
    owner="customer_id",
    revision="updated_at",
    checks=[
        _present_where(
            "credit_grade", lambda f: f["product"] == "mobile", "for a mobile subscription"
        ),
        consistent("closed_on", lambda f: f["closed_on"] >= f["opened_on"], "not before opened_on"),
    ],
)

_PROMOTIONS = Export(
    "promotions",
    "One promotional point credit",
    title="프로모션 적립",
    columns={
        "promotion_credit_id": _identifier("적립번호", "Identifies the credit", shown=True),
        "customer_id": _identifier("고객번호", "Customer who is credited", shown=True),
        "credited_on": _date("적립일", "Day of the credit", shown=True),
        "promotion_code": _text(
            "프로모션코드", "Promotion that grants it", example="WELCOME", shown=True
        ),
        "points": _integer("포인트", "Credited points", at_least(1), unit="points", shown=True),
        "refundable": _boolean("환급가능", "Whether the points can be refunded", shown=True),
        "expires_on": _date("만료일", "Last day the points can be used", nullable=True, shown=True),
    },
    key=["promotion_credit_id"],
    owner="customer_id",
    month_of="credited_on",
    checks=[_EXPIRES_AFTER_CREDIT],
)

_PURCHASES = Export(
    "purchases",
    "One product purchase that earns points",
    title="상품 구매",
    columns={
        "purchase_id": _identifier("구매번호", "Identifies the purchase", shown=True),
        "customer_id": _identifier("고객번호", "Customer who bought", shown=True),
        "purchased_at": _timestamp("구매일시", "When it was bought", shown=True),
        "channel": _enumeration("채널", "Where it was bought", PURCHASE_CHANNELS, shown=True),
        "amount": _integer("금액", "Price paid", at_least(1), unit=_KRW, shown=True),
    },
    key=["purchase_id"],
    owner="customer_id",
    month_of="purchased_at",
)

_REDEMPTIONS = Export(
    "redemptions",
    "One point redemption, or the cancellation of one, submitted for settlement",
    title="포인트 사용",
    columns={
        "redemption_id": _identifier("사용번호", "Identifies the redemption", shown=True),
        "customer_id": _identifier("고객번호", "Customer who spends", shown=True),
        "used_at": _timestamp("사용일시", "When the points were used", shown=True),
        "benefit": _enumeration("혜택", "Benefit that was used", BENEFITS, shown=True),
        "partner": _text("제휴사", "Partner code", example="P-CAFE", shown=True),
        "points": _integer(
            "포인트",
            "Points to spend; of a cancellation those to come back, 0 for all that is left",
            at_least(0),
            unit="points",
            shown=True,
        ),
        "cancels": _identifier(
            "취소대상",
            "Redemption that this row cancels, as far as its points say",
            nullable=True,
            shown=True,
        ),
    },
    key=["redemption_id"],
    owner="customer_id",
    month_of="used_at",
    checks=[
        consistent(
            "points",
            lambda f: (
                (f["points"] != 0)
                | ~f["benefit"].isin(["partner_discount", "double_discount"])
                | f["cancels"].notna()
            ),
            "0 only for vip_choice or a cancellation",
        )
    ],
)

_REFUND_APPLICATIONS = Export(
    "refund_applications",
    "One application to refund points",
    title="환급 신청",
    columns={
        "application_id": _identifier("신청번호", "Identifies the application", shown=True),
        "customer_id": _identifier("고객번호", "Customer who applies", shown=True),
        "applied_at": _timestamp("신청일시", "When it was made", shown=True),
        "points": _integer("포인트", "Points to refund", at_least(1), unit="points", shown=True),
        "method": _enumeration("방법", "How it is paid out", REFUND_METHODS, shown=True),
        "channel": _enumeration(
            "채널",
            "Where it was made",
            {"call_centre": "고객센터", "online": "온라인"},
            shown=True,
        ),
        "contact": _text(
            "연락처",
            "Contact given with the application",
            personal="digits",
            example="010-0000-0000",
        ),
        "address": _text(
            "주소", "Address given with the application", personal="words", example="서울 중구 1"
        ),
    },
    key=["application_id"],
    owner="customer_id",
    month_of="applied_at",
)

_MICROPAYMENTS = Export(
    "micropayments",
    "One requested micropayment",
    title="소액결제",
    columns={
        "payment_id": _identifier("결제번호", "Identifies the payment", shown=True),
        "subscription_id": _identifier("회선번호", "Subscription that pays", shown=True),
        "requested_at": _timestamp("결제일시", "When it was requested", shown=True),
        "merchant": _text("가맹점", "Merchant", example="M-GAMES", shown=True),
        "category": _enumeration("분류", "What is bought", PAYMENT_CATEGORIES, shown=True),
        "amount": _integer("금액", "Price", at_least(1), unit=_KRW, shown=True),
        "platform_fee": _integer(
            "수수료",
            "Platform fee on top",
            at_least(0),
            nullable=True,
            default=0,
            unit=_KRW,
            shown=True,
        ),
        "recurring": _boolean(
            "자동결제",
            "Whether it repeats by itself",
            nullable=True,
            default=False,
            shown=True,
        ),
    },
    key=["payment_id"],
    owner="subscription_id",
    month_of="requested_at",
)

_LIMIT_REQUESTS = Export(
    "limit_requests",
    "One request to change a monthly micropayment limit",
    title="한도 변경 신청",
    columns={
        "request_id": _identifier("신청번호", "Identifies the request", shown=True),
        "subscription_id": _identifier("회선번호", "Subscription whose limit is meant", shown=True),
        "requested_at": _timestamp("신청일시", "When it was made", shown=True),
        "requested_limit": _integer(
            "신청한도", "Limit asked for", at_least(0), unit=_KRW, shown=True
        ),
    },
    key=["request_id"],
    owner="subscription_id",
    month_of="requested_at",
)

_MEMBERS = Export(
    "members",
    "One member of the mileage programme",
    title="스카이패스 회원",
    columns={
        "member_id": _identifier("회원번호", "Identifies the member", shown=True),
        "enrolled_on": _date("가입일", "Day of enrolment", shown=True),
        "updated_at": _UPDATED_AT,
    },
    key=["member_id"],
    owner="member_id",
    revision="updated_at",
)

_FLIGHTS = Export(
    "flights",
    "One flight segment of a member",
    title="탑승 실적",
    columns={
        "activity_id": _identifier("실적번호", "Identifies the segment", shown=True),
        "member_id": _identifier("회원번호", "Member who flew", shown=True),
        "flight_date": _date("탑승일", "Day of boarding", shown=True),
        "operating_carrier": _code(
            "운항사",
            "Carrier that flew it",
            r"[A-Z0-9]{2}",
            "an IATA carrier code of 2 characters",
            example="KE",
            shown=True,
        ),
        "flight_number": _text("편명", "Flight number", example="KE703", shown=True),
        "origin": _ORIGIN,
        "destination": _DESTINATION,
        "booking_class": _code(
            "예약등급", "Booking class", r"[A-Z]", "one letter", example="Y", shown=True
        ),
        "ticket_type": _enumeration(
            "항공권종류",
            "How the ticket was paid",
            {"revenue": "유상", "award": "보너스"},
            shown=True,
        ),
        "flown": _boolean("탑승여부", "Whether the member boarded", shown=True),
        "distance_miles": _integer(
            "거리",
            "Flown distance as delivered",
            between(1, MOST_MILES),
            nullable=True,
            unit="miles",
            shown=True,
        ),
        "revision": _REVISION,
    },
    key=["activity_id"],
    owner="member_id",
    revision="revision",
    month_of="flight_date",
    checks=[_DESTINATION_DIFFERS],
)

_AWARD_REQUESTS = Export(
    "award_requests",
    "One request for an award ticket or an upgrade",
    title="보너스 항공권·좌석 승급 신청",
    columns={
        "request_id": _identifier("신청번호", "Identifies the request", shown=True),
        "member_id": _identifier("회원번호", "Member who asks", shown=True),
        "requested_at": _timestamp("신청일시", "When it was made", shown=True),
        "kind": _enumeration("종류", "What is asked for", AWARD_KINDS, shown=True),
        "origin": _ORIGIN,
        "destination": _DESTINATION,
        "cabin": _enumeration(
            "좌석", "Cabin; for an upgrade the cabin moved up to", CABINS, shown=True
        ),
        "season": _enumeration("시즌", "Season", SEASONS, shown=True),
        "trip": _enumeration("여정", "Trip", TRIPS, shown=True),
    },
    key=["request_id"],
    owner="member_id",
    month_of="requested_at",
    checks=[_DESTINATION_DIFFERS],
)

_MIXED_PAYMENTS = Export(
    "mixed_payments",
    "One ticket payment in cash and miles",
    title="복합결제",
    columns={
        "payment_id": _identifier("결제번호", "Identifies the payment", shown=True),
        "member_id": _identifier("회원번호", "Member who pays", shown=True),
        "paid_at": _timestamp("결제일시", "When it was paid", shown=True),
        "channel": _enumeration("채널", "Where it was paid", MIXED_PAYMENT_CHANNELS, shown=True),
        "currency": _code(
            "통화",
            "Currency",
            r"[A-Z]{3}",
            "an ISO 4217 code of 3 letters",
            example="KRW",
            shown=True,
        ),
        "fare": _integer(
            "운임",
            "Fare without fuel surcharge and taxes",
            at_least(1),
            unit="currency",
            shown=True,
        ),
        "fuel_surcharge": _integer(
            "유류할증료", "Fuel surcharge", at_least(0), unit="currency", shown=True
        ),
        "taxes": _integer("세금", "Taxes", at_least(0), unit="currency", shown=True),
        "miles": _integer("마일", "Miles to deduct", at_least(1), unit="miles", shown=True),
        "krw_per_mile": column(
            DECIMAL_9_2,
            "Won that one mile is worth in this booking",
            title="마일당원화",
            checks=[DeclaredCheck(lambda s: s > 0, name="range", title="above 0")],
            form="decimal",
            unit="KRW per mile",
            shown=True,
        ),
    },
    key=["payment_id"],
    owner="member_id",
    month_of="paid_at",
)


EXPORTS: Final = by_name(globals(), Export)
"""Every export declared above, by name."""


def opening_lots(
    first_day: date | None = None, owners: Mapping[str, pd.Series[str]] | None = None
) -> Export:
    """The lots that an older system hands over to a ledger, as an export.

    With the first day of the ledger, also the rules about it; with the ids of those in `customers`
    or `members`, that the owners of the lots are among them.
    """
    return Export(
        "opening_lots",
        "One lot of points or miles with something left, as an older system hands it over",
        title="기초 잔여",
        columns={
            "lot_id": _identifier("적립번호", "Identifies the lot"),
            "owner": _identifier("소유자번호", "Customer (of points) or member (of miles)"),
            "kind": _enumeration(
                "적립구분", "Where the lot comes from", POINT_LOT_KINDS | MILEAGE_LOT_KINDS
            ),
            "credited_on": _date(
                "적립일",
                "Day of the credit, before the ledger's first month",
                *([before(first_day)] if first_day else []),
            ),
            "expires_on": _date(
                "만료일",
                "Last day it can be used, in the first month's year or later: what lapsed in "
                "earlier ones has expired; missing: miles that don't expire",
                *([at_least(first_day.replace(month=1, day=1))] if first_day else []),
                nullable=True,
            ),
            "refundable": _boolean(
                "환급가능", "Whether the points can be refunded; miles never are", nullable=True
            ),
            "remaining": _integer("잔여", "Points or miles left", at_least(1)),
        },
        key=["lot_id"],
        owner="owner",
        totals=["remaining"],
        checks=[
            _present_where("expires_on", lambda f: _is_of(f, POINT_LOT_KINDS), "for points"),
            _EXPIRES_AFTER_CREDIT,
            _present_where("refundable", lambda f: _is_of(f, POINT_LOT_KINDS), "for points"),
            consistent(
                "refundable",
                lambda f: ~_is_of(f, MILEAGE_LOT_KINDS) | ~f["refundable"],
                "not true of miles",
            ),
            *(_owned_by_one_of(ids, OWNERS[name]) for name, ids in (owners or {}).items()),
        ],
    )


def _is_of(frame: pd.DataFrame, kinds: Mapping[str, str]) -> pd.Series[bool]:
    return frame["kind"].isin(list(kinds))


def _owned_by_one_of(ids: pd.Series[str], kinds: Mapping[str, str]) -> DeclaredCheck:
    return across(
        "owner",
        "domain",
        lambda f: ~_is_of(f, kinds) | f["owner"].isna() | f["owner"].isin(ids),
        "a customer or member that was delivered",
    )
