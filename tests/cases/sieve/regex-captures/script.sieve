# regex draft 5: groups become match variables; a group without part is empty.
require ["regex", "variables", "fileinto"];
if header :regex "subject" "(h)(x)?.*(w.*)" { fileinto "${0}|${1}|${2}|${3}"; }
