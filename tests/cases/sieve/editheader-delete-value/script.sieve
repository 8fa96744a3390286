# RFC 5293 5: as if by the header test: :is by default, without case, blanks at the ends ignored, any of the patterns.
require "editheader";
deleteheader "X-Hello" ["one", "TWO"];
