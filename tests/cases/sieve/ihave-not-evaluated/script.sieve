# RFC 5463 4: no use before the test was true, an error of the run if it is tried: here the first test decides.
require "ihave";
if anyof (size :over 1, ihave "fileinto") { keep; }
fileinto "a";
