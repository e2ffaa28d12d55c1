"""Questions about points: what became of requests, of a customer's lots, and of one lot (P)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from flows.answers.explain.declaration import Asked, Change, Due, Kind, Sentence, Step, Value
from flows.answers.explain.reasons_points import REDEMPTION as REDEMPTION_REASONS
from flows.answers.explain.reasons_points import REFUND as REFUND_REASONS
from flows.answers.reading import Reader
from flows.commands.points import COMMAND as POINTS
from flows.commands.sweep import COMMAND as SWEEP
from flows.console.errors import NotReady, WrongUsage
from flows.publishing.run import Context
from schemas.periods import Period


def _month(_context: Context, asked: Asked) -> Sequence[Due]:
    assert asked.month is not None
    return [(POINTS, asked.month)]


_LOTS: Final = {
    "taken": Sentence(
        "{lot_id} until {expires_on}: {before:,}, took {taken:,}, left {after:,}",
        "{lot_id} {expires_on}까지: {before:,} 중 {taken:,} 사용, 잔여 {after:,}",
    ),
    "usable": Sentence(
        "{lot_id} until {expires_on}: {before:,}", "{lot_id} {expires_on}까지: {before:,}"
    ),
    "lapsed": Sentence(
        "{lot_id} until {expires_on}: {before:,}, past its last day",
        "{lot_id} {expires_on}까지: {before:,}, 유효기간 경과",
    ),
    "to_come": Sentence(
        "{lot_id}: {before:,}, credited on {credited_on} only",
        "{lot_id}: {before:,}, {credited_on}에 적립 예정",
    ),
    "not_refundable": Sentence(
        "{lot_id} until {expires_on}: {before:,}, can't be refunded",
        "{lot_id} {expires_on}까지: {before:,}, 환급 불가",
    ),
    "given_back": Sentence(
        "{lot_id} until {expires_on}: {before:,}, got back {moved:,}, holds {after:,}",
        "{lot_id} {expires_on}까지: {before:,}, {moved:,} 복원, 잔여 {after:,}",
    ),
    "given_back_lapsed": Sentence(
        "{lot_id}: got back {moved:,}, which can't be used: its last day was {expires_on}",
        "{lot_id}: {moved:,} 복원, 유효기간({expires_on}) 경과로 사용 불가",
    ),
}
"""Of a lot that a request found or moved; the order is that of spending."""

REDEMPTION: Final = Kind(
    name="redemption",
    help="Why a redemption or its cancellation was accepted or rejected (P4, P5).",
    example="--id R00000041-24213-D",
    about="customer_id",
    asks=("id",),
    optional=("month", "customer"),
    table="redemption_results",
    id="redemption_id",
    dues=_month,
    answer="redemption",
    told_of_changes=("status",),
    sentences=REDEMPTION_REASONS,
    steps=(
        Step(
            "redemption_membership",
            {
                "unknown_customer": Sentence("not known", "고객 정보 없음"),
                "not_yet": Sentence(
                    "no member on {used_on}: joined {joined_on}",
                    "{used_on} 기준 회원 아님: 가입 {joined_on}",
                ),
                "no_longer": Sentence(
                    "no member on {used_on}: joined {joined_on}, left {terminated_on}",
                    "{used_on} 기준 회원 아님: 가입 {joined_on}, 해지 {terminated_on}",
                ),
                "member": Sentence(
                    "member on {used_on}: joined {joined_on}, left {terminated_on}",
                    "{used_on} 기준 회원: 가입 {joined_on}, 해지 {terminated_on}",
                ),
            },
        ),
        Step(
            "redemption_partner",
            {
                "unknown_partner": Sentence(
                    "{partner} does not take {benefit}: {partners} do",
                    "{partner}은(는) {benefit} 제휴사 아님: {partners}",
                ),
                "listed": Sentence(
                    "{partner} takes {benefit}: one of {partners}",
                    "{partner}은(는) {benefit} 제휴사: {partners} 중 하나",
                ),
                "any": Sentence(
                    "any partner takes {benefit}: {partner}",
                    "{benefit}은(는) 제휴사 제한 없음: {partner}",
                ),
            },
            Value("point_benefits", "listed_partners", "used_on", {"benefit": "benefit"}),
        ),
        Step(
            "redemption_tier",
            {
                "any": Sentence("{benefit} is for every tier", "{benefit}은(는) 모든 등급 가능"),
                "has_it": Sentence(
                    "{benefit} is for {required_tier}: {tier} in {membership_year}",
                    "{benefit}은(는) {required_tier} 전용: {membership_year}년 {tier}",
                ),
                "no_tier": Sentence(
                    "{benefit} is for {required_tier}: no tier in {membership_year}",
                    "{benefit}은(는) {required_tier} 전용: {membership_year}년 등급 없음",
                ),
                "tier_required": Sentence(
                    "{benefit} is for {required_tier}: {tier} in {membership_year}",
                    "{benefit}은(는) {required_tier} 전용: {membership_year}년 {tier}",
                ),
            },
            Value("point_benefits", "required_tier", "used_on", {"benefit": "benefit"}),
        ),
        Step(
            "redemption_limit",
            {
                "any": Sentence(
                    "{benefit} any number of times a month: {uses} before it",
                    "{benefit} 월 횟수 제한 없음: 이전 {uses}회",
                ),
                "within": Sentence(
                    "{benefit} {monthly_limit} time a month: {uses} before it",
                    "{benefit} 월 {monthly_limit}회: 이전 {uses}회",
                ),
                "monthly_limit": Sentence(
                    "{benefit} {monthly_limit} time a month: {uses} before it, {earlier_id} on "
                    "{earlier_at}",
                    "{benefit} 월 {monthly_limit}회: 이전 {uses}회, {earlier_at} {earlier_id}",
                ),
            },
            Value("point_benefits", "monthly_limit", "used_on", {"benefit": "benefit"}),
        ),
        Step(
            "redemption_balance",
            {
                "covered": Sentence(
                    "{usable:,} points usable just before, {points:,} asked for: {over:,} over",
                    "직전 가용 {usable:,}포인트, 요청 {points:,}포인트: {over:,} 남음",
                ),
                "insufficient_points": Sentence(
                    "{usable:,} points usable just before, {points:,} asked for: {short:,} short",
                    "직전 가용 {usable:,}포인트, 요청 {points:,}포인트: {short:,} 부족",
                ),
            },
        ),
        Step(
            "redemption_named",
            {
                "accepted": Sentence(
                    "names {cancels} of {named_at}: {named_benefit}, {named_points:,} points, "
                    "accepted",
                    "취소 대상 {cancels} {named_at}: {named_benefit} {named_points:,}포인트, 승인",
                ),
                "rejected": Sentence(
                    "names {cancels} of {named_at}: {named_benefit}, {named_points:,} points, "
                    "rejected with {named_reason}",
                    "취소 대상 {cancels} {named_at}: {named_benefit} {named_points:,}포인트, "
                    "거절({named_reason})",
                ),
                "unknown_redemption": Sentence(
                    "names {cancels}, which the customer has not made by then",
                    "취소 대상 {cancels}: 해당 고객의 이전 사용 건 없음",
                ),
                "later": Sentence(
                    "names {cancels} of {named_at}, which comes after it",
                    "취소 대상 {cancels} {named_at}: 취소보다 나중 건",
                ),
                "a_cancellation": Sentence(
                    "names {cancels} of {named_at}, which is a cancellation itself",
                    "취소 대상 {cancels} {named_at}: 취소 건 자체",
                ),
            },
        ),
        Step(
            "redemption_left",
            {
                "all_that_is_left": Sentence(
                    "{came_back:,} of {named_points:,} came back before, {left_of_it:,} are left: "
                    "all of them",
                    "{named_points:,} 중 기취소 {came_back:,}, 잔여 {left_of_it:,}: 전부 복원",
                ),
                "a_part": Sentence(
                    "{came_back:,} of {named_points:,} came back before, {left_of_it:,} are left: "
                    "{points:,} of them",
                    "{named_points:,} 중 기취소 {came_back:,}, 잔여 {left_of_it:,}: {points:,} "
                    "복원",
                ),
                "above_redeemed": Sentence(
                    "{came_back:,} of {named_points:,} came back before, {left_of_it:,} are left: "
                    "{points:,} is {over:,} too many",
                    "{named_points:,} 중 기취소 {came_back:,}, 잔여 {left_of_it:,}: 요청 "
                    "{points:,}은(는) {over:,} 초과",
                ),
                "already_cancelled": Sentence(
                    "all {named_points:,} came back in {cancellations} before it, the last "
                    "{last_id} on {last_at}",
                    "{named_points:,} 모두 이전 {cancellations}건으로 취소됨, 마지막 {last_id} "
                    "{last_at}",
                ),
            },
        ),
        Step("redemption_lots", _LOTS, detail=True, most=12),
    ),
    changes=(
        Change(
            "credited",
            "redemption_if_credited",
            {},
            {"": Sentence("{points:,} points more to use", "{points:,}포인트 더 있으면")},
            amends={"promotions": "redemption_if_credited_promotions"},
        ),
        Change(
            "points",
            "redemption_if_other_points",
            {},
            {
                "fewer": Sentence(
                    "{difference:,} points fewer asked for, {points:,}",
                    "{difference:,}포인트 적게({points:,}) 요청하면",
                ),
                "more": Sentence(
                    "{difference:,} points more asked for, {points:,}",
                    "{difference:,}포인트 많이({points:,}) 요청하면",
                ),
            },
            amends={"redemptions": "redemption_if_other_points_redemptions"},
        ),
        Change(
            "partner",
            "redemption_if_partner",
            {},
            {"": Sentence("at {partner}, which takes {benefit}", "{benefit} 제휴사 {partner}이면")},
            amends={"redemptions": "redemption_if_partner_redemptions"},
        ),
        Change(
            "tier",
            "redemption_if_tier",
            {},
            {"": Sentence("{tier} in {membership_year}", "{membership_year}년 등급이 {tier}이면")},
            amends={"tier_snapshot": "redemption_if_tier_tier_snapshot"},
        ),
        Change(
            "member",
            "redemption_if_member",
            {"customers_spans": "redemption_if_member_spans"},
            {
                "not_yet": Sentence(
                    "joined by {used_on}, days earlier: {days:,}", "{days:,}일 먼저 가입했으면"
                ),
                "no_longer": Sentence(
                    "a member through {used_on}, days longer: {days:,}",
                    "{used_on}까지 {days:,}일 더 회원이었으면",
                ),
            },
        ),
        Change(
            "cancelled",
            "redemption_if_cancelled",
            {},
            {
                "": Sentence(
                    "{earlier_id} of {earlier_at} cancelled before it",
                    "{earlier_at} {earlier_id}이(가) 먼저 취소되었으면",
                )
            },
            amends={"redemptions": "redemption_if_cancelled_redemptions"},
        ),
    ),
)

REFUND: Final = Kind(
    name="refund",
    help="Why a refund application was accepted or rejected, its fee and its day (P6).",
    example="--id F0000000-24212",
    about="customer_id",
    asks=("id",),
    optional=("month", "customer"),
    table="refund_results",
    id="application_id",
    dues=_month,
    answer="refund",
    told_of_changes=("status",),
    sentences=REFUND_REASONS,
    steps=(
        Step(
            "refund_customer",
            {
                "known": Sentence("a customer on record", "고객 정보 있음"),
                "unknown": Sentence("no customer on record", "고객 정보 없음"),
            },
        ),
        Step(
            "refund_identity",
            {
                "match": Sentence(
                    "the application matched the record at {applied_at}",
                    "{applied_at} 기준 본인 확인 일치",
                ),
                "mismatch": Sentence(
                    "the application did not match the record at {applied_at}",
                    "{applied_at} 기준 본인 확인 불일치",
                ),
            },
        ),
        Step(
            "refund_least",
            {
                "": Sentence(
                    "{points:,} points, {least_points:,} are the least",
                    "{points:,}포인트, 최소 {least_points:,}",
                )
            },
            Value("point_refund_terms", "least_points", "applied_on"),
        ),
        Step(
            "refund_greatest",
            {
                "": Sentence(
                    "{points:,} points, {greatest_points:,} are the most",
                    "{points:,}포인트, 최대 {greatest_points:,}",
                )
            },
            Value("point_refund_terms", "greatest_points", "applied_on"),
        ),
        Step(
            "refund_units",
            {
                "": Sentence(
                    "{points:,} points, by multiples of {unit_points:,}",
                    "{points:,}포인트, {unit_points:,} 단위",
                )
            },
            Value("point_refund_terms", "unit_points", "applied_on"),
        ),
        Step(
            "refund_balance",
            {
                "covered": Sentence(
                    "{refundable:,} of {usable:,} usable points refundable just before, {points:,} "
                    "applied for: {over:,} over",
                    "직전 가용 {usable:,}포인트 중 환급 가능 {refundable:,}, 신청 {points:,}: "
                    "{over:,} 남음",
                ),
                "insufficient": Sentence(
                    "{refundable:,} of {usable:,} usable points refundable just before, {points:,} "
                    "applied for: {short:,} short",
                    "직전 가용 {usable:,}포인트 중 환급 가능 {refundable:,}, 신청 {points:,}: "
                    "{short:,} 부족",
                ),
            },
        ),
        Step("refund_lots", _LOTS, detail=True, most=12),
        Step(
            "refund_fee",
            {
                "": Sentence(
                    "fee of {method}: {fee_points} won per {per_points} points, {fee:,} won; "
                    "{outcome:,} won are paid",
                    "{method} 수수료: {per_points}포인트당 {fee_points}원, {fee:,}원; 지급액 "
                    "{outcome:,}원",
                )
            },
            Value("point_refund_fees", "fee", "applied_on", {"method": "method"}),
        ),
        Step(
            "refund_pay_day",
            {
                "": Sentence(
                    "paid on {outcome}: {business_days} business days after {applied_on}, with "
                    "{days_between} days between that are none",
                    "{outcome} 지급: {applied_on} 이후 {business_days}영업일(휴무일 "
                    "{days_between}일 포함)",
                )
            },
            Value("point_refund_terms", "business_days", "applied_on"),
        ),
    ),
    changes=(
        Change(
            "credited",
            "refund_if_credited",
            {},
            {
                "": Sentence(
                    "{points:,} refundable points more", "환급 가능 {points:,}포인트 더 있으면"
                )
            },
            amends={"promotions": "refund_if_credited_promotions"},
        ),
        Change(
            "points",
            "refund_if_other_points",
            {},
            {
                "fewer": Sentence(
                    "{difference:,} points fewer applied for, {points:,}",
                    "{difference:,}포인트 적게({points:,}) 신청하면",
                ),
                "more": Sentence(
                    "{difference:,} points more applied for, {points:,}",
                    "{difference:,}포인트 많이({points:,}) 신청하면",
                ),
            },
            amends={"refund_applications": "refund_if_other_points_refund_applications"},
        ),
    ),
)


def _span(context: Context, asked: Asked) -> Sequence[Due]:
    """The month, that of the day, the year's months and its sweep; else the newest month."""
    if sum(given is not None for given in (asked.year, asked.month, asked.on)) > 1:
        raise WrongUsage("--year, --month and --on: give one of them")
    if asked.on is not None:
        return [(POINTS, Period.month_of(asked.on))]
    if asked.month is not None:
        return [(POINTS, asked.month)]
    months = POINTS.published(context)
    year = asked.year
    if year is None:
        return [(POINTS, month) for month in months[-1:]]
    dues = [(POINTS, month) for month in months if month.whole_year == year]
    if year in SWEEP.published(context):
        dues.append((SWEEP, year))
    return dues or [(POINTS, year.december)]


