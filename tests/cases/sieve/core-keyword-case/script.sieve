# RFC 5228 2.4: keywords, tags and quantifiers have no case.
IF Header :CONTAINS "SUBJECT" "HELLO" { Redirect "a@example.com"; }
If SIZE :Over 1k { DISCARD; }
