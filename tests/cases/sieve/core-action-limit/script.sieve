# PEERS A9: actions are counted; nothing is done by half.
keep; keep; keep;
