unknowncommand; keep
