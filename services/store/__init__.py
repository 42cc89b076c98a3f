"""The only SQL: connections, migrations, and one module per kind of row."""
