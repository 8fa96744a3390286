# RFC 5703 9.2: its example.
require [ "foreverypart", "mime", "enclose", "fileinto" ];
foreverypart
{
  if header :mime :param "filename"
    :matches ["Content-Type", "Content-Disposition"]
     ["*.com", "*.exe", "*.vbs", "*.scr", "*.pif", "*.hta", "*.bat", "*.zip" ]
  {
    # these attachment types are executable
    enclose :subject "Warning" text:
WARNING! The enclosed message contains executable attachments.
.
;
    break;
  }
}
if header "subject" "Warning" { fileinto "yes"; }
