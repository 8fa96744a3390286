# A pattern that is wrong is an error of the script, at its place.
require "regex";
if header :regex "subject" ["a", "(b"] { keep; }
