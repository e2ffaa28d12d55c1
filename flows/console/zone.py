"""The time zone in which Pointbook schedules and tells times."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = "Asia/Seoul"
KOREA: Final = ZoneInfo(ZONE)
