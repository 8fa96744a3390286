# A list counts as one redirect, whatever its length.
require "extlists";
redirect :list "a";
redirect "d@example.com";
