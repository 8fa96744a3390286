# spec-bosch-sieve-extprograms 10.3: its third example, the second way: only what was translated.
require [ "vnd.dovecot.filter", "fileinto" ];
if header "content-language" "nl"
{
  if filter "translator" ["nl", "en"]
  {
    fileinto "Translated";
    stop;
  }
}
