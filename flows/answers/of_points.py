"""Questions about points: what became of requests, of a customer's lots, and of one lot (P)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flows.answers.declaration import Asked, Change, Due, Kind, Sentence, Step, Value
from flows.answers.reasons_points import REDEMPTION as REDEMPTION_REASONS
from flows.answers.reasons_points import REFUND as REFUND_REASONS
from flows.commands.points import COMMAND as POINTS
from flows.publishing.run import Context


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
KINDS: Final = (REDEMPTION, REFUND)
