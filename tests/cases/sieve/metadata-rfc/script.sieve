# RFC 5490 3.3: the example.
require ["mboxmetadata", "vacation"];

if metadata :is "INBOX"
  "/private/vendor/vendor.isode/auto-replies" "on" {

  vacation text:
I'm away on holidays till July 2009.
If your case is urgent, please contact foobar@example.net
.
  ;
}
