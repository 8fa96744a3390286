# RFC 5228 2.6.2: tags stand before positional arguments.
if header "subject" :contains "x" { keep; }
