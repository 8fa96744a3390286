# RFC 5231 3: a match type of an extension.
if header :value "gt" "subject" "5" { keep; }
