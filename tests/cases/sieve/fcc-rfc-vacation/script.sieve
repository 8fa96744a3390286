# RFC 8580 5: a copy of the answer.
require ["vacation", "fcc"];
vacation :days 7 :handle "h"
         :from "hemingway@example.com"
         :fcc "INBOX.Sent"
         "Gone Fishing";
