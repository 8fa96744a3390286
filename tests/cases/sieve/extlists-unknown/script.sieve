# RFC 6134 2.2, 2.7: an unknown list is an error when it is used; the test tells before.
require "extlists";
redirect "a@example.com";
if valid_ext_list ["known", "unknown"] { discard; }
if header :list "subject" "unknown" { discard; }
