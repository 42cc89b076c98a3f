"""Files of readings and of results: tables in, tables out. No SQL, no clock, no network."""
