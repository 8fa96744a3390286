# draft-murchison-sieve-regex-07 3: of alternatives PCRE2 takes the first that leads to a match, POSIX the longest; that it matches
# is the same.
require ["regex", "variables", "fileinto"];
if header :regex "subject" "(Hello|Hello World)" { fileinto "${0}"; }
if header :regex "subject" "^(Hello|Hello World)$" { fileinto "${1}"; }
