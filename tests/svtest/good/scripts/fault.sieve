# Good to compile, wrong to run: the action before the fault must not count.
require ["fileinto", "variables"];
set "name" "";
fileinto "Before";
fileinto "${name}";
