# RFC 6068 2, 6: what is right: escapes, more than one recipient, fields; the same check in the test (RFC 5435 4).
require "enotify";
if not valid_notify_method "mailto:chris@example.com" { discard; }
if not valid_notify_method "mailto:infobot@example.com?subject=current-issue" { discard; }
if not valid_notify_method "mailto:infobot@example.com?body=send%20current-issue%0D%0Asend%20index" { discard; }
if not valid_notify_method "mailto:list@example.org?In-Reply-To=%3C3469A91.D10AF4C@example.com%3E" { discard; }
if not valid_notify_method "mailto:joe@example.com?cc=bob@example.com&body=hello" { discard; }
if not valid_notify_method "mailto:addr1@an.example,addr2@an.example" { discard; }
if not valid_notify_method "mailto:?to=addr1@an.example,addr2@an.example" { discard; }
if not valid_notify_method "mailto:gorby%25kremvax@example.com" { discard; }
if not valid_notify_method "mailto:unlikely%3Faddress@example.com?blat=foop" { discard; }
if not valid_notify_method "mailto:%22not%40me%22@example.org" { discard; }
if not valid_notify_method "MailTo:a@example.com?from=b@example.com&received=x" { discard; }
