"""Guest networking: bridges, addresses, published ports, names. ``networks.Networks`` is the door.

``addresses`` and ``rules`` are pure: arithmetic, and text for nft. ``bridges``, ``endpoints``, ``firewall`` and
``dns`` each do one thing on the host. ``ledger`` remembers what was done; ``publishing`` and ``networks`` decide in
which order.

Everything is synchronous and may be called from any thread of the daemon. Locks, in the order in which they are taken:

1. the host's (``Ledger.locked``, a flock on one file): whatever chooses subnets or ports or changes bridges, rules, the
   ledger. Daemons and threads exclude one another with it; a transaction of nft, some milliseconds, is done under it.
2. ``NameServers``' (starting and signalling dnsmasq) and ``Leases``' (addresses; arithmetic only). Neither is held
   while another one is taken.

Attaching a guest to a network that is ready takes none but the leases' for a moment, and starts no process.

The engine keeps the order of calls about one guest: ``make_netns``, ``attach``, ``publish``, and backwards
``unpublish``, ``remove_netns`` (or ``detach`` where the guest lives on). It calls ``set_names`` for one network one at
a time.
"""
