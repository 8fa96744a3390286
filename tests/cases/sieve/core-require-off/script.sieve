# Issue 3: extensions switch per site.
require ["fileinto", "copy"];
fileinto "x";
