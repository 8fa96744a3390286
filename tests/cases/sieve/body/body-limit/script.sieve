# sieve_max_part_size: what is behind it is not seen.
require ["body", "fileinto"];
if body :raw :contains "behind" { fileinto "yes"; }
