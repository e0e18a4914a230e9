"""Where observations are kept: SQLite on one machine, PostgreSQL where that is outgrown; one code for both."""
