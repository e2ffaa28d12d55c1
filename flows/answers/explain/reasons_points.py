"""What became of requests for points, as sentences, by the reason of their row (P4, P5, P6).

Each has places for the figures that the answer of its kind holds; the code stands in brackets.
"""

from __future__ import annotations

from typing import Final

from flows.answers.explain.declaration import Sentence, Sentences

REDEMPTION: Final[Sentences] = {
    "accepted": Sentence(
        "{redemption_id} is accepted: {points:,} points for {benefit} at {partner} on {used_at}",
        "{redemption_id} 승인: {used_at} {partner} {benefit} {points:,}포인트 사용",
    ),
    "given_back": Sentence(
        "{redemption_id} is accepted: it gives back {moved:,} of the {named_points:,} points of "
        "{cancels} on {used_at}",
        "{redemption_id} 승인: {used_at} {cancels}의 {named_points:,}포인트 중 {moved:,}포인트 "
        "복원",
    ),
    "unknown_customer": Sentence(
        "{redemption_id} is rejected: no customer {customer_id} is known [unknown_customer]",
        "{redemption_id} 거절: 고객 {customer_id} 정보 없음 [unknown_customer]",
    ),
    "not_yet": Sentence(
        "{redemption_id} is rejected: {customer_id} joined on {joined_on} only, after {used_on} "
        "[not_a_member]",
        "{redemption_id} 거절: {customer_id}은(는) {used_on} 이후 {joined_on}에 가입 "
        "[not_a_member]",
    ),
    "no_longer": Sentence(
        "{redemption_id} is rejected: {customer_id} left on {terminated_on}, no later than "
        "{used_on} [not_a_member]",
        "{redemption_id} 거절: {customer_id}은(는) {terminated_on} 해지, {used_on} 기준 회원 아님 "
        "[not_a_member]",
    ),
    "unknown_partner": Sentence(
        "{redemption_id} is rejected: {partner} does not take {benefit}, only {partners} do "
        "[unknown_partner]",
        "{redemption_id} 거절: {partner}은(는) {benefit} 제휴사 아님, 제휴사 {partners} "
        "[unknown_partner]",
    ),
    "tier_required": Sentence(
        "{redemption_id} is rejected: {benefit} is for {required_tier}, and the tier of "
        "{membership_year} is {tier} [tier_required]",
        "{redemption_id} 거절: {benefit}은(는) {required_tier} 전용, {membership_year}년 등급 "
        "{tier} [tier_required]",
    ),
    "no_tier": Sentence(
        "{redemption_id} is rejected: {benefit} is for {required_tier}, and there is no tier of "
        "{membership_year} [tier_required]",
        "{redemption_id} 거절: {benefit}은(는) {required_tier} 전용, {membership_year}년 등급 없음 "
        "[tier_required]",
    ),
    "monthly_limit": Sentence(
        "{redemption_id} is rejected: {benefit} can be used {monthly_limit} time a month, and was "
        "by {earlier_id} on {earlier_at} [monthly_limit]",
        "{redemption_id} 거절: {benefit} 월 {monthly_limit}회 한도, {earlier_at} {earlier_id}로 "
        "사용함 [monthly_limit]",
    ),
    "insufficient_points": Sentence(
        "{redemption_id} is rejected: {points:,} points asked for on {used_at}, {usable:,} usable, "
        "{short:,} short [insufficient_points]",
        "{redemption_id} 거절: {used_at} 요청 {points:,}포인트, 가용 {usable:,}포인트, "
        "{short:,}포인트 부족 [insufficient_points]",
    ),
    "unknown_redemption": Sentence(
        "{redemption_id} is rejected: {customer_id} has no redemption {cancels} before it "
        "[unknown_redemption]",
        "{redemption_id} 거절: {customer_id}에게 이전 사용 건 {cancels} 없음 [unknown_redemption]",
    ),
    "not_accepted": Sentence(
        "{redemption_id} is rejected: {cancels} was rejected itself, with {named_reason} "
        "[not_accepted]",
        "{redemption_id} 거절: {cancels} 자체가 거절됨({named_reason}) [not_accepted]",
    ),
    "already_cancelled": Sentence(
        "{redemption_id} is rejected: nothing is left of {cancels}, the last of its "
        "{named_points:,} points came back with {last_id} on {last_at} [already_cancelled]",
        "{redemption_id} 거절: {cancels}의 {named_points:,}포인트는 {last_at} {last_id}로 모두 "
        "취소됨 [already_cancelled]",
    ),
    "above_redeemed": Sentence(
        "{redemption_id} is rejected: {points:,} points are to come back and {left_of_it:,} of "
        "{cancels} are left [above_redeemed]",
        "{redemption_id} 거절: 복원 요청 {points:,}포인트, {cancels} 잔여 {left_of_it:,}포인트 "
        "[above_redeemed]",
    ),
}
"""By the reason of a row of redemption_results; without one `accepted` or `given_back`.

not_a_member is told as `not_yet` or `no_longer`; tier_required, where there is none, as `no_tier`.
"""

REFUND: Final[Sentences] = {
    "accepted": Sentence(
        "{application_id} is accepted: {points:,} points as {method}, fee {fee:,} won, "
        "{amount_krw:,} won paid on {pay_on}",
        "{application_id} 승인: {points:,}포인트 {method} 환급, 수수료 {fee:,}원, {pay_on} "
        "{amount_krw:,}원 지급",
    ),
    "unknown_customer": Sentence(
        "{application_id} is rejected: no customer {customer_id} is known [unknown_customer]",
        "{application_id} 거절: 고객 {customer_id} 정보 없음 [unknown_customer]",
    ),
    "identity_mismatch": Sentence(
        "{application_id} is rejected: what it told of the applicant did not match the record at "
        "{applied_at} [identity_mismatch]",
        "{application_id} 거절: {applied_at} 기준 고객 정보와 본인 확인 불일치 [identity_mismatch]",
    ),
    "below_minimum": Sentence(
        "{application_id} is rejected: {points:,} points, and {least_points:,} are the least "
        "[below_minimum]",
        "{application_id} 거절: {points:,}포인트, 최소 {least_points:,}포인트 [below_minimum]",
    ),
    "above_maximum": Sentence(
        "{application_id} is rejected: {points:,} points, and {greatest_points:,} are the most "
        "[above_maximum]",
        "{application_id} 거절: {points:,}포인트, 최대 {greatest_points:,}포인트 [above_maximum]",
    ),
    "not_in_units": Sentence(
        "{application_id} is rejected: {points:,} points are no multiple of {unit_points:,} "
        "[not_in_units]",
        "{application_id} 거절: {points:,}포인트, {unit_points:,}포인트 단위 아님 [not_in_units]",
    ),
    "insufficient_refundable_points": Sentence(
        "{application_id} is rejected: {points:,} points applied for at {applied_at}, "
        "{refundable:,} refundable, {short:,} short [insufficient_refundable_points]",
        "{application_id} 거절: {applied_at} 신청 {points:,}포인트, 환급 가능 "
        "{refundable:,}포인트, {short:,}포인트 부족 [insufficient_refundable_points]",
    ),
}
"""By the reason of a row of refund_results; without one `accepted`."""
