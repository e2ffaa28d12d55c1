"""Questions about micropayments: a payment's answer, a limit request's (M1 to M5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from flows.answers.explain.declaration import (
    Asked,
    Change,
    Due,
    Kind,
    Sentence,
    Step,
    Value,
    with_reasons,
)
from flows.answers.explain.reasons_micropayments import DECLINED, REFUSED
from flows.answers.explain.replay import Files
from flows.answers.reading import Reader
from flows.commands.micropayments import COMMAND as MICROPAYMENTS
from flows.console.environment import temporary_folder
from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs

_RECORDS: Final = ("subscriptions", "subscriptions_history")


def _dues(_context: Context, asked: Asked) -> Sequence[Due]:
    assert asked.month is not None
    return [(MICROPAYMENTS, asked.month)]


def _ids(context: Context, asked: Asked, reader: Reader) -> Mapping[str, Sequence[str]]:
    """The subscription, and the customers whose it ever was: their bills may be in arrears."""
    subscription = {"subscription_id": [asked.subscription or ""]}
    with temporary_folder() as scratch, Files(reader, subscription, scratch) as files:
        owners = {
            row["customer_id"]
            for name in _RECORDS
            for row in files.of_input(Inputs({name: context.files(name)}), name).to_pylist()
        }
    return {**subscription, "customer_id": sorted(owners) or [""]}


_SUBSCRIPTION: Final = Step(
    "limit_subscription",
    {
        "mobile": Sentence(
            "passed: {subscription_id} is a mobile subscription of {customer_id}, plan class "
            "{plan_class}, credit grade {credit_grade}",
            "통과: {subscription_id}은(는) {customer_id}의 모바일 회선, 요금제구분 {plan_class}, "
            "신용등급 {credit_grade}",
        ),
        "other_product": Sentence(
            "failed: {subscription_id} of {customer_id} is {product}, no mobile subscription",
            "미통과: {customer_id}의 {subscription_id}은(는) {product} 회선, 모바일 아님",
        ),
        "unknown": Sentence(
            "failed: no subscription has the id {subscription_id}",
            "미통과: {subscription_id} 회선 없음",
        ),
    },
)
_ARREARS: Final = Step(
    "limit_arrears",
    {
        "clear": Sentence(
            "passed: no bill of {customer_id} was in arrears on {on_day}",
            "통과: {on_day} 기준 {customer_id} 미납 없음",
        ),
        "arrears": Sentence(
            "failed: {bills:,} bill lines of {customer_id} were due before {on_day} and not "
            "collected by then, {missing:,} won, the first since {since}",
            "미통과: {on_day} 전에 납기가 지난 {customer_id} 미납 {bills:,}건 {missing:,}원, "
            "최초 {since}",
        ),
        "none": Sentence(
            "no bill of {customer_id} was in arrears on {on_day}",
            "{on_day} 기준 {customer_id} 미납 없음",
        ),
        "not_asked": Sentence(
            "not asked for: {bills:,} bill lines of {customer_id} were in arrears on {on_day}, "
            "{missing:,} won",
            "해당 없음: {on_day} 기준 {customer_id} 미납 {bills:,}건 {missing:,}원",
        ),
    },
)
_BILLS: Final = Step(
    "limit_bills",
    {
        "open": Sentence(
            "{billing_month} {billing_line_id} {product} {charge_item}: due {due_on}, billed "
            "{billed_amount:,}, collected {collected_amount:,}, in arrears since {since}",
            "{billing_month} {billing_line_id} {product} {charge_item}: 납기 {due_on}, 청구 "
            "{billed_amount:,}, 수납 {collected_amount:,}, {since}부터 미납",
        ),
        "settled": Sentence(
            "{billing_month} {billing_line_id} {product} {charge_item}: due {due_on}, billed "
            "{billed_amount:,}, in arrears since {since} until collected on {until}",
            "{billing_month} {billing_line_id} {product} {charge_item}: 납기 {due_on}, 청구 "
            "{billed_amount:,}, {since}부터 {until} 수납까지 미납",
        ),
    },
    detail=True,
)
_SET_BY: Final = Step(
    "limit_set_by",
    {
        "standard": Sentence(
            "limit {outcome:,} won, the standard of plan class {plan_class} and credit grade "
            "{credit_grade}: {grade_limit:,} for the grade",
            "한도 {outcome:,}원: 요금제구분 {plan_class}, 신용등급 {credit_grade}의 기본 한도 "
            "(등급 한도 {grade_limit:,}원)",
        ),
        "requested": Sentence(
            "limit {outcome:,} won, set by request {request_id}, approved from {requested_at} on",
            "한도 {outcome:,}원: 신청 {request_id} 승인({requested_at}부터)",
        ),
    },
    Value(
        "micropayment_grade_limits",
        "monthly_limit",
        "standard_on",
        {"credit_grade": "credit_grade"},
    ),
)
_CLASS: Final = Step(
    "limit_class",
    {
        "": Sentence(
            "a {plan_class} plan has {share} % of it",
            "{plan_class} 요금제는 그 {share}%",
        )
    },
    Value("micropayment_plan_classes", "share", "standard_on", {"plan_class": "plan_class"}),
)
_COLLECT: Final = Change(
    "collect",
    "limit_if_collected",
    {"billing_arrears": "limit_if_collected_arrears"},
    {
        "": Sentence(
            "{amount:,} won on {lines:,} bill lines collected by {on_day}",
            "미납 {lines:,}건 {amount:,}원이 {on_day}까지 수납되었다면",
        )
    },
)
_PAYMENT: Final = Sentence(
    "{payment_id} of {requested_at}, {amount:,} won at {merchant} ({category})",
    "{payment_id}({requested_at}) {merchant} {amount:,}원({category})",
)
MICROPAYMENT: Final = Kind(
    name="micropayment",
    help="Why a micropayment was approved or declined (M1-M5).",
    example="--id M00001521-24190",
    about="subscription_id",
    asks=("id",),
    optional=("month", "customer"),
    table="micropayment_results",
    id="payment_id",
    ids=_ids,
    dues=_dues,
    staged={"billing": "limit_overdue_months"},
    answer="micropayment_answer",
    told_of_changes=("status", "reason"),
    sentences={
        "approved": Sentence(
            f"{_PAYMENT.en} was approved: {{approved_total:,}} won of {{limit_in_force:,}} spent "
            "in {month}",
            f"{_PAYMENT.ko} 승인: {{month}} 누계 {{approved_total:,}}원, 한도 "
            "{limit_in_force:,}원",
        ),
        **with_reasons(
            Sentence(
                f"{_PAYMENT.en} was declined ({{reason}})", f"{_PAYMENT.ko} 거절 ({{reason}})"
            ),
            DECLINED,
        ),
    },
    steps=(
        _SUBSCRIPTION,
        Step(
            "micropayment_service",
            {
                "open": Sentence("passed: in service since {opened_on}", "통과: {opened_on} 개통"),
                "until": Sentence(
                    "passed: in service since {opened_on}, until {closed_on}",
                    "통과: {opened_on} 개통, {closed_on} 해지",
                ),
                "before": Sentence(
                    "failed: opened on {opened_on}, after {on_day}",
                    "미통과: {on_day} 이후인 {opened_on} 개통",
                ),
                "closed": Sentence(
                    "failed: closed on {closed_on}, and asked for on {on_day}",
                    "미통과: {closed_on} 해지 ({on_day} 요청)",
                ),
            },
        ),
        _ARREARS,
        _BILLS,
        _SET_BY,
        _CLASS,
        Step(
            "micropayment_total",
            {
                "within": Sentence(
                    "passed: {total_before:,} won approved before in {month}, {outcome:,} with it, "
                    "{over:,} below the limit of {limit_in_force:,}",
                    "통과: {month} 이전 승인 {total_before:,}원, 합계 {outcome:,}원, 한도 "
                    "{limit_in_force:,}원까지 {over:,}원 남음",
                ),
                "above": Sentence(
                    "failed: {total_before:,} won approved before in {month}, {total_wanted:,} "
                    "with it, {short:,} above the limit of {limit_in_force:,}",
                    "미통과: {month} 이전 승인 {total_before:,}원, 합계 {total_wanted:,}원, 한도 "
                    "{limit_in_force:,}원을 {short:,}원 초과",
                ),
                "not_asked": Sentence(
                    "not asked for: {total_before:,} won approved before in {month}, the limit "
                    "{limit_in_force:,}",
                    "해당 없음: {month} 이전 승인 {total_before:,}원, 한도 {limit_in_force:,}원",
                ),
            },
        ),
        Step(
            "micropayment_earlier",
            {
                "": Sentence(
                    "{requested_at} {payment_id} {amount:,} won, {total_after:,} with it",
                    "{requested_at} {payment_id} {amount:,}원, 누계 {total_after:,}원",
                )
            },
            detail=True,
        ),
        Step(
            "micropayment_billed",
            {
                "": Sentence(
                    "on the bill of {billing_month}: {amount:,} won and {platform_fee:,} won of "
                    "platform fee, which is no part of the limit",
                    "{billing_month} 청구: {amount:,}원, 플랫폼 수수료 {platform_fee:,}원"
                    "(한도 제외)",
                )
            },
        ),
        Step(
            "micropayment_notice",
            {
                "told": Sentence(
                    "{month} ended with {approved_total:,} won of {limit_in_force:,}: told of "
                    "heavy use, from {from_share} % on",
                    "{month} 말 한도 {limit_in_force:,}원 중 {approved_total:,}원: "
                    "{from_share}% 이상이라 사용 안내",
                ),
                "not_told": Sentence(
                    "{month} ended with {approved_total:,} won of {limit_in_force:,}: no notice "
                    "below {from_share} %",
                    "{month} 말 한도 {limit_in_force:,}원 중 {approved_total:,}원: "
                    "{from_share}% 미만이라 안내 없음",
                ),
            },
            Value("micropayment_usage_notice", "from_share", "last_day"),
        ),
    ),
    changes=(
        _COLLECT,
        Change(
            "price",
            "micropayment_if_priced",
            {"micropayments": "micropayment_if_priced_payments"},
            {
                "more": Sentence("{difference:,} won more", "{difference:,}원 더 비쌌다면"),
                "less": Sentence("{difference:,} won less", "{difference:,}원 덜 비쌌다면"),
            },
        ),
        Change(
            "limit",
            "micropayment_if_raised",
            {"limit_requests": "micropayment_if_raised_requests"},
            {
                "": Sentence(
                    "a request for a limit of {requested_limit:,} won before it, {short:,} more",
                    "사전에 한도 {requested_limit:,}원({short:,}원 증액)을 신청했다면",
                )
            },
        ),
        Change(
            "service",
            "micropayment_if_in_service",
            {"subscriptions": "micropayment_if_in_service_subscriptions"},
            {
                "before": Sentence(
                    "opened {days:,} days earlier, on {on_day}", "{days:,}일 먼저 개통되었다면"
                ),
                "closed": Sentence("not closed on {closed_on}", "{closed_on}에 해지되지 않았다면"),
            },
        ),
    ),
)
_REQUEST: Final = Sentence(
    "{request_id} of {requested_at}, a limit of {requested_limit:,} won",
    "{request_id}({requested_at}) 한도 {requested_limit:,}원 신청",
)
LIMIT: Final = Kind(
    name="limit",
    help="Why a request for another micropayment limit was approved or refused (M1, M2, M4).",
    example="--id L0000180-24190",
    about="subscription_id",
    asks=("id",),
    optional=("month",),
    table="limit_results",
    id="request_id",
    ids=_ids,
    dues=_dues,
    staged={"billing": "limit_overdue_months"},
    answer="limit_answer",
    told_of_changes=("status", "reason"),
    sentences={
        "approved": Sentence(
            f"{_REQUEST.en}, was approved; before it was {{limit_before:,}}",
            f"{_REQUEST.ko} 승인; 이전 한도 {{limit_before:,}}원",
        ),
        **with_reasons(
            Sentence(
                f"{_REQUEST.en}, was refused ({{reason}})", f"{_REQUEST.ko} 거절 ({{reason}})"
            ),
            REFUSED,
        ),
    },
    steps=(
        _SUBSCRIPTION,
        _SET_BY,
        _CLASS,
        Step(
            "limit_request_within",
            {
                "within": Sentence(
                    "passed: {requested_limit:,} won is not above the limit in force, "
                    "{limit_in_force:,}: approved without a review",
                    "통과: {requested_limit:,}원은 현재 한도 {limit_in_force:,}원 이하: 심사 없이 "
                    "승인",
                ),
                "above": Sentence(
                    "{requested_limit:,} won is above the limit in force, {limit_in_force:,}: "
                    "reviewed",
                    "{requested_limit:,}원은 현재 한도 {limit_in_force:,}원 초과: 심사 대상",
                ),
            },
        ),
        Step(
            "limit_request_eligible",
            {
                "any": Sentence(
                    "passed: a {plan_class} plan may ask for any limit",
                    "통과: {plan_class} 요금제는 한도 제한 없이 신청 가능",
                ),
                "standard": Sentence(
                    "passed: {requested_limit:,} won is not above the standard limit, "
                    "{standard_limit:,}, up to which a {plan_class} plan may ask",
                    "통과: {plan_class} 요금제가 신청할 수 있는 기본 한도 {standard_limit:,}원 "
                    "이하",
                ),
                "above_standard": Sentence(
                    "failed: a {plan_class} plan may ask for its standard limit, "
                    "{standard_limit:,} won at credit grade {credit_grade}, and for no more",
                    "미통과: {plan_class} 요금제는 신용등급 {credit_grade} 기본 한도 "
                    "{standard_limit:,}원까지만 신청 가능",
                ),
                "nothing": Sentence(
                    "failed: a {plan_class} plan may ask for no limit above the one in force",
                    "미통과: {plan_class} 요금제는 한도 증액 신청 불가",
                ),
            },
            Value("micropayment_plan_classes", "may_ask", "on_day", {"plan_class": "plan_class"}),
        ),
        _ARREARS,
        _BILLS,
        Step(
            "limit_request_grade",
            {
                "enough": Sentence(
                    "passed: credit grade {credit_grade}; from {refused_from_grade} on more than "
                    "the standard limit of {standard_limit:,} won is not granted",
                    "통과: 신용등급 {credit_grade}; {refused_from_grade}등급부터는 기본 한도 "
                    "{standard_limit:,}원 초과 불가",
                ),
                "standard": Sentence(
                    "passed: not above the standard limit of {standard_limit:,} won, whatever the "
                    "credit grade",
                    "통과: 기본 한도 {standard_limit:,}원 이하라 신용등급 무관",
                ),
                "too_low": Sentence(
                    "failed: credit grade {credit_grade}; from {refused_from_grade} on more than "
                    "the standard limit of {standard_limit:,} won is not granted",
                    "미통과: 신용등급 {credit_grade}; {refused_from_grade}등급부터는 기본 한도 "
                    "{standard_limit:,}원 초과 불가",
                ),
            },
            Value("micropayment_raise_grades", "refused_from_grade", "on_day"),
        ),
        Step(
            "limit_request_maximum",
            {
                "within": Sentence(
                    "passed: {over:,} won below the greatest limit, {greatest_limit:,}",
                    "통과: 최대 한도 {greatest_limit:,}원까지 {over:,}원 남음",
                ),
                "above": Sentence(
                    "failed: {short:,} won above the greatest limit, {greatest_limit:,}",
                    "미통과: 최대 한도 {greatest_limit:,}원을 {short:,}원 초과",
                ),
            },
            Value("micropayment_ceiling", "greatest_limit", "on_day"),
        ),
    ),
    changes=(
        _COLLECT,
        Change(
            "less",
            "limit_request_if_less",
            {"limit_requests": "limit_request_if_less_requests"},
            {
                "": Sentence(
                    "a limit of {requested_limit:,} won, {difference:,} less",
                    "{difference:,}원 적은 {requested_limit:,}원을 신청했다면",
                )
            },
        ),
        Change(
            "grade",
            "limit_request_if_graded",
            {
                "subscriptions": "limit_request_if_graded_subscriptions",
                "subscriptions_history": "limit_request_if_graded_history",
            },
            {
                "": Sentence(
                    "credit grade {better_grade} instead of {credit_grade}",
                    "신용등급이 {credit_grade}이 아니라 {better_grade}이었다면",
                )
            },
        ),
    ),
)
KINDS: Final = (MICROPAYMENT, LIMIT)
