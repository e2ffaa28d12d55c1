"""What the reasons of published tables mean: the words for a code, in English and Korean.

A code means the same in every table that has it; `schemas/tables.py`
declares which table has which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Meaning:
    """What a reason says of the rows that have it."""

    en: str
    ko: str


MEANINGS: Final[Mapping[str, Meaning]] = {
    # T7, P1, P4, P6
    "unknown_customer": Meaning("a customer whom no file has", "고객 자료에 없는 고객"),
    "terminated": Meaning("left by the assessment date", "산정일 현재 해지"),
    "not_joined": Meaning("not joined by the assessment date", "산정일 현재 미가입"),
    # P4
    "not_a_member": Meaning("no member on that day", "회원 기간이 아님"),
    "unknown_partner": Meaning(
        "a partner that is not on the benefit's list", "혜택 제휴사 목록에 없는 제휴사"
    ),
    "tier_required": Meaning(
        "a tier is needed that the customer has not that year", "해당 연도 등급 부족"
    ),
    "monthly_limit": Meaning(
        "the benefit's uses of the month were taken before", "월 이용 횟수 초과"
    ),
    "insufficient_points": Meaning(
        "more points asked for than could be used just before", "사용 가능 포인트 부족"
    ),
    # P5
    "unknown_redemption": Meaning(
        "no earlier redemption of the customer has the cancelled id", "취소할 사용 건 없음"
    ),
    "not_accepted": Meaning("the cancelled redemption was not accepted", "승인되지 않은 사용 건"),
    "already_cancelled": Meaning(
        "nothing is left of the cancelled redemption", "이미 전액 취소된 사용 건"
    ),
    "above_redeemed": Meaning(
        "more points than are left of the cancelled redemption", "남은 사용 포인트 초과 취소"
    ),
    # P6
    "identity_mismatch": Meaning(
        "no match with the customer's record of that moment", "본인 확인 불일치"
    ),
    "below_minimum": Meaning("less asked for than the least amount", "최소 수량 미달"),
    "above_maximum": Meaning("more asked for than the greatest amount", "최대 한도 초과"),
    "not_in_units": Meaning("no multiple of the unit asked for", "신청 단위 불일치"),
    "insufficient_refundable_points": Meaning(
        "more points asked for than could be refunded just before", "환급 가능 포인트 부족"
    ),
    # M2, M3
    "unknown_subscription": Meaning("no mobile subscription that is known", "등록되지 않은 회선"),
    "not_eligible": Meaning("a plan class that can't have such a limit", "한도 상향 불가 요금제"),
    "arrears": Meaning("a bill of the customer is in arrears", "연체 중"),
    "credit_grade": Meaning(
        "more than the standard limit asked for with too low a credit grade", "신용등급 부족"
    ),
    "not_in_service": Meaning("the subscription was not in service", "이용 기간이 아닌 회선"),
    "over_limit": Meaning("the month's limit then in force would be exceeded", "월 한도 초과"),
    # F3, W5, X1
    "unknown_member": Meaning("a member whom no file has", "회원 자료에 없는 회원"),
    "before_enrolment": Meaning("flown before the member enrolled", "가입 전 탑승"),
    "not_flown": Meaning("not flown", "미탑승"),
    "award_ticket": Meaning("flown on an award ticket", "보너스 항공권 탑승"),
    "partner_carrier": Meaning("flown with a carrier that earns nothing", "적립 대상 외 항공사"),
    "unlisted_class": Meaning("a booking class without a rate", "적립률 없는 예약 등급"),
    "unknown_airport": Meaning("an airport that is not known", "알 수 없는 공항"),
    "not_offered": Meaning("an award that the chart does not have", "보너스 표에 없는 노선"),
    "insufficient_miles": Meaning(
        "more miles asked for than could be used just before", "사용 가능 마일 부족"
    ),
    "outside_programme": Meaning("the programme was not in force", "제도 시행 기간이 아님"),
    "channel": Meaning("a channel that takes no miles", "이용 불가 채널"),
    "currency": Meaning("a currency that takes no miles", "이용 불가 통화"),
    "above_share": Meaning("more miles than may pay of the fare", "운임의 마일 결제 비율 초과"),
    # P9: why nobody was told
    "left": Meaning("the owner left before the notice", "통지 전 해지"),
    "credited_late": Meaning(
        "credited after the last notice that could name them", "마지막 통지 후 적립"
    ),
    "not_run": Meaning("no notice that could name them was run", "통지 미실행"),
    "ledger_start": Meaning("the ledger's first month has no notices", "원장 시작 월"),
}
"""By code what it means."""
