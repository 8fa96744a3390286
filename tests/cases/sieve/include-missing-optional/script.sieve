# RFC 6609 3.2: with :optional a missing script is no error.
require "include";
include :optional "nothing";
redirect "a@example.com";
include :global :once :optional "nothing";