def _told(context: Context, dues: Sequence[Due]) -> Mapping[str, Mapping[str, Path]]:
    """The notices to the customer up to the span's end, and what its sweeps took."""
    swept = [period for command, period in dues if command is SWEEP]
    last = max(period.december if period in swept else period for _, period in dues)
    notices = context.periods("expiry_notices")
    sweeps = context.periods("expiry_sweep")
    return {
        "expiry_notices": {str(month): path for month, path in notices.items() if month <= last},
        "expiry_sweep": {str(year): sweeps[year] for year in swept},
    }


_CREDITED: Final = Sentence(
    "{occurred_at} {lot_id}: {points:,} credited, last day {expires_on}",
    "{occurred_at} {lot_id}: {points:,} 적립, 유효기간 {expires_on}",
)
ENTRIES: Final = {
    "membership": _CREDITED,
    "payment": _CREDITED,
    "promotion": _CREDITED,
    "purchase": _CREDITED,
    "redemption": Sentence(
        "{occurred_at} {lot_id}: {points:,} used by {source_id}",
        "{occurred_at} {lot_id}: {source_id} 사용 {points:,}",
    ),
    "cancellation": Sentence(
        "{occurred_at} {lot_id}: {points:,} given back by {source_id}",
        "{occurred_at} {lot_id}: {source_id} 복원 {points:,}",
    ),
    "refund": Sentence(
        "{occurred_at} {lot_id}: {points:,} refunded by {source_id}",
        "{occurred_at} {lot_id}: {source_id} 환급 {points:,}",
    ),
    "extension": Sentence(
        "{occurred_at} {lot_id}: extended to {expires_on}",
        "{occurred_at} {lot_id}: {expires_on}까지 연장",
    ),
    "expiry": Sentence(
        "{occurred_at} {lot_id}: {points:,} expired for {cause}",
        "{occurred_at} {lot_id}: {points:,} 소멸({cause})",
    ),
}
"""Of an entry, by its kind."""

