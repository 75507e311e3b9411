"""Facts of foreign interfaces: constants and layouts, under the names their owners gave them. No code that acts."""
