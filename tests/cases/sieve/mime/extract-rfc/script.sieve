# RFC 5703 9.3: its example, with the loop's capability, and what it leaves open filled in.
require ["mime", "variables", "extracttext", "foreverypart", "fileinto"];
if header :contains "from" "boss@example.org"
{
  if header :matches "Subject" "*" { set "subject" "${1}"; }
  foreverypart
  {
    if header :mime :type :is "Content-Type" "text"
    {
      extracttext :first 100 "msgcontent";
      break;
    }
  }
  if not header :contains "subject" "FYI:" { fileinto "${subject}: ${msgcontent}"; }
}
