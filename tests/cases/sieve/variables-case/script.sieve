# RFC 5229 3: names have no case.
require ["variables", "fileinto"];
set "Foo" "bar";
fileinto "${FOO}${foo}";
