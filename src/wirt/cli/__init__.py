"""The command line: verbs and flags are data, from which parsing, help, completion, manual and reference are made.

``main`` finds the verb's module in ``index`` and loads that one alone; ``options`` reads its arguments; the module in
``verbs`` says what to ask the daemon and what to print. What a plain ``wirt run`` does not need is imported where it
is used: the start of this program is part of what its users wait for (bench/breakdown.py takes it apart).
"""
