"""Policy folders: what is read from them, and that everything wrong is told at once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from jsonschema import Draft202012Validator

from schemas import policy as declarations
from schemas.columns import DATE, INT64, TEXT, column, one_of
from schemas.periods import Period
from schemas.policy import POLICIES
from transforms.policies.assessment import assessment, grant
from transforms.policies.policy import Policies, PolicyError

SHIPPED = Path(__file__).parents[2] / "data" / "policies" / "as_announced"
Edit = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped policies, to be changed."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "policies"))


@pytest.fixture
def edit(folder: Path) -> Edit:
    def replace(name: str, *changes: tuple[str, str]) -> Path:
        """Changes the text of one policy file, each passage once."""
        path = folder / f"{name}.yaml"
        text = path.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        path.write_text(text, encoding="utf-8")
        return folder

    return replace


def write_rows(folder: Path, name: str, rows: list[dict[str, object]]) -> None:
    """A policy file with these rows; each needs no unit or source of its own."""
    common = {"unit": POLICIES[name].unit, "source": "assumption: a test"}
    document = {
        "policy": name,
        "title": "a test",
        "rules": ["T1"],
        "read_on": POLICIES[name].read_on,
        "note": "a test",
        "values": [row | common for row in rows],
    }
    text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def errors(folder: Path) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        Policies.load(folder)
    assert str(caught.value) == "\n".join(caught.value.errors)
    return caught.value.errors


def threshold(
    tier: str, from_fee: object, since: str, until: str | None = None
) -> dict[str, object]:
    return {"tier": tier, "from_fee": from_fee, "valid_from": since, "valid_to": until}


# What is shipped


def test_the_shipped_policies_are_valid() -> None:
    Policies.load(SHIPPED)


def test_the_shipped_policies_hold_the_numbers_of_the_rules() -> None:
    policies, on = Policies.load(SHIPPED), date(2016, 11, 1)
    fees = {row["tier"]: row["from_fee"] for row in policies.in_force("tier_thresholds", on)}
    assert fees == {
        "general": 0,
        "white": 200_000,
        "silver": 400_000,
        "gold": 600_000,
        "vip": 1_000_000,
    }
    points = {row["tier"]: row["points"] for row in policies.in_force("point_grant_amounts", on)}
    assert points == {
        "general": 0,
        "white": 50_000,
        "silver": 70_000,
        "gold": 100_000,
        "vip": 120_000,
    }
    (upgrade,) = policies.in_force("tier_upgrade", on)
    assert (upgrade["from_tier"], upgrade["to_tier"], upgrade["tenure_years"]) == ("gold", "vip", 6)
    lines = policies.in_force("tier_lines", on)
    assert sorted((row["product"], row["charge_item"]) for row in lines if row["counts"]) == [
        ("internet", "service_fee"),
        ("iptv", "basic_service_fee"),
        ("landline", "base_fee"),
        ("landline", "domestic_call"),
        ("mobile", "base_fee"),
        ("mobile", "data_call"),
        ("mobile", "domestic_call"),
        ("voip", "base_fee"),
        ("voip", "domestic_call"),
        ("wibro", "base_fee"),
    ]


def test_membership_year_2017_is_assessed_over_november_2015_to_october_2016() -> None:
    found = assessment(Policies.load(SHIPPED), Period(2017))
    assert found.assessed_on == date(2016, 11, 1)
    months = [str(month) for month in found.months]
    assert (months[0], months[-1], len(months)) == ("2015-11", "2016-10", 12)
    assert months[1:3] == ["2015-12", "2016-01"]


def test_the_points_of_2017_last_from_new_year_to_new_years_eve() -> None:
    found = grant(Policies.load(SHIPPED), Period(2017))
    assert (found.granted_on, found.expires_on) == (date(2017, 1, 1), date(2017, 12, 31))


@pytest.mark.parametrize("name", POLICIES)
def test_every_declaration_makes_a_valid_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(POLICIES[name].json_schema)


# Relations and dates


def test_a_relation_has_keys_values_dates_unit_and_source_in_their_types() -> None:
    relation = Policies.load(SHIPPED).relation("tier_thresholds")
    assert relation.schema == pa.schema(
        {
            "tier": pa.string(),
            "from_fee": pa.int64(),
            "valid_from": pa.date32(),
            "valid_to": pa.date32(),
            "unit": pa.string(),
            "source": pa.string(),
        }
    )
    assert relation.num_rows == 5


def white_from_2019(edit: Edit) -> Policies:
    """ "White starts at 250,000 from 2019": one row ends, one begins."""
    row = "from_fee: 200000\n    valid_from: 0001-01-01\n    valid_to: null\n"
    ended = row.replace("null", "2019-01-01") + '    unit: KRW\n    source: "S0"\n'
    begun = (
        "  - tier: white\n    from_fee: 250_000\n    valid_from: 2019-01-01\n    valid_to: null\n"
    )
    return Policies.load(edit("tier_thresholds", (row, ended + begun)))


@pytest.mark.parametrize(
    ("on", "from_fee"),
    [(date(2018, 12, 31), 200_000), (date(2019, 1, 1), 250_000), (date(2019, 1, 2), 250_000)],
)
def test_a_change_holds_from_its_first_day_on(edit: Edit, on: date, from_fee: int) -> None:
    rows = white_from_2019(edit).in_force("tier_thresholds", on)
    assert [row["from_fee"] for row in rows if row["tier"] == "white"] == [from_fee]


def test_the_policies_used_are_named_with_the_day_that_their_version_began(edit: Edit) -> None:
    policies = white_from_2019(edit)
    names = ["tier_upgrade", "tier_thresholds"]
    before = "tier_thresholds@0001-01-01 tier_upgrade@0001-01-01"
    assert policies.used(names, date(2018, 12, 31)) == before
    assert policies.used(names, date(2019, 11, 1)) == before.replace("0001", "2019", 1)


def test_a_version_also_begins_where_a_row_ends(folder: Path) -> None:
    write_rows(
        folder,
        "tier_thresholds",
        [
            threshold("general", 0, "2000-01-01"),
            threshold("vip", 500, "2000-01-01", "2018-07-01"),
            threshold("vip", None, "2018-07-01"),
        ],
    )
    used = Policies.load(folder).used(["tier_thresholds"], date(2019, 1, 1))
    assert used == "tier_thresholds@2018-07-01"


def test_the_fingerprint_follows_the_values_in_force_and_nothing_else(
    edit: Edit, folder: Path
) -> None:
    names, before = ["tier_thresholds"], Policies.load(folder)
    edit("tier_thresholds", ("note: >", "note: >\n  Reworded."), ('source: "S0', 'source: "cf. S0'))
    reworded = Policies.load(folder)
    assert reworded.digest != before.digest
    on = date(2018, 11, 1)
    assert reworded.fingerprint(names, on) == before.fingerprint(names, on)
    edit("tier_thresholds", ("from_fee: 200000", "from_fee: 200001"))
    assert Policies.load(folder).fingerprint(names, on) != before.fingerprint(names, on)


def test_a_later_change_leaves_an_earlier_fingerprint_alone(edit: Edit, folder: Path) -> None:
    before = Policies.load(folder)
    policies = white_from_2019(edit)
    earlier, later = date(2017, 11, 1), date(2018, 11, 1)
    names = ["tier_thresholds"]
    assert policies.fingerprint(names, earlier) == before.fingerprint(names, earlier)
    assert policies.fingerprint(names, earlier) == policies.fingerprint(names, later)
    assert policies.fingerprint(names, later) != policies.fingerprint(names, date(2019, 11, 1))


def test_the_digest_does_not_depend_on_comments_or_layout(edit: Edit, folder: Path) -> None:
    before = Policies.load(folder).digest
    edit("tier_upgrade", ("values:", "# a comment\nvalues:"))
    assert Policies.load(folder).digest == before


def test_a_day_without_a_policy_is_an_error_that_names_policy_and_day(folder: Path) -> None:
    write_rows(folder, "tier_thresholds", [threshold("general", 0, "2000-01-01", "2010-01-01")])
    policies = Policies.load(folder)
    for on in (date(1999, 12, 31), date(2010, 1, 1)):
        with pytest.raises(PolicyError, match=rf"tier_thresholds.*{on}"):
            policies.in_force("tier_thresholds", on)
        with pytest.raises(PolicyError, match=rf"tier_thresholds.*{on}"):
            policies.used(["tier_thresholds"], on)
        with pytest.raises(PolicyError, match=rf"tier_thresholds.*{on}"):
            policies.fingerprint(["tier_thresholds"], on)
    assert policies.in_force("tier_thresholds", date(2009, 12, 31))


def test_null_ends_a_key_until_it_is_taken_up_again(folder: Path) -> None:
    write_rows(
        folder,
        "tier_thresholds",
        [
            threshold("general", 0, "2000-01-01"),
            threshold("white", 100, "2000-01-01", "2010-01-01"),
            threshold("white", None, "2010-01-01", "2011-01-01"),
            threshold("white", 200, "2011-01-01"),
        ],
    )
    policies = Policies.load(folder)
    assert [row["tier"] for row in policies.in_force("tier_thresholds", date(2010, 6, 1))] == [
        "general"
    ]
    assert len(policies.in_force("tier_thresholds", date(2011, 1, 1))) == 2
    assert policies.relation("tier_thresholds").num_rows == 3


# Dates of a membership year


def terms(month: int, day: int, since: str, until: str | None = None) -> dict[str, object]:
    return {
        "month": month,
        "day": day,
        "years_before": 1,
        "window_months": 12,
        "last_month_before": 1,
        "valid_from": since,
        "valid_to": until,
    }


def test_a_membership_year_is_assessed_by_the_row_in_force_on_the_day_that_it_gives(
    folder: Path,
) -> None:
    write_rows(
        folder,
        "tier_assessment",
        [terms(11, 1, "0001-01-01", "2018-01-01"), terms(12, 1, "2018-01-01")],
    )
    policies = Policies.load(folder)
    assert assessment(policies, Period(2018)).assessed_on == date(2017, 11, 1)
    assert assessment(policies, Period(2019)).assessed_on == date(2018, 12, 1)
    assert assessment(policies, Period(2019)).months[-1] == Period(2018, 11)


def test_a_membership_year_that_no_row_assesses_is_an_error(folder: Path) -> None:
    write_rows(folder, "tier_assessment", [terms(11, 1, "2015-01-01")])
    policies = Policies.load(folder)
    assert assessment(policies, Period(2016)).assessed_on == date(2015, 11, 1)
    with pytest.raises(PolicyError, match=r"tier_assessment.*membership year 2015"):
        assessment(policies, Period(2015))


def test_a_membership_year_that_two_rows_assess_is_an_error(folder: Path) -> None:
    write_rows(
        folder,
        "tier_assessment",
        [terms(3, 1, "0001-01-01", "2018-07-01"), terms(11, 1, "2018-07-01")],
    )
    with pytest.raises(PolicyError, match="2018-03-01 and 2018-11-01"):
        assessment(Policies.load(folder), Period(2019))


def test_the_29th_of_february_is_the_28th_where_a_year_has_none(folder: Path) -> None:
    write_rows(folder, "tier_assessment", [terms(2, 29, "0001-01-01")])
    policies = Policies.load(folder)
    assert assessment(policies, Period(2017)).assessed_on == date(2016, 2, 29)
    assert assessment(policies, Period(2018)).assessed_on == date(2017, 2, 28)


# What is refused


@pytest.mark.parametrize(("month", "day"), [("2", "30"), ("4", "31")])
def test_a_day_that_no_year_has_is_refused(edit: Edit, month: str, day: str) -> None:
    changes = (
        ("expiry_month: 12", f"expiry_month: {month}"),
        ("expiry_day: 31", f"expiry_day: {day}"),
    )
    (error,) = errors(edit("point_credit_terms", *changes))
    assert error.startswith("point_credit_terms.yaml: row 1 (kind payment): ")
    assert f"expiry_month {month} and expiry_day {day} are no day of any year" in error


def test_a_key_that_just_ends_while_others_go_on_is_refused(folder: Path) -> None:
    since = "0001-01-01"
    rows = [
        threshold("general", 0, since),
        threshold("white", 200_000, since, "2018-11-01"),
        *(threshold(tier, fee, since) for tier, fee in (("silver", 4), ("gold", 6), ("vip", 9))),
    ]
    for number, row in enumerate(rows[2:]):
        row["from_fee"] = 400_000 + number
    write_rows(folder, "tier_thresholds", rows)
    (error,) = errors(folder)
    assert error.startswith("tier_thresholds.yaml: row 2 (tier white): ends on 2018-11-01")
    write_rows(folder, "tier_thresholds", [*rows, threshold("white", None, "2018-11-01")])
    assert len(Policies.load(folder).in_force("tier_thresholds", date(2019, 1, 1))) == 4


def test_a_file_says_which_day_reads_it(edit: Edit) -> None:
    told = "the assessment date, 1 November before the year"
    (error,) = errors(edit("tier_thresholds", (told, "the first day of the year")))
    assert error == (
        f'tier_thresholds.yaml: read_on: "the first day of the year" is not {told}; write {told}'
    )


def test_everything_wrong_in_every_file_is_told_at_once(edit: Edit, folder: Path) -> None:
    edit("tier_upgrade", ("    tenure_years: 6\n", "    tenure_years: six\n    tenur: 6\n"))
    edit("tier_thresholds", ("from_fee: 400000", "from_fee: 200000"), ("title:", "titel:"))
    edit("point_grant_terms", ('    source: "', '    sauce: "'))
    edit("tier_completeness", ("values:", "values: ["))
    (folder / "tier_lines.yaml").unlink()
    (folder / "tiers.yaml").write_text("policy: tiers\n", encoding="utf-8")
    found = errors(folder)
    for expected in (
        "tiers.yaml: not a policy that Pointbook knows",
        "tier_lines.yaml: missing",
        "tier_completeness.yaml: not YAML (line ",
        'tier_upgrade.yaml: row 1 (from_tier gold): tenure_years: "six" is not of the type integer',
        "tier_upgrade.yaml: row 1 (from_tier gold): unknown key tenur",
        "tier_thresholds.yaml: unknown key titel",
        "tier_thresholds.yaml: title is missing",
        "tier_thresholds.yaml: row 3 (tier silver): from 0001-01-01 from_fee 200000 is the same as",
        "point_grant_terms.yaml: row 1: unknown key sauce",
        "point_grant_terms.yaml: row 1: source is missing",
    ):
        assert sum(line.startswith(expected) for line in found) == 1, expected
    assert len(found) == 10
    assert not any("\n" in line for line in found)


def test_aliases_are_refused_before_they_are_expanded(folder: Path, edit: Edit) -> None:
    lines = ["policy: tiers", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (folder / "tier_upgrade.yaml").write_text("\n".join(lines), encoding="utf-8")
    edit("tier_thresholds", ("note: >\n", "note: >\n  2 * 3,\n"))
    told = "tier_upgrade.yaml: line 3: *a0 stands for what is written elsewhere; write it out"
    assert errors(folder) == [told]


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("tier_upgrade", ("unit: years", "unit: months"), 'unit: "months" is not years'),
        ("tier_upgrade", ("policy: tier_upgrade", "policy: tiers"), '"tiers" is not tier_upgrade'),
        (
            "tier_upgrade",
            ("from_tier: gold", "from_tier: golden"),
            '"golden" is not one of general',
        ),
        ("tier_upgrade", ("tenure_years: 6", "tenure_years: -1"), "-1 is too low; give 0 or more"),
        ("tier_upgrade", ("tenure_years: 6", "tenure_years: 6.5"), "not of the type integer"),
        ("tier_upgrade", ("tenure_years: 6", 'tenure_years: "6"'), "not of the type integer"),
        ("tier_upgrade", ("tenure_years: 6", "tenure_years: null"), "null beside other values"),
        ("tier_upgrade", ("valid_to: null", "valid_to: 2019-02-30"), "write it as YYYY-MM-DD"),
        ("tier_upgrade", ("valid_to: null", "valid_to: 2019"), "is not of the type string or null"),
        ("tier_upgrade", ("    valid_to: null\n", ""), "valid_to is missing"),
        ("tier_upgrade", ("valid_to: null", "valid_to: 0001-01-01"), "is not after valid_from"),
        ("tier_upgrade", ("rules: [T5]", "rules: []"), "rules: empty; give at least one"),
        (
            "tier_upgrade",
            ("tenure_years: 6", "tenure_years: 6\n    tenure_years: 7"),
            "given twice",
        ),
        ("tier_assessment", ("month: 11", "month: 13"), "13 is too high; give 12 or less"),
        ("tier_lines", ("counts: true", "counts: 1"), "1 is not of the type boolean or null"),
        ("point_grant_amounts", ("tier: silver", "tier: gold"), "still holds (overlap)"),
        ("point_grant_amounts", ("tier: silver", "tier: gold"), "no row for tier silver from"),
        ("tier_thresholds", ("from_fee: 0", "from_fee: 1"), "the lowest from_fee is 1; start at 0"),
        ("tier_thresholds", ("from_fee: 600000", "from_fee: 300000"), "is below that of row 3"),
    ],
)
def test_a_file_is_refused_with_the_reason(
    edit: Edit, name: str, change: tuple[str, str], told: str
) -> None:
    found = errors(edit(name, change))
    assert any(line.startswith(f"{name}.yaml: ") and told in line for line in found), found


def test_a_source_that_says_nothing_is_refused(folder: Path) -> None:
    path = folder / "tier_completeness.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["values"][0]["source"] = "  "
    document["values"][0]["valid_from"] = "0001-01-01"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    assert errors(folder) == ["tier_completeness.yaml: row 1: source: empty; write something"]


def test_a_gap_within_a_key_is_refused(folder: Path) -> None:
    write_rows(
        folder,
        "tier_thresholds",
        [
            threshold("general", 0, "2000-01-01"),
            threshold("white", 100, "2000-01-01", "2010-01-01"),
            threshold("white", 200, "2010-01-02"),
        ],
    )
    (told,) = errors(folder)
    assert told.startswith("tier_thresholds.yaml: row 3 (tier white): begins on 2010-01-02")
    assert "(gap)" in told


def test_rows_that_touch_are_neither_gap_nor_overlap(folder: Path) -> None:
    write_rows(
        folder,
        "tier_thresholds",
        [
            threshold("general", 0, "2000-01-01", "2010-01-01"),
            threshold("general", 0, "2010-01-01"),
        ],
    )
    Policies.load(folder)


def test_an_overlap_of_one_day_is_refused(folder: Path) -> None:
    write_rows(
        folder,
        "tier_thresholds",
        [
            threshold("general", 0, "2000-01-01", "2010-01-02"),
            threshold("general", 0, "2010-01-01"),
        ],
    )
    (told,) = errors(folder)
    assert "row 2 (tier general): begins on 2010-01-01, when row 1 still holds (overlap)" in told


def test_a_threshold_list_is_checked_on_every_day_that_it_changes(folder: Path) -> None:
    write_rows(
        folder,
        "tier_thresholds",
        [
            threshold("general", 0, "2000-01-01", "2010-01-01"),
            threshold("white", 100, "2000-01-01"),
            threshold("general", None, "2010-01-01"),
        ],
    )
    (told,) = errors(folder)
    assert told.startswith("tier_thresholds.yaml: row 2 (tier white): from 2010-01-01 the lowest")


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert errors(tmp_path / "none") == [
        f"{tmp_path / 'none'}: no such policy folder; name a folder with --policies"
    ]


def test_an_empty_folder_lacks_every_policy(tmp_path: Path) -> None:
    assert [line.split(":")[0] for line in errors(tmp_path)] == [f"{n}.yaml" for n in POLICIES]


@pytest.mark.parametrize("content", [b"", b"- 1\n- 2\n", b"just text", b"values: 3\n"])
def test_a_file_of_another_shape_is_refused(folder: Path, content: bytes) -> None:
    (folder / "tier_upgrade.yaml").write_bytes(content)
    assert all(line.startswith("tier_upgrade.yaml: ") for line in errors(folder))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a: [1\nb: }", b"a: *\n", b"\x00"])
def test_a_file_that_is_not_yaml_is_refused_in_one_line(folder: Path, content: bytes) -> None:
    (folder / "tier_upgrade.yaml").write_bytes(content)
    (told,) = errors(folder)
    assert told.startswith("tier_upgrade.yaml: not ")
    assert "\n" not in told


def test_a_readme_beside_the_policies_is_left_alone(folder: Path) -> None:
    (folder / "README.md").write_text("Our policies.", encoding="utf-8")
    Policies.load(folder)


# A further policy is a declaration and a file


def test_a_further_policy_with_decimals_dates_and_nulls_takes_a_declaration_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decimal = pa.decimal128(5, 2)
    chart = declarations._policy(
        "chart",
        "A chart of prices",
        unit="miles",
        read_on="the day of the request",
        keys={"cabin": column(TEXT, "Cabin", checks=[one_of(["economy", "first"])])},
        values={
            "factor": column(decimal, "Multiple"),
            "most": column(INT64, "Limit", nullable=True),
            "announced_on": column(DATE, "Announcement", nullable=True),
        },
    )
    monkeypatch.setitem(POLICIES, "chart", chart)
    since = {"valid_from": "2021-04-01", "valid_to": None}
    rows: list[dict[str, object]] = [
        {"cabin": "economy", "factor": 1, "most": None, "announced_on": "2019-12-13"} | since,
        {"cabin": "first", "factor": 1.5, "most": 3, "announced_on": None} | since,
    ]
    write_rows(folder, "chart", rows)
    relation = Policies.load(folder).relation("chart")
    assert relation.field("factor").type == pa.decimal128(5, 2)
    assert relation.drop(["unit", "source"]).to_pylist() == [
        {
            "cabin": "economy",
            "factor": Decimal("1.00"),
            "most": None,
            "announced_on": date(2019, 12, 13),
            "valid_from": date(2021, 4, 1),
            "valid_to": None,
        },
        {
            "cabin": "first",
            "factor": Decimal("1.50"),
            "most": 3,
            "announced_on": None,
            "valid_from": date(2021, 4, 1),
            "valid_to": None,
        },
    ]
    write_rows(folder, "chart", [rows[0] | {"factor": 1.555}, rows[1] | {"factor": 1000}])
    assert [line.split(": ")[2] for line in errors(folder)] == ["factor", "factor"]
