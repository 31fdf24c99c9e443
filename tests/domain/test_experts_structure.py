"""S1 to S5: concrete, rebar and formwork of one family in one object, and the moving of materials."""

from decimal import Decimal
from typing import Any

import pytest

from domain.bill import TakeoffLine
from domain.experts.elements import piece_of
from domain.experts.settings import AuditSettings
from domain.position import Position
from tests.domain.lines import finding, judged, line, outcome

D = Decimal
STRIP = "základových pasů"


def concrete(number: int = 1, code: str = "274321411", cubic: str | None = "10", **fields: Any) -> Position:
    text = f"Základové pasy ze železobetonu C25/30 XC2 ({code})"
    quantity = None if cubic is None else D(cubic)
    return line(number, code=code, unit="m3", quantity=quantity, description=text, **fields)


def rebar(number: int = 2, code: str = "274361821", mass: str = "0.8", unit: str = "t", **fields: Any) -> Position:
    return line(number, code=code, unit=unit, quantity=D(mass), description=f"Výztuž {STRIP}", **fields)


def formwork(number: int = 3, code: str = "274351121", area: str = "30", **fields: Any) -> Position:
    return line(number, code=code, quantity=D(area), description=f"Zřízení bednění {STRIP}", **fields)


@pytest.mark.parametrize(
    ("code", "text", "unit", "trade", "element"),
    [
        ("274321411", "Základové pasy ze ŽB", "m3", "concrete", "strip foundation"),
        ("331361821", "Výztuž sloupů", "t", "rebar", "column"),
        ("411351101", "Zřízení bednění stropů", "m2", "formwork", "slab"),
        ("430321414", "Schodišťová konstrukce ze ŽB", "m3", "concrete", "stairs"),
        ("327324", "OPĚRNÉ ZDI ZE ŽELEZOBETONU", "m3", None, None),
        ("622321411", "Omítka", "m3", None, None),
        ("274321411", "Základové pasy ze ŽB", "m2", None, None),
    ],
)
def test_a_code_of_the_classification_tells_trade_and_element(
    code: str, text: str, unit: str, trade: str | None, element: str | None
) -> None:
    piece = piece_of(line(code=code, description=text, unit=unit))
    assert (piece.trade, piece.element.name) == (trade, element) if piece else trade is None


@pytest.mark.parametrize(
    ("text", "unit", "element"),
    [
        ("Reinforced concrete walls C30/37", "m³", "wall"),
        ("Stahlbetondecke C25/30", "m3", "slab"),
        ("Bewehrung der Bodenplatte", "kg", "raft"),
        ("Formwork to columns", "m2", "column"),
        ("Piloty ze železobetonu", "m3", "pile"),
        ("Výztuž neznámé věci", "t", None),
        ("Malba stěn", "m2", None),
    ],
)
def test_without_a_code_words_tell_the_element(text: str, unit: str, element: str | None) -> None:
    piece = piece_of(line(code="", code_system="own", description=text, unit=unit))
    assert (piece and piece.element.name) == element


def test_complete_concrete_is_green() -> None:
    assert outcome("S1", concrete(), rebar(), formwork()) == "G"


@pytest.mark.parametrize(
    ("others", "missing"),
    [
        ((), {"missing_rebar", "missing_formwork"}),
        ((rebar(),), {"missing_formwork"}),
        ((formwork(),), {"missing_rebar"}),
        ((rebar(section=("SO 02", "HSV")), formwork()), {"missing_rebar"}),
        ((rebar(), formwork(code="274351122", area="30")), set[str]()),
    ],
)
def test_what_lacks_beside_concrete_is_named(others: tuple[Position, ...], missing: set[str]) -> None:
    if not missing:
        assert outcome("S1", concrete(), *others) == "G"
        return
    found = finding("S1", concrete(), *others)
    assert found.recommendation == "AMBER"
    assert {each.type for each in found.issues} == missing


def test_related_families_bill_together() -> None:
    column = concrete(code="330321510")
    assert outcome("S1", column, rebar(code="331361821"), formwork(code="332351115")) == "G"


def test_concrete_that_includes_its_rebar_needs_no_line_for_it() -> None:
    included = line(code="274321411", unit="m3", description="Pasy ze ŽB včetně výztuže a bez bednění")
    assert outcome("S1", included) == "G"