_GRANTS: Final = Step(
    "points_grants",
    {"": Sentence("{lot_id}: {outcome:,} granted to {tier}", "{lot_id}: {tier} {outcome:,} 지급")},
    Value("point_grant_amounts", "points", "credited_on", {"tier": "tier"}),
)
_PAYMENTS: Final = Step(
    "points_payments",
    {
        "": Sentence(
            "{lot_id}: {outcome:,}, {rate_points} per {per_amount:,} of {collected_amount:,} "
            "won collected on {lines} counting lines of {first_bill} … {last_bill}",
            "{lot_id}: {first_bill} … {last_bill} 인정 항목 {lines}건 수납액 "
            "{collected_amount:,}원의 {per_amount:,}원당 {rate_points}, {outcome:,}",
        )
    },
    Value("point_payment_credits", "points", "credited_on"),
    detail=True,
    most=2,
)
_PURCHASES: Final = Step(
    "points_purchases",
    {
        "": Sentence(
            "{lot_id}: {outcome:,}, {rate_points} per {per_amount:,} of {amount:,} won at "
            "{channel}",
            "{lot_id}: {channel} {amount:,}원의 {per_amount:,}원당 {rate_points}, {outcome:,}",
        )
    },
    Value("point_purchase_credits", "points", "credited_on", {"channel": "channel"}),
    detail=True,
    most=2,
)
_EXPIRIES: Final = Step(
    "points_expiries",
    {
        "told_ahead": Sentence(
            "{lot_id}: {outcome:,} expired for {cause}; told last in {noticed_month}, "
            "{lead_months} months ahead, reachable: {reachable}",
            "{lot_id}: {outcome:,} 소멸({cause}); 마지막 안내 {noticed_month}, "
            "{lead_months}개월 전, 연락 가능: {reachable}",
        ),
        "told": Sentence(
            "{lot_id}: {outcome:,} expired for {cause}; told last in {noticed_month}, "
            "reachable: {reachable}",
            "{lot_id}: {outcome:,} 소멸({cause}); 마지막 안내 {noticed_month}, 연락 가능: "
            "{reachable}",
        ),
        "never_told": Sentence(
            "{lot_id}: {outcome:,} expired for {cause}; never told ({untold}), credited on "
            "{credited_on}, last day {expires_on}",
            "{lot_id}: {outcome:,} 소멸({cause}); 안내 없음({untold}), 적립 {credited_on}, "
            "유효기간 {expires_on}",
        ),
    },
    detail=True,
    most=6,
)

