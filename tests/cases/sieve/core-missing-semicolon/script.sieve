# Issue 3: the place is where the sign is missing, and the next command is read as such.
keep
discard;
