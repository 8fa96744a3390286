# A string without end: reported where it begins, and nothing else for it.
if header :contains "subject" "x {
	discard;
}
