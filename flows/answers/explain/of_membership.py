"""Questions about membership: the tier of a year (T1 to T7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flows.answers.explain.declaration import Asked, Change, Due, Kind, Sentence, Step, Value
from flows.commands.tiers import COMMAND as TIERS
from flows.publishing.run import Context


def _dues(_context: Context, asked: Asked) -> Sequence[Due]:
    assert asked.year is not None
    return [(TIERS, asked.year)]


TIER: Final = Kind(
    name="tier",
    help="Why a customer has a tier in a membership year (T1-T7).",
    example="--customer C0000194 --year 2018",
    about="customer_id",
    asks=("customer", "year"),
    table="tier_snapshot",
    dues=_dues,
    answer="tier",
    told_of_changes=("tier", "fee_tier"),
    sentences={
        "assessed": Sentence(
            "{customer_id} is {tier} in {membership_year} "
            "(assessed {assessed_on} over {window_from} … {window_to})",
            "{customer_id}의 {membership_year}년 등급은 {tier} "
            "(산정일 {assessed_on}, 산정기간 {window_from} … {window_to})",
        ),
        "not_assessed": Sentence(
            "{customer_id} has no tier in {membership_year}: {reason} on {assessed_on}; "
            "{annual_fee:,} won collected on counting lines of {window_from} … {window_to}",
            "{customer_id}은(는) {membership_year}년 등급 없음: {assessed_on} 기준 {reason}; "
            "{window_from} … {window_to} 인정 항목 수납액 {annual_fee:,}원",
        ),
    },
    steps=(
        Step(
            "tier_fees",
            {
                "": Sentence(
                    "{outcome:,} won collected on {counting_lines:,} counting lines of {lines:,}; "
                    "{billed_amount:,} billed on them",
                    "{lines:,}개 항목 중 인정 {counting_lines:,}개: 수납 {outcome:,}원, "
                    "청구 {billed_amount:,}원",
                )
            },
        ),
        Step(
            "tier_items",
            {
                "counts": Sentence(
                    "{product:<9} {charge_item:<20} {lines:>4,}   {billed_amount:>11,} billed "
                    "{collected_amount:>11,} collected",
                    "{product} {charge_item} {lines:,}건: 청구 {billed_amount:,} "
                    "수납 {collected_amount:,}",
                ),
                "other": Sentence(
                    "not counting: {product} {charge_item} {lines:,} "
                    "({collected_amount:,} won collected)",
                    "미인정: {product} {charge_item} {lines:,}건 (수납 {collected_amount:,}원)",
                ),
            },
            detail=True,
            most=20,
        ),
        Step(
            "tier_lines",
            {
                "counts": Sentence(
                    "{billing_month} {billing_line_id} revision {revision} delivery {delivery}: "
                    "{product} {charge_item}, {billed_amount:,} billed, "
                    "{collected_amount:,} collected",
                    "{billing_month} {billing_line_id} 정정차수 {revision} 전달 {delivery}: "
                    "{product} {charge_item}, 청구 {billed_amount:,}, 수납 {collected_amount:,}",
                ),
                "other": Sentence(
                    "{billing_month} {billing_line_id} revision {revision} delivery {delivery}: "
                    "{product} {charge_item} does not count, {billed_amount:,} billed, "
                    "{collected_amount:,} collected",
                    "{billing_month} {billing_line_id} 정정차수 {revision} 전달 {delivery}: "
                    "{product} {charge_item} 미인정, 청구 {billed_amount:,}, "
                    "수납 {collected_amount:,}",
                ),
            },
            detail=True,
            most=0,
        ),
        Step(
            "tier_by_fee",
            {
                "between": Sentence(
                    "{outcome} from {from_fee:,} ({over:,} over); {next_tier} from "
                    "{next_value:,} ({next_short:,} short)",
                    "{from_fee:,}원 이상 {outcome} ({over:,}원 초과); {next_value:,}원 이상 "
                    "{next_tier} ({next_short:,}원 부족)",
                ),
                "lowest": Sentence(
                    "{outcome} below {next_value:,}, from which on it is {next_tier} "
                    "({next_short:,} short)",
                    "{next_value:,}원 미만 {outcome}; {next_tier}까지 {next_short:,}원 부족",
                ),
                "highest": Sentence(
                    "{outcome} from {from_fee:,} ({over:,} over), the highest",
                    "{from_fee:,}원 이상 {outcome} ({over:,}원 초과), 최고 등급",
                ),
            },
            Value("tier_thresholds", "from_fee", "assessed_on", {"tier": "outcome"}),
        ),
        Step(
            "tier_by_tenure",
            {
                "lifted": Sentence(
                    "{tenure_years} full years since {joined_on}; {years_needed} lift "
                    "{from_tier} to {to_tier}",
                    "{joined_on} 가입, 만 {tenure_years}년; {years_needed}년 이상이면 "
                    "{from_tier}에서 {to_tier}로 승급",
                ),
                "other_tier": Sentence(
                    "{tenure_years} full years since {joined_on}; {years_needed} lift "
                    "{from_tier} to {to_tier}: not {from_tier}",
                    "{joined_on} 가입, 만 {tenure_years}년; {years_needed}년 이상이면 "
                    "{from_tier}에서 {to_tier}로 승급: {from_tier} 아님",
                ),
                "too_short": Sentence(
                    "{tenure_years} full years since {joined_on}; {years_needed} lift "
                    "{from_tier} to {to_tier}: reached on {reached_on}",
                    "{joined_on} 가입, 만 {tenure_years}년; {years_needed}년 이상이면 "
                    "{from_tier}에서 {to_tier}로 승급: {reached_on} 도달",
                ),
            },
            Value("tier_upgrade", "tenure_years", "assessed_on", {"from_tier": "from_tier"}),
        ),
    ),
    changes=(
        Change(
            "more",
            "tier_if_more",
            {"billing": "tier_if_more_billing"},
            {"": Sentence("{amount:,} won more", "{amount:,}원 더 수납되면")},
        ),
        Change(
            "less",
            "tier_if_less",
            {"billing": "tier_if_less_billing"},
            {"": Sentence("{amount:,} won less", "{amount:,}원 덜 수납되면")},
        ),
        Change(
            "tenure",
            "tier_if_longer",
            {"customers_spans": "tier_if_longer_spans"},
            {
                "": Sentence(
                    "{years_needed} full years, reached on {reached_on}, {days:,} days later",
                    "만 {years_needed}년({reached_on}, {days:,}일 뒤)이면",
                )
            },
        ),
        Change(
            "collect",
            "tier_if_collected",
            {"billing": "tier_if_collected_billing"},
            {
                "one_month": Sentence(
                    "{amount:,} won on {lines:,} counting lines of {first_month} were billed and "
                    "not collected; collected, they give",
                    "{first_month} 인정 항목 {lines:,}건의 미수납 {amount:,}원이 수납되면",
                ),
                "months": Sentence(
                    "{amount:,} won on {lines:,} counting lines of {first_month} … {last_month} "
                    "were billed and not collected; collected, they give",
                    "{first_month} … {last_month} 인정 항목 {lines:,}건의 미수납 {amount:,}원이 "
                    "수납되면",
                ),
            },
        ),
    ),
)
KINDS: Final = (TIER,)