_UPCOMING: Final = Step(
    "points_upcoming",
    {
        "told": Sentence(
            "{outcome:,} points of {lots} lots lapse after {expires_on}; told last in "
            "{noticed_month}",
            "{expires_on} 이후 {lots}건 {outcome:,} 소멸 예정; 마지막 안내 {noticed_month}",
        ),
        "not_told_yet": Sentence(
            "{outcome:,} points of {lots} lots lapse after {expires_on}; not told yet",
            "{expires_on} 이후 {lots}건 {outcome:,} 소멸 예정; 아직 안내 전",
        ),
        "past": Sentence(
            "{outcome:,} points of {lots} lots are past {expires_on}; the next sweep takes them",
            "유효기간({expires_on}) 경과 {lots}건 {outcome:,}; 다음 연말 소멸",
        ),
    },
    detail=True,
    most=3,
)

LEDGER: Final = Kind(
    name="points",
    help="Where a customer's points came from and where they went (P1-P11).",
    example="--customer C0000064 --year 2018",
    about="customer_id",
    asks=("customer",),
    optional=("year", "month", "on"),
    table="point_balances",
    dues=_span,
    also=_told,
    answer="points",
    told_of_changes=("expired", "closing"),
    sentences={
        "month": Sentence(
            "{customer_id} in {first_month}: {opening:,} + {credited:,} credited - {spent:,} spent "
            "+ {restored:,} given back - {expired:,} expired = {closing:,} points, {usable:,} of "
            "them usable after {last_day}",
            "{customer_id} {first_month}: 기초 {opening:,} + 적립 {credited:,} - 사용 {spent:,} + "
            "복원 {restored:,} - 소멸 {expired:,} = 기말 {closing:,}포인트, {last_day} 이후 가용 "
            "{usable:,}",
        ),
        "months": Sentence(
            "{customer_id} from {first_month} to {last_month}: {opening:,} + {credited:,} credited "
            "- {spent:,} spent + {restored:,} given back - {expired:,} expired = {closing:,} "
            "points, {usable:,} of them usable after {last_day}",
            "{customer_id} {first_month} … {last_month}: 기초 {opening:,} + 적립 {credited:,} - "
            "사용 "
            "{spent:,} + 복원 {restored:,} - 소멸 {expired:,} = 기말 {closing:,}포인트, {last_day} "
            "이후 가용 {usable:,}",
        ),
        "on_a_day": Sentence(
            "{customer_id} at the end of {last_day}: {opening:,} from {first_month} on + "
            "{credited:,} credited - {spent:,} spent + {restored:,} given back = {closing:,} "
            "points, {usable:,} of them usable that day",
            "{customer_id} {last_day} 말: {first_month} 기초 {opening:,} + 적립 {credited:,} - "
            "사용 "
            "{spent:,} + 복원 {restored:,} = {closing:,}포인트, 당일 가용 {usable:,}",
        ),
        "unknown_customer": Sentence(
            "no customer {customer_id} is known: {exceptions:,} credits went to nobody "
            "[unknown_customer]",
            "고객 {customer_id} 정보 없음: 미적립 {exceptions:,}건 [unknown_customer]",
        ),
    },
    steps=(
        Step(
            "points_exceptions",
            {
                "unknown_customer": Sentence(
                    "{lot_id}: {points:,} credited to nobody, as the customer is not known",
                    "{lot_id}: 고객 정보 없음, {points:,} 미적립",
                )
            },
        ),
        _GRANTS,
        _PAYMENTS,
        _PURCHASES,
        Step(
            "points_lots",
            {
                "open": Sentence(
                    "{lot_id}: {opening:,} + {credited:,} = {outcome:,} until {expires_on} "
                    "({set_by})",
                    "{lot_id}: {opening:,} + {credited:,} = {outcome:,}, {expires_on}까지 "
                    "({set_by})",
                ),
                "used": Sentence(
                    "{lot_id}: {opening:,} + {credited:,} - {used:,} used - {refunded:,} refunded "
                    "+ "
                    "{given_back:,} given back = {outcome:,} until {expires_on} ({set_by}); "
                    "{requests}",
                    "{lot_id}: {opening:,} + {credited:,} - 사용 {used:,} - 환급 {refunded:,} + "
                    "복원 "
                    "{given_back:,} = {outcome:,}, {expires_on}까지 ({set_by}); {requests}",
                ),
                "expired": Sentence(
                    "{lot_id}: {opening:,} + {credited:,} - {used:,} used - {refunded:,} refunded "
                    "+ "
                    "{given_back:,} given back - {expired:,} expired ({cause}), last day "
                    "{expires_on} ({set_by})",
                    "{lot_id}: {opening:,} + {credited:,} - 사용 {used:,} - 환급 {refunded:,} + "
                    "복원 "
                    "{given_back:,} - 소멸 {expired:,} ({cause}), 유효기간 {expires_on} ({set_by})",
                ),
            },
            detail=True,
            most=14,
        ),
        _EXPIRIES,
        _UPCOMING,
        Step(
            "points_periods",
            {
                "": Sentence(
                    "{period}: {opening:,} + {credited:,} credited - {spent:,} spent + "
                    "{restored:,} given back - {expired:,} expired = {closing:,}, {usable:,} "
                    "usable",
                    "{period}: 기초 {opening:,} + 적립 {credited:,} - 사용 {spent:,} + 복원 "
                    "{restored:,} - 소멸 {expired:,} = {closing:,}, 가용 {usable:,}",
                )
            },
            detail=True,
            most=0,
        ),
        Step("points_entries", ENTRIES, detail=True, most=0),
    ),
    changes=(
        Change(
            "activity",
            "points_if_active",
            {},
            {
                "": Sentence(
                    "a purchase by {swept_on}, which the {points:,} expired for want of",
                    "{swept_on}까지 구매 1건이 있었으면({points:,} 소멸)",
                )
            },
            amends={"purchases": "points_if_active_purchases"},
        ),
    ),
)


