# RFC 5228 2.8: blocks in blocks; a chain belongs to its own block.
if header :contains "subject" "hello" {
	if header :contains "subject" "nothing" { discard; }
	else { redirect "in@example.com"; }
} else { discard; }
