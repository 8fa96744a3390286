# A rule without block.
if exists "subject"
	keep;
