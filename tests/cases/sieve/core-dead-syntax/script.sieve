# Issue 11.7: what is no Sieve at all stays an error wherever it stands.
if false { keep }
