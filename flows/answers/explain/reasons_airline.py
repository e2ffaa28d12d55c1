"""Why a flight earned nothing, an award or mixed payment was rejected, as sentences (F3, W5, X1).

By the reason's code; where one code stands for several cases, by a word for each of them. The
places are columns of `flight_answer.sql`, `award_answer.sql`, `mixed_payment_answer.sql`, and of
the flights that `miles` and `elite` list.
"""

from __future__ import annotations

from typing import Final

from flows.answers.explain.declaration import Sentence, Sentences

_UNKNOWN_MEMBER: Final = Sentence("no member has the id {member_id}", "{member_id} 회원이 없음")
_INSUFFICIENT_MILES: Final = Sentence(
    "it takes {miles:,} miles and there were {usable_before:,}, {short:,} short",
    "필요 {miles:,}마일, 보유 {usable_before:,}마일, {short:,}마일 부족",
)
NOT_EARNED: Final[Sentences] = {
    "unknown_member": _UNKNOWN_MEMBER,
    "before_enrolment": Sentence(
        "the member enrolled on {enrolled_on}, after {flight_date}",
        "회원 가입일 {enrolled_on}이 탑승일 {flight_date} 뒤",
    ),
    "not_flown": Sentence("it was not flown", "미탑승"),
    "award_ticket": Sentence("it was flown on an award ticket", "보너스 항공권 탑승"),
    "partner_carrier": Sentence(
        "it was operated by {operating_carrier}, whose flights earn nothing",
        "적립되지 않는 항공사 {operating_carrier} 운항",
    ),
    "unlisted_class": Sentence(
        "booking class {booking_class} has no rate on {flight_date}",
        "예약등급 {booking_class}: {flight_date} 적립률 없음",
    ),
    "unknown_airport": Sentence(
        "an airport of {origin}-{destination} is not known",
        "{origin}-{destination} 중 알 수 없는 공항",
    ),
}
"""Of flights."""
AWARD_REJECTED: Final[Sentences] = {
    "unknown_member": _UNKNOWN_MEMBER,
    "unknown_airport": Sentence(
        "the airport {unknown_airport} is not known", "알 수 없는 공항 {unknown_airport}"
    ),
    "no_region": Sentence(
        "the {chart_of_day} chart has no region for {origin}-{destination}, without an airport at "
        "home",
        "국내 공항이 없는 {origin}-{destination} 노선은 {chart_of_day} 공제표에 지역이 없음",
    ),
    "no_cabin": Sentence(
        "the {chart_of_day} chart has no {cabin} in {band_of_route}",
        "{chart_of_day} 공제표의 {band_of_route}에 {cabin} 없음",
    ),
    "no_upgrade": Sentence("no upgrade to {cabin} is offered", "{cabin} 승급 없음"),
    "insufficient_miles": _INSUFFICIENT_MILES,
}
"""Of award requests; `no_region`, `no_cabin`, `no_upgrade`: of not_offered."""
PAYMENT_REJECTED: Final[Sentences] = {
    "unknown_member": _UNKNOWN_MEMBER,
    "outside_programme": Sentence(
        "such payments are taken from {opens_on} to {closes_on}",
        "복합결제 운영 기간 {opens_on} … {closes_on}",
    ),
    "channel": Sentence(
        "by {channel} such payments are not taken, but by {taken_by}",
        "{channel} 채널 불가, 가능 채널 {taken_by}",
    ),
    "currency": Sentence(
        "in {currency} such payments are not taken, but in {taken_in}",
        "{currency} 통화 불가, 가능 통화 {taken_in}",
    ),
    "below_minimum": Sentence(
        "at least {least_miles:,} miles have to be paid", "최소 {least_miles:,}마일 미만"
    ),
    "above_share": Sentence(
        "miles may pay {greatest_share} % of the fare, which is {greatest_miles:,} miles",
        "운임의 {greatest_share}%({greatest_miles:,}마일) 초과",
    ),
    "insufficient_miles": _INSUFFICIENT_MILES,
}
"""Of mixed payments."""
