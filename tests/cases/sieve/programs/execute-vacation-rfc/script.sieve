# spec-bosch-sieve-extprograms 10.4: its fourth example, with a fileinto in place of the answer.
require [ "vnd.dovecot.execute", "fileinto", "variables",
          "envelope" ];
if envelope :localpart :matches "to" "*"
{
  set "recipient" "${1}";
}
if execute :output "vacation_message" "onvacation" "${recipient}"
{
  fileinto "${vacation_message}";
}
