# RFC 5230 4.7: it cannot stand beside reject.
require ["vacation", "reject"];
vacation "t";
reject "r";
