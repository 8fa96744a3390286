# More than LIMIT_LIST_REDIRECTS.
require "extlists";
redirect :list "a";
