# sieve_engine_of is stronger than sieve_engine: this user has the native engine, which takes :copy without a word.
require ["fileinto", "copy"];
fileinto :copy "a";
