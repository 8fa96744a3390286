# RFC 6609 3.1: a script of the site may use what only the site may, whoever includes it.
require "include";
include :global "news";
