"""The Korean words for codes: those that exports declare, and those of published tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schemas.exports import EXPORTS
from schemas.reasons import MEANINGS

_OF_TABLES: Final = {
    "general": "일반",
    "white": "화이트",
    "silver": "실버",
    "gold": "골드",
    "vip": "VIP",
    "accepted": "승인",
    "rejected": "거절",
    "approved": "승인",
    "declined": "거절",
    "refused": "거절",
    "none": "없음",
    "platinum": "플래티넘",
    "delivered": "전달된 값",
    "published": "공시",
    "great_circle": "대권",
    "region": "지역",
    "distance": "거리",
    "domestic": "국내선",
    "northeast_asia": "동북아시아",
    "southeast_asia": "동남아시아",
    "southwest_asia": "서남아시아",
    "americas_europe_oceania": "미주·유럽·대양주",
    "flight": "탑승 적립",
    "award": "보너스",
    "mixed_payment": "복합결제",
    "expiry": "소멸",
    "diamond": "다이아몬드",
    "validity": "유효기간 만료",
    "inactivity": "미이용",
    "policy_change": "정책 변경",
    "terms": "약관",
    "extension": "연장",
    "credit": "적립 시 지정",
}


def _declared() -> dict[str, str]:
    """The labels of every enumeration of the exports, by code."""
    return {
        str(code): str(label)
        for export in EXPORTS.values()
        for column in export.columns.values()
        if isinstance(labels := column.metadata.get("labels"), dict)
        for code, label in labels.items()
    }


KOREAN: Final[Mapping[str, str]] = {
    **_declared(),
    **{code: meaning.ko for code, meaning in MEANINGS.items()},
    **_OF_TABLES,
}
"""By code its Korean word."""
