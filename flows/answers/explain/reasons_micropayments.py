"""Why a payment was declined or a limit request refused, as sentences with their figures (M2, M3).

By the reason's code; where one code stands for two cases, the further one by a word of its own. The
places are columns of `micropayment_answer.sql` and `limit_answer.sql`.
"""

from __future__ import annotations

from typing import Final

from flows.answers.explain.declaration import Sentence, Sentences

_OF_BOTH: Final[Sentences] = {
    "unknown_subscription": Sentence(
        "no subscription has the id {subscription_id}",
        "{subscription_id} 회선이 없음",
    ),
    "other_product": Sentence(
        "{subscription_id} is no mobile subscription but {product}",
        "{subscription_id}은(는) 모바일 회선이 아님({product})",
    ),
    "arrears": Sentence(
        "{bills_in_arrears:,} bill lines of {customer_id}, {in_arrears:,} won, were due and not "
        "collected",
        "{customer_id}의 미납 청구 {bills_in_arrears:,}건 {in_arrears:,}원",
    ),
}
DECLINED: Final[Sentences] = {
    **_OF_BOTH,
    "not_in_service": Sentence(
        "the subscription was closed on {closed_on}", "{closed_on} 해지된 회선"
    ),
    "not_in_service_yet": Sentence(
        "the subscription was opened only on {opened_on}", "{opened_on} 개통 전의 회선"
    ),
    "over_limit": Sentence(
        "with the {total_before:,} won approved before in {month} it is {short:,} won above the "
        "limit of {limit_in_force:,}",
        "{month} 승인 누계 {total_before:,}원에 더하면 한도 {limit_in_force:,}원을 "
        "{short:,}원 초과",
    ),
}
"""Of payments."""
REFUSED: Final[Sentences] = {
    **_OF_BOTH,
    "not_eligible": Sentence(
        "a {plan_class} plan may not ask for more than the limit in force, {limit_before:,} won",
        "{plan_class} 요금제는 현재 한도 {limit_before:,}원을 넘겨 신청할 수 없음",
    ),
    "not_eligible_above_standard": Sentence(
        "a {plan_class} plan may not ask for more than its standard limit, {standard_limit:,} won",
        "{plan_class} 요금제는 기본 한도 {standard_limit:,}원을 넘겨 신청할 수 없음",
    ),
    "credit_grade": Sentence(
        "more than the standard limit of {standard_limit:,} won is not granted from credit grade "
        "{refused_from_grade} on, and the grade was {credit_grade}",
        "신용등급 {credit_grade}: {refused_from_grade}등급부터는 기본 한도 "
        "{standard_limit:,}원 초과 불가",
    ),
    "above_maximum": Sentence(
        "no limit may be above {greatest_limit:,} won", "최대 한도 {greatest_limit:,}원 초과"
    ),
}
"""Of limit requests."""
