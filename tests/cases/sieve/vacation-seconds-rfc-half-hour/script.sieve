# RFC 6131 3: half an hour; the capability implies vacation.
require ["vacation-seconds"];
vacation :addresses ["tjs@example.edu", "ts4z@landru.example.edu"]
         :seconds 1800
         :handle "h" "I am in a meeting, and do not have access to email.";
