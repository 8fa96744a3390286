# A block without end: reported where it begins.
if exists "subject" {
	keep;
