# RFC 5293 5 with RFC 5703 5: an Original-Subject that came with the message is a field like others.
require ["editheader", "fileinto"];
deleteheader "Original-Subject";
if not exists "Original-Subject" { fileinto "gone"; }
