"""The instance's table in the kernel, kept equal to what the ledger says."""

from __future__ import annotations

from collections.abc import Sequence

from wirt.errors import RuntimeFailure
from wirt.host.netfilter import table_exists
from wirt.network import nft, rules
from wirt.network.failures import explained
from wirt.network.ledger import Claim, Ledger

__all__ = ["Firewall"]


class Firewall:
    """All methods but ``stands`` are called with the ledger's lock held, after the ledger was written."""

    def __init__(self, tag: str, ledger: Ledger) -> None:
        self.table = rules.table_name(tag)
        self._ledger = ledger

    def stands(self) -> bool:
        """Whether the table is there: anybody may have flushed the rules. Cheap: no process is started."""
        with explained("look at the packet filter"):
            return table_exists(self.table)

    def renew(self) -> None:
        """Make the table anew from the ledger; without segments, take it away."""
        holdings = self._ledger.read()
        if holdings.segments:
            fence = self._ledger.read_fence() or ()
            nft.apply(rules.whole_table(self.table, holdings.segments, holdings.claims, fence))
        elif self.stands():
            nft.apply(rules.drop_table(self.table))

    def open(self, claims: Sequence[Claim]) -> None:
        """Let published ports in."""
        if self.stands():
            nft.apply(rules.add_claims(self.table, claims))
        else:
            self.renew()

    def shut(self, claims: Sequence[Claim]) -> None:
        """Shut published ports again."""
        if not self.stands():
            return
        try:
            nft.apply(rules.delete_claims(self.table, claims))
        except RuntimeFailure:  # one of them is not there: a crash, or somebody else's hand
            self.renew()