_OWNED: Final = re.compile(r"(?:membership|payment):[^:]+:(?P<customer>[^:]+)")
"""A lot of one a customer and year or month; its id tells whose it is (G2, P1)."""


def _lot(reader: Reader, scratch: Path, asked: Asked) -> Asked:
    """The lot with its owner and the periods in which it moved, else the last one that had it."""
    from flows.answers.explain.replay import Files

    lot = asked.lot or ""
    context = reader.context
    entries, lots = (context.files(name) for name in ("point_entries", "point_lots"))
    owned = _OWNED.fullmatch(lot)
    customer = owned["customer"] if owned else None
    found = None
    with Files(reader, {"lot_id": [lot]}, scratch) as reading:
        if customer is None:
            found = reading.newest_with("point_entries", entries, "lot_id", lot)
            found = found or reading.newest_with("point_lots", lots, "lot_id", lot)
            customer = found[1]["customer_id"] if found else None
    periods: set[Period] = set()
    if customer is not None:
        with Files(reader, {"customer_id": [customer]}, scratch) as reading:
            rows = reading.of_table("point_entries", entries).to_pylist()
            periods = {Period.parse(row["period"]) for row in rows if row["lot_id"] == lot}
            if not periods:
                found = found or reading.newest_with("point_lots", lots, "lot_id", lot)
                periods = {Period.parse(found[0])} if found else set()
            # what is left has the terms of the last month, whatever changed them
            newest = max(POINTS.published(context))
            left = reading.of_table("point_lots", {str(newest): lots[str(newest)]})
            if lot in left["lot_id"].to_pylist():
                periods.add(newest)
    if not periods:
        raise NotReady(
            f"{lot} is in no published point_entries or point_lots; look the id up there, or "
            "publish its month first (`pointbook status` says what is missing)"
        )
    if all(period.span == "year end" for period in periods):
        periods.add(min(periods).december)
    return replace(asked, customer=customer, periods=tuple(sorted(periods)))


