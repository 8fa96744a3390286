# RFC 3894 3: a copy goes out, one stays.
require "copy";
redirect :copy "a@example.com";
