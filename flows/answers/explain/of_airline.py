"""Questions about the airline: awards, mixed payments, flights, miles, status (E, F, W, X)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flows.answers.explain.declaration import (
    Asked,
    Change,
    Due,
    Kind,
    Sentence,
    Sentences,
    Step,
    Value,
    with_reasons,
)
from flows.answers.explain.reasons_airline import AWARD_REJECTED, NOT_EARNED, PAYMENT_REJECTED
from flows.commands.elite import COMMAND as ELITE_STATUS
from flows.commands.miles import COMMAND as MILEAGE
from flows.console.errors import NotReady
from flows.publishing.run import Context


def _of_month(context: Context, asked: Asked) -> Sequence[Due]:
    """The month that was asked for, or the last one published; raises NotReady without any."""
    if asked.month is not None:
        return [(MILEAGE, asked.month)]
    published = MILEAGE.published(context)
    if not published:
        raise NotReady("no month of miles is published; run `pointbook miles --month …` first")
    return [(MILEAGE, published[-1])]


def _of_status_year(_context: Context, asked: Asked) -> Sequence[Due]:
    assert asked.year is not None
    return [(ELITE_STATUS, asked.year)]


_MEMBER: Final = Step(
    "miles_member",
    {
        "known": Sentence("passed: {member_id} is a member", "통과: {member_id} 회원"),
        "unknown": Sentence(
            "failed: no member has the id {member_id}", "미통과: {member_id} 회원 없음"
        ),
    },
)
_ENOUGH: Final = Step(
    "miles_enough",
    {
        "enough": Sentence(
            "passed: {usable_before:,} miles just before, {miles:,} wanted, {over:,} left",
            "통과: 직전 보유 {usable_before:,}마일, 필요 {miles:,}마일, 잔여 {over:,}마일",
        ),
        "too_few": Sentence(
            "failed: {usable_before:,} miles just before, {miles:,} wanted, {short:,} short",
            "미통과: 직전 보유 {usable_before:,}마일, 필요 {miles:,}마일, {short:,}마일 부족",
        ),
    },
)
_TAKEN: Final = Step(
    "miles_taken",
    {
        "": Sentence(
            "{miles:,} miles taken from {lot_id} of {credited_on}",
            "{credited_on} 적립 {lot_id}에서 {miles:,}마일 사용",
        )
    },
    detail=True,
)
_MORE_MILES: Final = Change(
    "more",
    "miles_if_more",
    {"opening_mileage_lots": "miles_if_more_lots"},
    {"": Sentence("{miles:,} miles more before it", "사전에 {miles:,}마일이 더 있었다면")},
)
_AWARD: Final = Sentence(
    "{request_id} of {requested_at}, award {kind} {origin}-{destination} {cabin} {season} {trip}",
    "{request_id}({requested_at}) 보너스 {kind} {origin}-{destination} {cabin} {season} {trip}",
)
AWARD: Final = Kind(
    name="award",
    help="Why a request for an award ticket or an upgrade was accepted or rejected (W1-W5).",
    example="--id W00000011-24190",
    about="member_id",
    asks=("id",),
    optional=("month", "member"),
    table="award_results",
    id="request_id",
    dues=_of_month,
    answer="award_answer",
    told_of_changes=("status", "reason"),
    sentences={
        "accepted": Sentence(
            f"{_AWARD.en}, was accepted for {{miles:,}} miles", f"{_AWARD.ko} 승인: {{miles:,}}마일"
        ),
        **with_reasons(
            Sentence(f"{_AWARD.en}, was rejected ({{reason}})", f"{_AWARD.ko} 거절 ({{reason}})"),
            AWARD_REJECTED,
        ),
    },
    steps=(
        _MEMBER,
        Step(
            "award_route",
            {
                "domestic": Sentence(
                    "passed: {origin}-{destination} is domestic, {distance:,} miles "
                    "({distance_source})",
                    "통과: 국내선 {origin}-{destination} {distance:,}마일({distance_source})",
                ),
                "international": Sentence(
                    "passed: {origin} in {origin_country}, {destination} in {destination_country}, "
                    "{distance:,} miles apart ({distance_source})",
                    "통과: {origin}({origin_country})-{destination}({destination_country}) "
                    "{distance:,}마일({distance_source})",
                ),
                "unknown": Sentence(
                    "failed: the airport {unknown_airport} is not known",
                    "미통과: 알 수 없는 공항 {unknown_airport}",
                ),
            },
        ),
        Step(
            "award_chart",
            {
                "": Sentence(
                    "{requested_on}: the {outcome} chart is in force",
                    "{requested_on}: {outcome} 공제표 적용",
                )
            },
            Value("award_chart", "chart", "requested_on"),
        ),
        Step(
            "award_region",
            {
                "region": Sentence(
                    "{foreign_airport} in {foreign_country} belongs to {outcome}",
                    "{foreign_airport}({foreign_country})의 지역: {outcome}",
                ),
                "none": Sentence(
                    "{origin}-{destination} has no airport at home, and so no region",
                    "{origin}-{destination}: 국내 공항이 없어 지역 없음",
                ),
            },
            Value("award_regions", "region", "region_on", {"place": "place"}),
        ),
        Step(
            "award_band",
            {
                "domestic": Sentence(
                    "domestic: {miles:,} miles in economy, off-peak, one way",
                    "국내선: 일반석 평수기 편도 {miles:,}마일",
                ),
                "international": Sentence(
                    "{distance:,} miles fall into the band from {from_miles:,}: {miles:,} miles in "
                    "economy, off-peak, one way",
                    "{distance:,}마일은 {from_miles:,}마일 이상 구간: 일반석 평수기 편도 "
                    "{miles:,}마일",
                ),
            },
            Value(
                "distance_awards",
                "miles",
                "requested_on",
                {"zone": "zone", "from_miles": "from_miles"},
            ),
        ),
        Step(
            "award_price",
            {
                "ticket": Sentence(
                    "passed: {outcome:,} miles: {cabin} {season} {own_price:,} one way, × {legs} "
                    "for {trip}",
                    "통과: {outcome:,}마일: {cabin} {season} 편도 {own_price:,}마일 × {legs}"
                    "({trip})",
                ),
                "upgrade": Sentence(
                    "passed: {outcome:,} miles: {cabin} {season} {own_price:,} less {from_cabin} "
                    "{lower_price:,} one way, × {legs} for {trip}",
                    "통과: {outcome:,}마일: {season} 편도 {cabin} {own_price:,}마일 − {from_cabin} "
                    "{lower_price:,}마일, × {legs}({trip})",
                ),
                "no_region": Sentence(
                    "failed: without a region there is no price",
                    "미통과: 지역이 없어 공제 마일 없음",
                ),
                "no_cabin": Sentence(
                    "failed: {band} has no price for {cabin} {season}",
                    "미통과: {band}에 {cabin} {season} 공제 마일 없음",
                ),
                "no_upgrade": Sentence(
                    "failed: no upgrade to {cabin} is offered",
                    "미통과: {cabin} 승급 없음",
                ),
            },
            Value(
                "region_awards",
                "miles",
                "region_on",
                {"region": "band", "cabin": "cabin", "season": "season"},
            ),
        ),
        _ENOUGH,
        _TAKEN,
    ),
    changes=(
        _MORE_MILES,
        Change(
            "off_peak",
            "award_if_off_peak",
            {"award_requests": "award_if_off_peak_requests"},
            {"": Sentence("off-peak", "평수기였다면")},
        ),
    ),
)
_PAYMENT: Final = Sentence(
    "{payment_id} of {paid_at}, {miles:,} miles for a fare of {fare:,}",
    "{payment_id}({paid_at}) 운임 {fare:,} 중 {miles:,}마일 결제",
)
MIXED_PAYMENT: Final = Kind(
    name="mixed-payment",
    help="Why a payment in cash and miles was accepted or rejected (X1, X2).",
    example="--id V00000260-24250",
    about="member_id",
    asks=("id",),
    optional=("month", "member"),
    table="mixed_payment_results",
    id="payment_id",
    dues=_of_month,
    answer="mixed_payment_answer",
    told_of_changes=("status", "reason"),
    sentences={
        "accepted": Sentence(
            f"{_PAYMENT.en} was accepted: they pay {{miles_value_krw:,}} won, {{share}} % of the "
            "fare, and {cash_due:,} won are due in cash",
            f"{_PAYMENT.ko} 승인: 운임의 {{share}}%인 {{miles_value_krw:,}}원 결제, 현금 "
            "{cash_due:,}원",
        ),
        **with_reasons(
            Sentence(
                f"{_PAYMENT.en} was rejected ({{reason}})", f"{_PAYMENT.ko} 거절 ({{reason}})"
            ),
            PAYMENT_REJECTED,
        ),
    },
    steps=(
        _MEMBER,
        Step(
            "mixed_payment_open",
            {
                "open": Sentence(
                    "passed: {paid_on} lies in the programme, {opens_on} … {closes_on}",
                    "통과: {paid_on}은 운영 기간 {opens_on} … {closes_on} 안",
                ),
                "outside": Sentence(
                    "failed: {paid_on} lies outside the programme, {opens_on} … {closes_on}",
                    "미통과: {paid_on}은 운영 기간 {opens_on} … {closes_on} 밖",
                ),
            },
            Value("mixed_payment_programme", "open", "paid_on"),
        ),
        Step(
            "mixed_payment_channel",
            {
                "taken": Sentence("passed: paid by {channel}", "통과: {channel} 채널"),
                "other": Sentence(
                    "failed: paid by {channel}, and only {taken_by} take it",
                    "미통과: {channel} 채널, 가능 채널 {taken_by}",
                ),
            },
            Value("mixed_payment_channels", "accepted", "paid_on", {"channel": "channel"}),
        ),
        Step(
            "mixed_payment_currency",
            {
                "taken": Sentence("passed: in {currency}", "통과: {currency} 통화"),
                "other": Sentence(
                    "failed: in {currency}, and only {taken_in} is taken",
                    "미통과: {currency} 통화, 가능 통화 {taken_in}",
                ),
            },
            Value("mixed_payment_currencies", "accepted", "paid_on", {"currency": "currency"}),
        ),
        Step(
            "mixed_payment_minimum",
            {
                "enough": Sentence(
                    "passed: {miles:,} miles, {over:,} above the least, {least_miles:,}",
                    "통과: {miles:,}마일, 최소 {least_miles:,}마일보다 {over:,}마일 많음",
                ),
                "below": Sentence(
                    "failed: {miles:,} miles, {short:,} below the least, {least_miles:,}",
                    "미통과: {miles:,}마일, 최소 {least_miles:,}마일에 {short:,}마일 부족",
                ),
            },
            Value("mixed_payment_minimum", "least_miles", "paid_on"),
        ),
        Step(
            "mixed_payment_share",
            {
                "within": Sentence(
                    "passed: {miles:,} × {krw_per_mile} = {miles_value} won, {share} % of "
                    "{fare:,}; {greatest_share} % would be {greatest_miles:,} miles",
                    "통과: {miles:,} × {krw_per_mile} = {miles_value}원, 운임 {fare:,}의 {share}%; "
                    "{greatest_share}%는 {greatest_miles:,}마일",
                ),
                "above": Sentence(
                    "failed: {miles:,} × {krw_per_mile} = {miles_value} won, more than "
                    "{greatest_share} % of {fare:,}, {greatest_value:,}, which is "
                    "{greatest_miles:,} miles",
                    "미통과: {miles:,} × {krw_per_mile} = {miles_value}원, 운임 {fare:,}의 "
                    "{greatest_share}%인 {greatest_value:,}원({greatest_miles:,}마일) 초과",
                ),
            },
            Value("mixed_payment_share", "greatest", "paid_on"),
        ),
        _ENOUGH,
        _TAKEN,
        Step(
            "mixed_payment_cash",
            {
                "": Sentence(
                    "{outcome:,} won in cash: fare {fare:,} + fuel surcharge {fuel_surcharge:,} + "
                    "taxes {taxes:,} − {miles_value_krw:,}",
                    "현금 {outcome:,}원: 운임 {fare:,} + 유류할증료 {fuel_surcharge:,} + 세금 "
                    "{taxes:,} − {miles_value_krw:,}",
                )
            },
        ),
    ),
    changes=(
        _MORE_MILES,
        Change(
            "miles",
            "mixed_payment_if_other",
            {"mixed_payments": "mixed_payment_if_other_payments"},
            {
                "more": Sentence(
                    "{miles:,} miles paid, {difference:,} more",
                    "{difference:,}마일 많은 {miles:,}마일을 결제했다면",
                ),
                "fewer": Sentence(
                    "{miles:,} miles paid, {difference:,} fewer",
                    "{difference:,}마일 적은 {miles:,}마일을 결제했다면",
                ),
            },
        ),
        Change(
            "channel",
            "mixed_payment_if_taken",
            {"mixed_payments": "mixed_payment_if_taken_payments"},
            {
                "": Sentence(
                    "paid by {taken_by} instead of {channel}",
                    "{channel}이 아니라 {taken_by} 채널이었다면",
                )
            },
        ),
    ),
)
_FLIGHT: Final = Sentence(
    "{activity_id}, {operating_carrier} {flight_number} {origin}-{destination} on {flight_date} in "
    "class {booking_class}",
    "{activity_id} {flight_date} {operating_carrier} {flight_number} {origin}-{destination} "
    "예약등급 {booking_class}",
)
_CHECKS: Final[Sentences] = {
    "passed_unknown_member": Sentence(
        "passed: {member_id} is a member, enrolled on {enrolled_on}",
        "통과: {member_id} 회원, 가입일 {enrolled_on}",
    ),
    "passed_before_enrolment": Sentence(
        "passed: enrolled by {flight_date}", "통과: {flight_date} 전 가입"
    ),
    "passed_not_flown": Sentence("passed: flown", "통과: 탑승"),
    "passed_award_ticket": Sentence(
        "passed: on a {ticket_type} ticket", "통과: {ticket_type} 항공권"
    ),
    **{
        f"failed_{code}": Sentence(f"failed: {reason.en}", f"미통과: {reason.ko}")
        for code, reason in NOT_EARNED.items()
    },
}
FLIGHT: Final = Kind(
    name="flight",
    help="What a flight earned, or why it earned nothing (F1-F4, E2).",
    example="--id A00000111-24190",
    about="member_id",
    asks=("id",),
    optional=("month", "member"),
    table="mileage_accruals",
    id="activity_id",
    dues=_of_month,
    answer="flight_answer",
    told_of_changes=("miles", "half_flights", "reason"),
    sentences={
        "earned": Sentence(
            f"{_FLIGHT.en}, earned {{miles:,}} miles: {{distance:,}} × {{rate}} %",
            f"{_FLIGHT.ko}: {{miles:,}}마일 적립 ({{distance:,}} × {{rate}}%)",
        ),
        **with_reasons(
            Sentence(
                f"{_FLIGHT.en}, earned nothing ({{reason}})", f"{_FLIGHT.ko} 미적립 ({{reason}})"
            ),
            NOT_EARNED,
        ),
    },
    steps=(
        Step("flight_checks", _CHECKS),
        Step(
            "flight_carrier",
            {
                "own": Sentence(
                    "passed: operated by {operating_carrier}, whose flights earn",
                    "통과: 적립 항공사 {operating_carrier} 운항",
                ),
                "other": Sentence(
                    "failed: operated by {operating_carrier}, whose flights earn nothing",
                    "미통과: 적립되지 않는 항공사 {operating_carrier} 운항",
                ),
            },
            Value("mileage_carriers", "earns", "flight_date", {"carrier": "operating_carrier"}),
        ),
        Step(
            "flight_class",
            {
                "listed": Sentence(
                    "passed: class {booking_class} earns {outcome} % on {flight_date}",
                    "통과: {flight_date} 예약등급 {booking_class} 적립률 {outcome}%",
                ),
                "unlisted": Sentence(
                    "failed: class {booking_class} has no rate on {flight_date}",
                    "미통과: {flight_date} 예약등급 {booking_class} 적립률 없음",
                ),
            },
            Value("accrual_rates", "rate", "flight_date", {"booking_class": "booking_class"}),
        ),
        Step(
            "flight_route",
            {
                "delivered": Sentence(
                    "{origin}-{destination}: {outcome:,} miles as delivered",
                    "{origin}-{destination}: 전달된 거리 {outcome:,}마일",
                ),
                "published": Sentence(
                    "{origin}-{destination}: {outcome:,} miles as published by the airline",
                    "{origin}-{destination}: 항공사 공시 거리 {outcome:,}마일",
                ),
                "great_circle": Sentence(
                    "{origin}-{destination}: {outcome:,} miles by the great circle",
                    "{origin}-{destination}: 대권거리 {outcome:,}마일",
                ),
                "suspect": Sentence(
                    "{origin}-{destination}: {outcome:,} miles as delivered, though only "
                    "{least_plausible:,} … {greatest_plausible:,} are plausible",
                    "{origin}-{destination}: 전달된 거리 {outcome:,}마일, 타당한 범위 "
                    "{least_plausible:,} … {greatest_plausible:,}마일 밖",
                ),
                "no_distance": Sentence(
                    "{origin}-{destination}: no distance, {unknown_airport} is not known",
                    "{origin}-{destination}: 거리 없음, 알 수 없는 공항 {unknown_airport}",
                ),
                "unknown": Sentence(
                    "failed: the airport {unknown_airport} is not known",
                    "미통과: 알 수 없는 공항 {unknown_airport}",
                ),
            },
        ),
        Step(
            "flight_earned",
            {
                "forever": Sentence(
                    "{distance:,} × {rate} % = {outcome:,} miles, the lot {lot_id}, which does not "
                    "expire",
                    "{distance:,} × {rate}% = {outcome:,}마일, 로트 {lot_id}, 소멸 없음",
                ),
                "until": Sentence(
                    "{distance:,} × {rate} % = {outcome:,} miles, the lot {lot_id}, until "
                    "{expires_on}",
                    "{distance:,} × {rate}% = {outcome:,}마일, 로트 {lot_id}, {expires_on}까지",
                ),
                "nothing": Sentence(
                    "{distance:,} × {rate} % = {outcome:,} miles",
                    "{distance:,} × {rate}% = {outcome:,}마일",
                ),
            },
            Value("mileage_validity", "years", "flight_date"),
        ),
        Step(
            "flight_status",
            {
                "domestic": Sentence(
                    "counts half a flight for the status: both airports are at home",
                    "우수회원 실적 0.5회: 국내선",
                ),
                "international": Sentence(
                    "counts one flight for the status", "우수회원 실적 1회: 국제선"
                ),
                "no": Sentence("does not count for the status", "우수회원 실적 없음"),
            },
            Value("qualifying_flights", "half_flights", "flight_date", {"zone": "zone"}),
        ),
    ),
    changes=(
        Change(
            "enrolled",
            "flight_if_enrolled",
            {"members": "flight_if_enrolled_members"},
            {
                "": Sentence(
                    "enrolled on {flight_date}, {days:,} days earlier",
                    "{days:,}일 먼저 {flight_date}에 가입했다면",
                )
            },
        ),
        Change(
            "flown",
            "flight_if_paid",
            {"flights": "flight_if_paid_flights"},
            {
                "not_flown": Sentence("flown", "탑승했다면"),
                "award_ticket": Sentence("on a paid ticket", "유상 항공권이었다면"),
            },
        ),
    ),
)
_LINE: Final = Sentence(
    "{flight_date} {activity_id} {operating_carrier} {origin}-{destination} {booking_class}",
    "{flight_date} {activity_id} {operating_carrier} {origin}-{destination} {booking_class}",
)
_NOT_COUNTED: Final[Sentences] = {
    **with_reasons(
        Sentence(f"{_LINE.en} not counting ({{reason}})", f"{_LINE.ko} 미인정 ({{reason}})"),
        NOT_EARNED,
    ),
    "not_qualifying": Sentence(
        f"{_LINE.en} not counting: flights of the carrier earn, but do not qualify",
        f"{_LINE.ko} 미인정: 실적에 들지 않는 항공사",
    ),
}
ELITE: Final = Kind(
    name="elite",
    help="Why a member has an elite status in a status year (E1-E4).",
    example="--member K000001 --year 2022",
    about="member_id",
    asks=("member", "year"),
    table="elite_status",
    dues=_of_status_year,
    answer="elite_answer",
    told_of_changes=("status", "status_by_miles", "status_by_flights"),
    sentences={
        "assessed": Sentence(
            "{member_id} has the status {status} in {status_year} ({valid_from} … {valid_to}): "
            "{qualifying_miles:,} miles and {qualifying_flights} flights of {flights_from} … "
            "{flights_to}",
            "{member_id}의 {status_year}년 우수회원 등급은 {status} ({valid_from} … {valid_to}): "
            "{flights_from} … {flights_to} 실적 {qualifying_miles:,}마일, {qualifying_flights}회",
        ),
        "not_enrolled": Sentence(
            "{member_id} has no status in {status_year}: enrolled on {enrolled_on}, after "
            "{flights_to}",
            "{member_id}은(는) {status_year}년 등급 없음: {flights_to} 뒤인 {enrolled_on} 가입",
        ),
    },
    steps=(
        Step(
            "elite_totals",
            {
                "": Sentence(
                    "{outcome:,} miles and {qualifying_flights} flights of {counting_flights:,} "
                    "that count, of {flights:,} in {flights_from} … {flights_to}",
                    "{flights_from} … {flights_to} {flights:,}건 중 인정 {counting_flights:,}건: "
                    "{outcome:,}마일, {qualifying_flights}회",
                )
            },
        ),
        Step(
            "elite_lines",
            {
                "counts": Sentence(
                    f"{_LINE.en} {{distance:,}} ({{distance_source}}) × {{rate}} % = {{miles:,}} "
                    "miles, {half_flights} half flights",
                    f"{_LINE.ko} {{distance:,}}({{distance_source}}) × {{rate}}% = {{miles:,}}"
                    "마일, {half_flights} × 0.5회",
                ),
                **_NOT_COUNTED,
            },
            detail=True,
            most=12,
        ),
        Step(
            "elite_by_miles",
            {
                "reached": Sentence(
                    "{status} from {from_miles:,} miles: {over:,} over",
                    "{status} {from_miles:,}마일 이상: {over:,}마일 초과",
                ),
                "missed": Sentence(
                    "{status} from {from_miles:,} miles: {short:,} short",
                    "{status} {from_miles:,}마일 이상: {short:,}마일 부족",
                ),
            },
            Value("elite_miles", "from_miles", "status_from", {"status": "status"}),
        ),
        Step(
            "elite_by_flights",
            {
                "reached": Sentence(
                    "{status} from {from_flights} flights: {away} over",
                    "{status} {from_flights}회 이상: {away}회 초과",
                ),
                "missed": Sentence(
                    "{status} from {from_flights} flights: {away} short",
                    "{status} {from_flights}회 이상: {away}회 부족",
                ),
            },
            Value("elite_flights", "from_half_flights", "status_from", {"status": "status"}),
        ),
    ),
    changes=(
        Change(
            "miles",
            "elite_if_miles",
            {"flights": "elite_if_miles_flights"},
            {
                "": Sentence(
                    "one international flight more of {miles:,} miles",
                    "{miles:,}마일 국제선 1회 더",
                )
            },
        ),
        Change(
            "flights",
            "elite_if_flights",
            {"flights": "elite_if_flights_flights"},
            {
                "": Sentence(
                    "{flights:,} international flights more, whatever their miles",
                    "마일과 관계없이 국제선 {flights:,}회 더",
                )
            },
        ),
    ),
)
MILES: Final = Kind(
    name="miles",
    help="A member's miles from opening to closing of a month, by default the last (F, X2, P11).",
    example="--member K000001 --month 2022-02",
    about="member_id",
    asks=("member",),
    optional=("month",),
    table="mileage_balances",
    dues=_of_month,
    answer="miles_answer",
    sentences={
        "balance": Sentence(
            "{member_id} has {closing:,} miles at the end of {month}: {opening:,} + {credited:,} "
            "credited − {spent:,} spent − {expired:,} expired",
            "{member_id}의 {month} 말 {closing:,}마일: 이월 {opening:,} + 적립 {credited:,} − 사용 "
            "{spent:,} − 소멸 {expired:,}",
        ),
        "nothing": Sentence(
            "{member_id} has no miles in {month}, and none moved",
            "{member_id}: {month} 마일 없음, 변동 없음",
        ),
        "unknown_member": Sentence(
            "{member_id} is no member: flights of that id earn nothing (unknown_member)",
            "{member_id} 회원 없음: 해당 탑승 미적립 (unknown_member)",
        ),
    },
    steps=(
        Step(
            "miles_movements",
            {
                "": Sentence(
                    "{kind}: {outcome:,} miles by {movements:,} of them on {lots:,} lots",
                    "{kind}: {movements:,}건, 로트 {lots:,}개, {outcome:,}마일",
                )
            },
        ),
        Step(
            "miles_flights",
            {
                "earned": Sentence(
                    f"{_LINE.en} {{distance:,}} ({{distance_source}}) × {{rate}} % = {{miles:,}} "
                    "miles",
                    f"{_LINE.ko} {{distance:,}}({{distance_source}}) × {{rate}}% = {{miles:,}}마일",
                ),
                **with_reasons(
                    Sentence(f"{_LINE.en} nothing ({{reason}})", f"{_LINE.ko} 미적립 ({{reason}})"),
                    NOT_EARNED,
                ),
            },
            detail=True,
        ),
        Step(
            "miles_requests",
            {
                "accepted": Sentence(
                    "{occurred_at} {kind} {source_id}: {miles:,} miles spent",
                    "{occurred_at} {kind} {source_id}: {miles:,}마일 사용",
                ),
                "rejected": Sentence(
                    "{occurred_at} {kind} {source_id}: rejected ({reason})",
                    "{occurred_at} {kind} {source_id}: 거절 ({reason})",
                ),
            },
            detail=True,
        ),
        Step(
            "miles_expiring",
            {
                "next": Sentence(
                    "{outcome:,} miles in {lots:,} lots expire next, after {expires_on}",
                    "다음 소멸: {expires_on} 뒤 로트 {lots:,}개 {outcome:,}마일",
                ),
                "nothing": Sentence("no miles expire", "소멸 예정 마일 없음"),
            },
            Value("mileage_validity", "years", "last_day"),
        ),
        Step(
            "miles_lots",
            {
                "forever": Sentence(
                    "{lot_id} of {credited_on}: {remaining:,} of {credited:,} left",
                    "{credited_on} 적립 {lot_id}: {credited:,} 중 {remaining:,}마일 남음",
                ),
                "until": Sentence(
                    "{lot_id} of {credited_on}: {remaining:,} of {credited:,} left, until "
                    "{expires_on}",
                    "{credited_on} 적립 {lot_id}: {credited:,} 중 {remaining:,}마일 남음, "
                    "{expires_on}까지",
                ),
            },
            detail=True,
        ),
    ),
)
KINDS: Final = (AWARD, MIXED_PAYMENT, FLIGHT, ELITE, MILES)