def _periods(_context: Context, asked: Asked) -> Sequence[Due]:
    return [
        (SWEEP, period.whole_year) if period.span == "year end" else (POINTS, period)
        for period in asked.periods
    ]


LOT: Final = Kind(
    name="lot",
    help="The life of one lot of points, entry by entry (P1-P9).",
    example="--lot membership:2018:C0000064",
    about="customer_id",
    asks=("lot",),
    table="point_entries",
    id="lot_id",
    locate=_lot,
    dues=_periods,
    also=_told,
    answer="lot",
    sentences={
        "open": Sentence(
            "{lot_id} of {customer_id}: {credited:,} credited on {credited_on}, {remaining:,} "
            "left, "
            "last day {expires_on} ({set_by})",
            "{lot_id} ({customer_id}): {credited_on} {credited:,} 적립, 잔여 {remaining:,}, "
            "유효기간 "
            "{expires_on} ({set_by})",
        ),
        "used_up": Sentence(
            "{lot_id} of {customer_id}: {credited:,} credited on {credited_on}, all used, last day "
            "{expires_on} ({set_by})",
            "{lot_id} ({customer_id}): {credited_on} {credited:,} 적립, 모두 사용, 유효기간 "
            "{expires_on} ({set_by})",
        ),
        "expired": Sentence(
            "{lot_id} of {customer_id}: {credited:,} credited on {credited_on}, {expired:,} "
            "expired "
            "for {cause}, last day {expires_on} ({set_by})",
            "{lot_id} ({customer_id}): {credited_on} {credited:,} 적립, {expired:,} 소멸({cause}), "
            "유효기간 {expires_on} ({set_by})",
        ),
    },
    steps=(
        _GRANTS,
        replace(_PAYMENTS, detail=False),
        replace(_PURCHASES, detail=False),
        Step("points_entries", ENTRIES, detail=True, most=24),
        _EXPIRIES,
        _UPCOMING,
    ),
)
KINDS: Final = (REDEMPTION, REFUND, LEDGER, LOT)
