# Tests in tests, and blocks in blocks, as the library sees them; where one value is not for it, the others still are.
require ["fileinto", "envelope", "subaddress", "relational", "comparator-i;ascii-numeric", "regex"];
if allof (header :is "x-a" "1", anyof (exists ["x-a", "x-b"], not header :contains ["x-b", "x-c"] "2"), size :under 10K, true) { fileinto "all"; }
if anyof (false, not size :under 1M, address :localpart ["from", "to"] "ann", header :regex "x-a" "^[0-9]$") {
	if not exists "x-none" { fileinto "inner"; stop; }
	else { fileinto "never"; }
}
fileinto "never";
