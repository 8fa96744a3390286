# RFC 5228 4.4: a keep beside a discard still keeps.
discard;
keep;
