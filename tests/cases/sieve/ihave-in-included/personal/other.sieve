require "ihave";
if anyof (exists "subject", ihave "fileinto") { }
fileinto "b";
