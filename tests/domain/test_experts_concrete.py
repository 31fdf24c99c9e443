"""N1 to N4: what texts say of concrete, and what the standards' tables make of that."""

import pytest

from domain.experts.exposures import CLASSES, NORMAL, TABLES, required
from domain.experts.mixes import Mix, read_mixes
from domain.experts.settings import AuditSettings
from domain.position import Position
from tests.domain.lines import finding, line, outcome

WALLS = "Nosné stěny ze železobetonu"


def concrete(text: str, *notes: str, number: int = 1, unit: str = "m3") -> Position:
    return line(number, code="311321611", description=text, unit=unit, notes=notes)


@pytest.mark.parametrize(
    ("text", "mixes"),
    [
        ("Základové pasy z betonu tř. C 16/20", [Mix("C16/20", sure=False)]),
        ("beton C25/30 XC2, XF1", [Mix("C25/30", ("XC2", "XF1"))]),
        ("beton C30/37 - XF4, XD3 (CZ, F.1)", [Mix("C30/37", ("XF4", "XD3"))]),
        ("C20/25nXF3", [Mix("C20/25", ("XF3",))]),
        ("Beton pro prostředí XF4 třídy C30/37", [Mix("C30/37", ("XF4",), sure=False)]),
        ("lehký beton LC 16/18 XC1", [Mix("LC16/18", ("XC1",))]),
        ("beton C -/7,5", [Mix("C-/7.5", sure=False)]),
        ("ŘÍMSY DO C30/37, beton C35/45 XF 4", [Mix("C30/37"), Mix("C35/45", ("XF4",))]),
        ("Stahlbetonwände C30/37, 24cm", [Mix("C30/37", sure=False)]),
        ("směs stmelená cementem SC 0/32 C8/10", []),
        ("Trubka DN 100", []),
    ],
)
def test_classes_and_exposures_are_read_as_they_are_written(text: str, mixes: list[Mix]) -> None:
    assert list(read_mixes(text, ()).mixes) == mixes


def test_an_exposure_that_is_said_of_mortar_is_not_tied_to_the_concrete_beside_it() -> None:
    text = "obrubník do lože C20/25n, spárování cementovou maltou pro stupeň vlivu prostředí XF4"
    assert [mix.exposures for mix in read_mixes(text, ()).mixes] == [()]
    assert outcome("N2", concrete(text, unit="m")) == "1"


def test_a_note_that_repeats_the_description_says_nothing_new() -> None:
    text = "ŘÍMSY ZE ŽELEZOBETONU DO C30/37"
    assert len(read_mixes(text, (text,)).mixes) == 1


@pytest.mark.parametrize(("text", "watertight"), [("vodostavebný beton C30/37", True), ("beton C30/37", False)])
def test_watertight_concrete_is_recognised(text: str, watertight: bool) -> None:
    assert read_mixes(text, ()).watertight is watertight


@pytest.mark.parametrize("name", ["C8/10", "C100/115", "LC80/88", "C-/5"])
def test_classes_of_the_standard_exist(name: str) -> None:
    assert name in CLASSES
    assert outcome("N1", concrete(f"beton {name}")) == "G"


@pytest.mark.parametrize(("text", "nearest"), [("beton C26/30", "C25/30"), ("beton LC 16/20", "LC16/18")])
def test_a_class_that_does_not_exist_is_red_and_the_nearest_is_named(text: str, nearest: str) -> None:
    found = finding("N1", concrete(text))
    assert (found.recommendation, found.evidence["nearest"]) == ("RED", nearest)


def test_what_only_looks_like_a_class_is_not_judged() -> None:
    assert outcome("N1", line(description="Kabel C 3/7", unit="m")) == "1"
    assert outcome("N1", line(description="Kabel")) == "0"


@pytest.mark.parametrize(
    ("profile", "exposure", "least"),
    [
        ("cz", "XC1", "C16/20"),
        ("cz", "XF4", "C30/37"),
        ("cz", "XS3", "C35/45"),
        ("en206", "XC1", "C20/25"),
        ("en206", "XC4", "C30/37"),
        ("en206", "XA3", "C35/45"),
        ("en206", "XF2", "C25/30"),
        ("tkp17", "XC3", "C25/30"),
        ("tkp17", "XF4", "C25/30"),
        ("tkp17", "XC4", "C25/30"),
    ],
)
def test_each_profile_has_its_own_table(profile: str, exposure: str, least: str) -> None:
    settings = AuditSettings(profile=profile)  # pyright: ignore[reportArgumentType] - parametrised
    assert required((exposure,), settings) == (exposure, least)
    assert outcome("N2", concrete(f"{WALLS} {least} {exposure}"), settings=settings) == "G"
    below = NORMAL[NORMAL.index(least[1:]) - 1]
    assert outcome("N2", concrete(f"{WALLS} C{below} {exposure}"), settings=settings) == "R"


def test_a_hundred_years_ask_for_one_class_more() -> None:
    wall = concrete(f"{WALLS} C25/30 XC4")
    assert outcome("N2", wall) == "G"
    found = finding("N2", wall, settings=AuditSettings(design_life=100))
    assert (found.evidence["threshold"], found.evidence["design_life"]) == ("C30/37", "100")


def test_the_strictest_of_several_exposures_counts() -> None:
    found = finding("N2", concrete(f"{WALLS} C25/30 XC2, XF4, XA1"))
    assert (found.evidence["strictest"], found.evidence["threshold"]) == ("XF4", "C30/37")
    assert found.evidence["profile"] == "cz"
    assert "too weak for XF4" in found.reasoning


def test_tables_name_all_classes_of_exposure() -> None:
    assert {len(table) for table in TABLES.values()} == {18}


def test_an_exposure_far_from_its_class_is_less_sure() -> None:
    found = finding("N2", concrete("Beton do prostředí XF4, čerpaný, třídy C25/30"))
    assert (found.recommendation, found.confidence) == ("RED", 85)


@pytest.mark.parametrize(
    ("position", "said"),
    [
        (concrete(f"{WALLS} C25/30"), "A"),
        (concrete(f"{WALLS} C25/30", "XC2"), "G"),
        (concrete(f"{WALLS} bez třídy"), "2"),
        (
            line(code="451325", code_system="otskp", description="PODKLADNÍ VRSTVY ZE ŽELEZOBETONU C16/20", unit="M3"),
            "1",
        ),
        (line(code="622", description="Stěny ze železobetonu C25/30", unit="m3"), "A"),
        (line(description=f"{WALLS} C25/30", unit="m2"), "0"),
        (line(code="274313611", description="Pasy z betonu C16/20", unit="m3"), "0"),
    ],
)
def test_reinforced_concrete_names_its_exposure(position: Position, said: str) -> None:
    assert outcome("N3", position) == said


@pytest.mark.parametrize(
    ("text", "said", "notes"),
    [
        ("C30/37 XF4", "G", 1),
        ("provzdušněný C30/37 XF4", "G", 0),
        ("C30/37 XA2", "G", 1),
        ("C30/37 XA2 ze síranovzdorného cementu", "G", 0),
        ("C30/37 XC4", "1", 0),
        ("C30/37", "0", 0),
    ],
)
def test_air_and_special_cement_are_missed_in_a_note(text: str, said: str, notes: int) -> None:
    wall = concrete(f"{WALLS} {text}")
    assert outcome("N4", wall) == said
    if notes:
        found = finding("N4", wall)
        assert (found.recommendation, found.issues[0].severity) == ("GREEN", "info")
