# RFC 5228 2.4.2.4: unicode-hex is 1*HEXDIG: zeroes in front without end; hex takes two digits.
require ["encoded-character", "fileinto"];
fileinto "${unicode:0000000000000000000000000000000040}|${unicode: 000000000000003a 41}";
fileinto "${hex:00040}";
