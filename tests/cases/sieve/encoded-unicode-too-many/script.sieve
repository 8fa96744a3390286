# RFC 5228 2.4.2.4: a number that is too big stays so, however many digits it has.
require ["encoded-character", "fileinto"];
fileinto "${unicode:100000000000000000000000000000040}";
