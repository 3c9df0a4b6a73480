"""Pages for people: one module per page, each calls a room's verbs and renders a template."""
