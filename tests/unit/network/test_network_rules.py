from __future__ import annotations

from wirt.network.ledger import Claim, Segment
from wirt.network.rules import add_claims, delete_claims, drop_table, table_name, whole_table

ROUTED = Segment("r" * 64, "wirt0", "10.0.0.0/24", "10.0.0.1")
INTERNAL = Segment("i" * 64, "wirt-1", "10.0.1.0/24", "10.0.1.1", internal=True)
ANYWHERE = Claim("g", "r", "tcp", "0.0.0.0", 8080, "10.0.0.2", 80)
LOOPBACK = Claim("g", "r", "udp", "127.0.0.1", 53, "10.0.0.2", 5353)


def elements(text: str, name: str) -> str:
    block = text.partition(f"set {name} {{")[2].partition("\n  }")[0]
    return block.partition("elements = { ")[2].partition(" }")[0]


def test_table_is_replaced_in_one_transaction() -> None:
    text = whole_table("wirt", [ROUTED], [], [])
    assert text.startswith(drop_table("wirt"))
    assert text.count("delete table") == 1


def test_instances_have_tables_of_their_own() -> None:
    assert (table_name(""), table_name("ab12cd")) == ("wirt", "wirt_ab12cd")


def test_internal_networks_are_not_routed() -> None:
    text = whole_table("wirt", [ROUTED, INTERNAL], [], ["eth0"])
    assert elements(text, "bridges") == '"wirt0", "wirt-1"'
    assert elements(text, "internal") == '"wirt-1"'
    assert elements(text, "routed") == "10.0.0.0/24"
    assert elements(text, "hairpins") == "10.0.0.0/24 . 10.0.0.0/24"
    assert elements(text, "gateways") == "10.0.0.1, 10.0.1.1"
    assert elements(text, "fence") == '"eth0"'


def test_empty_sets_have_no_elements() -> None:
    assert elements(whole_table("wirt", [ROUTED], [], []), "internal") == ""


def test_port_is_one_element_of_the_map_for_its_address() -> None:
    added = add_claims("wirt", [ANYWHERE, LOOPBACK])
    assert added.splitlines() == [
        "add element ip wirt published_anywhere { tcp . 8080 : 10.0.0.2 . 80 }",
        "add element ip wirt published { 127.0.0.1 . udp . 53 : 10.0.0.2 . 5353 }",
    ]
    assert delete_claims("wirt", [ANYWHERE, LOOPBACK]) == added.replace("add ", "delete ")
    assert whole_table("wirt", [ROUTED], [ANYWHERE, LOOPBACK], []).endswith(added)
