# RFC 8580 3: a mailbox, as fileinto takes it.
require ["vacation", "fcc"];
vacation :fcc "" "t";
vacation :fcc ["a"] "t";
