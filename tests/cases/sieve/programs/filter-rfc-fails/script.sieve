# spec-bosch-sieve-extprograms 10.3: its third example, the first way: in the folder even when the program failed.
require [ "vnd.dovecot.filter", "fileinto" ];
if header "content-language" "nl"
{
  filter "translator" ["nl", "en"];
  fileinto "Translated";
  stop;
}
