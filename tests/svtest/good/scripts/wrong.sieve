# Two errors: a tag and a missing require.
if header :containz "subject" "a" {
	keep;
}
fileinto "Somewhere";
