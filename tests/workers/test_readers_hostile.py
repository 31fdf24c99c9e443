"""XML that means harm or broke on its way: a clear refusal, in no time, and nothing is fetched or unfolded."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.workers.documents import gaeb, item, unixml
from workers.parsing import Limits, parse
from workers.readers import Unreadable, read_bill
from workers.sample_bill import sample_bill

BODY = "<objekty><objekt><kod_objektu>{}</kod_objektu></objekt></objekty>"


def refusal(data: bytes) -> Unreadable:
    began = time.process_time()
    with pytest.raises(Unreadable) as caught:
        read_bill(data)
    assert time.process_time() - began < 5
    return caught.value


def bomb() -> bytes:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    return f'<!DOCTYPE unixml [<!ENTITY e0 "ha">{entities}]><unixml><stavba a="&e11;">&e11;</stavba></unixml>'.encode()


def quadratic() -> bytes:
    return f'<!DOCTYPE GAEB [<!ENTITY a "{"x" * 100_000}">]><GAEB>{"&a;" * 100_000}</GAEB>'.encode()


@pytest.mark.parametrize(
    "data",
    [
        bomb(),
        quadratic(),
        b'<!DOCTYPE XC4 [<!ENTITY x SYSTEM "file:///etc/passwd">]><XC4><polozka><znacka>&x;</znacka></polozka></XC4>',
        b'<!DOCTYPE GAEB SYSTEM "http://127.0.0.1:9/evil.dtd"><GAEB/>',
        b'<!DOCTYPE GAEB [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]><GAEB/>',
        b'<!DOCTYPE unixml [<!ATTLIST unixml a CDATA "x">]><unixml/>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE GAEB [<!ENTITY a "b">]><GAEB/>'.encode("utf-16"),
    ],
    ids=["bomb", "quadratic", "external entity", "external type", "parameter entity", "attributes", "utf-16"],
)
def test_document_types_are_refused(data: bytes) -> None:
    found = refusal(data)
    assert found.code == "unreadable.entities"
    assert "DOCTYPE" in found.detail


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"<GAEB><Award>", "line 1"),
        (gaeb("<Itemlist/>")[:-20], "cut off"),
        (b"<unixml>" + b"<dil>" * 10_000 + b"</dil>" * 10_000 + b"</unixml>", "depth"),
        (b"<unixml><a>" + b"x" * 11_000_000 + b"</a></unixml>", "text node too long"),
        (b"<GAEB>&undefined;</GAEB>", "undefined"),
        ('<?xml version="1.0" encoding="utf-8"?><GAEB>ä</GAEB>'.encode("cp1252"), "encoding"),
        (b'<?xml version="1.0" encoding="nonsense"?><GAEB/>', "encoding"),
        (b"<a:GAEB/>" + b"<b/>", "line 1"),
        (b"<GAEB " + b"".join(b'a%d="1" ' % n for n in range(20)) + b'a1="2"/>', "redefined"),
    ],
    ids=["open", "truncated", "deep", "long text", "entity", "wrong encoding", "no encoding", "two roots", "twice"],
)
def test_broken_xml_is_told_with_its_place(data: bytes, told: str) -> None:
    found = refusal(data)
    assert found.code == "unreadable.malformed"
    assert told.casefold() in found.detail.casefold()
    assert "line" in found.detail


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1250", "iso-8859-2"])
def test_declared_encodings_are_read(encoding: str) -> None:
    kros = read_bill(sample_bill(items=30))
    written = (
        unixml(kros).decode("utf-8-sig").replace('encoding="utf-8"', f'encoding="{encoding.removesuffix("-sig")}"')
    )
    bill = read_bill(written.encode(encoding))
    assert [found.description for found in bill.items] == [found.description for found in kros.items]


def test_every_truncation_is_told() -> None:
    data = gaeb(f"<Itemlist>{item('1', 'Beton', Qty='1', UP='2')}</Itemlist>")
    assert read_bill(data).items
    for end in range(60, len(data) - 1, 7):
        assert refusal(data[:end]).code == "unreadable.malformed"


def test_many_elements_end_in_the_childs_limits(tmp_path: Path) -> None:
    path = tmp_path / "large.xml"
    path.write_bytes(b"<unixml>" + b"<a/>" * 5_000_000 + b"</unixml>")
    with pytest.raises(Unreadable) as caught:
        asyncio.run(parse(path, Limits(memory_bytes=512 * 2**20)))
    assert caught.value.code == "unreadable.out_of_memory"
