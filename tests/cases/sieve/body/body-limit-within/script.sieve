# sieve_max_part_size: what is before it is seen.
require ["body", "fileinto"];
if body :raw :contains "before" { fileinto "yes"; }
