"""The command line: one subcommand per operation; nothing but parsing and printing."""
