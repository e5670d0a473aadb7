"""What a user can do: one function per verb, no Qt, no SQL; the window and the command line share it."""
