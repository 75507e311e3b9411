"""REST v1: one file a resource. A handler translates, calls the engine once, and translates back."""
