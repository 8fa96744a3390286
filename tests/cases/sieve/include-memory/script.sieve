# What the variables of an included script held is free again when it has ended (sieve_max_memory).
require ["include", "fileinto"];
include "inner";
include "inner";
include "inner";
include "inner";
fileinto "done";
