# What suites run: one rule of each kind.
require ["fileinto", "copy"];

if header :contains "list-id" "<birds.example.org>" {
	fileinto "Lists/Birds";
} elsif address :is "from" "boss@example.org" {
	redirect :copy "phone@example.net";
} elsif header :is "subject" "spam" {
	discard;
}
