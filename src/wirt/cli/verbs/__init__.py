"""One module a verb: ``VERB`` describes it, ``run`` asks the daemon and prints. ``wirt.cli.index`` knows them all."""
