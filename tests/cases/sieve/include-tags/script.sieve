# RFC 6609 3.2: one location, once; one name.
require "include";
include :personal :global "a";
include :once :once "a";
include ["a", "b"];
include;