def test_otskp_includes_formwork_and_must_not_bill_it_again() -> None:
    base = {"code_system": "otskp"}
    footing = line(1, code="272325", unit="M3", description="ZÁKLADY ZE ŽELEZOBETONU DO C30/37", **base)
    shuttering = line(2, code="272351", unit="M2", description="BEDNĚNÍ ZÁKLADŮ", **base)
    assert outcome("S1", footing) == "1"
    assert outcome("S2", footing) == "G"
    assert outcome("S2", footing, shuttering) == "A"
    assert outcome("S2", concrete()) == "1"
    assert outcome("S2", rebar()) == "0"


@pytest.mark.parametrize(
    ("mass", "said"),
    [("0.05", "R"), ("0.3", "A"), ("0.5", "G"), ("1.1", "G"), ("1.2", "A"), ("4.6", "R")],
)
def test_rebar_is_held_against_what_is_usual_for_the_element(mass: str, said: str) -> None:
    assert outcome("S3", rebar(mass=mass), concrete()) == said


def test_kilograms_are_no_tonnes() -> None:
    assert outcome("S3", rebar(mass="800", unit="kg"), concrete()) == "G"


def test_the_limits_of_rebar_are_the_projects() -> None:
    settings = AuditSettings(rebar_least=D(1), rebar_most=D(110))
    assert outcome("S3", rebar(mass="0.05"), concrete(), settings=settings) == "A"
    found = finding("S3", rebar(mass="1.2"), concrete(), settings=settings)
    assert (found.recommendation, found.demand) == ("RED", "quantity-")
    assert found.evidence["red_threshold"] == "1 to 110"


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ((), "2"),
        ((concrete(cubic=None),), "1"),
        ((concrete(cubic="1E-999999"),), "1"),
        ((concrete(role="optional"),), "2"),
    ],
)
def test_rebar_without_usable_concrete_is_not_judged(others: tuple[Position, ...], said: str) -> None:
    assert outcome("S3", rebar(), *others) == said


@pytest.mark.parametrize(("area", "said"), [("0.5", "A"), ("30", "G"), ("201", "A")])
def test_formwork_is_plausible(area: str, said: str) -> None:
    assert outcome("S5", formwork(area=area), concrete()) == said


def test_formwork_that_is_removed_or_has_no_concrete_is_not_judged() -> None:
    removed = line(3, code="274351122", description="Odstranění bednění")
    assert outcome("S5", removed, concrete()) == "0"
    assert outcome("S5", formwork()) == "2"
    assert outcome("S5", formwork(), concrete(cubic=None)) == "1"


@pytest.mark.parametrize(("codes", "said"), [(("711111001",), 1), (("711111001", "998711101"), 0), (("R1",), None)])
def test_a_trade_without_moving_of_materials_is_noted(codes: tuple[str, ...], said: int | None) -> None:
    section = ("SO 01", "PSV", "711")
    lines = [
        line(number, code=code, section=section, code_system="urs" if code.isdigit() else "own")
        for number, code in enumerate(codes, start=1)
    ]
    result, _ = judged(lines)
    (judgement,) = [each for each in result.sections if each.rule == "S4"]
    assert judgement.outcome == ("1" if said is None else "G")
    notes = [each for each in result.findings if each.rule == "S4"]
    assert [(each.recommendation, each.section) for each in notes] == ([("GREEN", section)] if said else [])


def test_opposite_demands_of_two_roles_are_a_conflict_that_safety_settles() -> None:
    heavy = rebar(mass="5", takeoff=(TakeoffLine(expression="3*4", value=D(12)),))
    result, said = judged([heavy, concrete()])
    assert (said["V3", 2], said["S3", 2]) == ("R", "R")
    (conflict,) = result.conflicts
    assert (conflict.rules, conflict.verdict) == (("V3", "S3"), "RED")
    assert conflict.resolution == "S3 is followed: safety comes before practicality."
    assert conflict.description == "V3 wants a higher quantity, S3 a lower one."


def test_a_conflict_between_equals_is_left_to_a_person() -> None:
    wide = formwork(area="300", takeoff=(TakeoffLine(expression="400", value=D(400)),))
    result, _ = judged([wide, concrete()])
    (conflict,) = result.conflicts
    assert (conflict.rules, conflict.resolution) == (("V3", "S5"), "")
