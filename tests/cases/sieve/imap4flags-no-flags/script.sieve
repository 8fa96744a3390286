# RFC 3501 9: a flag is a system flag or an atom. What is neither is left out; where flags stand side by side, a blank parts them.
require ["imap4flags", "fileinto", "encoded-character"];
addflag ["a(b", "a)b", "a{b", "a%b", "a*b", "a]b", "é", "a${hex:7f}b", "a${hex:01}b", "\\Recent", "\\Nosuch", "\\", "a\\b", "a${hex:22}b"];
addflag ["a}b", "a[b", "$Label", "a|b~", "\\SEEN", "!", "x y"];
fileinto "Work";
