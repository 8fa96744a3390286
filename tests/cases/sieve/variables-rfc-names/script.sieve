# RFC 5229 3: what is a reference and what is text.
require "variables";
set "company" "ACME";
if allof (string "&%${}!" "&%${}!",
          string "${doh!}" "${doh!}",
          string "${full}" "",
          string "${company}" "ACME",
          string "${BAD${Company}" "${BADACME",
          string "${President, ${Company} Inc.}" "${President, ACME Inc.}") { redirect "a@example.com"; }
