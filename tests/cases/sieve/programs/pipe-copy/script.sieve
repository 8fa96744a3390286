# spec-bosch-sieve-extprograms 10.2: its second example: :copy leaves the implicit keep.
require [ "vnd.dovecot.pipe", "copy" ];
if address "to" "me@example.jp"
{
  pipe :copy "printer" ["A4", "draft"];
}
