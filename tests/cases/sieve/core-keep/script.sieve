# RFC 5228 4.3: keep files into the INBOX; the implicit keep is cancelled.
keep;
