# Does nothing: the next script of a chain has its turn.
if header "subject" "this subject never comes" {
	discard;
}
